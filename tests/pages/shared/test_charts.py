"""The figures and the words beside them: pure functions, no Streamlit."""

import html

import plotly.graph_objects as go
import pytest

from gan_core.errors import UserError
from pages.shared import charts, evaluation_charts, text, urls


def test_the_bars_differ_without_colour():
    assert len({bar.marker.pattern.shape for bar in charts.class_counts(["a"], [1], [2]).data}) == 2


def test_the_legend_is_below_the_plot_where_no_toolbar_covers_it():
    legend = charts.planned_counts(["a"], [1], {"from the run": [2], "copies": [3]}).layout.legend
    assert (legend.yref, legend.y, legend.yanchor, legend.traceorder) == ("container", 0, "bottom", "normal")


def test_a_finger_scrolls_over_charts_but_for_the_curves_of_compared_runs():
    rows = {"a": [{"epoch": 1.0, "loss_g": 0.5}]}
    assert charts.class_counts(["a"], [1], [2]).layout.dragmode is False
    assert evaluation_charts.over_runs(rows, "loss_g", "epoch", "epochs", "loss")["layout"]["dragmode"] == "zoom"
    assert charts.CONFIG["showSendToCloud"] is False


def test_class_names_are_not_html():
    name = "<img src=x>"
    figure = charts.class_counts([name, name], [1, 2], [0, 0])
    assert list(figure.layout.yaxis.ticktext) == [html.escape(name)] * 2 and "<img" not in figure.to_json()
    assert figure.data[0].y == (0, 1)  # two classes of one name stay two bars


@pytest.mark.parametrize(
    "name",
    [
        "<script>",
        "![x](http://evil)",
        ":red[a]",
        "$x$",
        "# a",
        "a_b_c",
        "`a`",
        "[x](y)",
        ":material/delete:",
        "www.evil.com",
        "a -> b",
    ],
)
def test_plain_leaves_nothing_for_markdown(name):
    escaped = text.plain(name)
    assert escaped.replace("\\", "").replace(text.JOINER, "") == name.replace("\\", "")
    for at, letter in enumerate(escaped):
        if letter in "<>![]()`$#_*:|~":
            assert escaped[at - 1] == "\\", (escaped, letter)
    assert "://" not in escaped and ":material" not in escaped and "www." not in escaped


def test_plain_is_one_line_and_leaves_letters_alone():
    assert text.plain("  Größe\n\n 3 ") == "Größe 3"


def test_a_refusal_is_what_and_todo():
    assert text.sentence(UserError("x", "Bad.", "Do this.")) == "Bad\\. Do this\\."


def test_a_download_link_escapes_every_part():
    link = urls.download_link(urls.export("e" + "0" * 16, 'a"><script>.zip'), 'a"><script>.zip', "<b>")
    assert "<script>" not in link and "<b>" not in link and link.count('"') == 6


def looks(count: int) -> list[dict]:
    return [
        {"epoch": float(at), "variance_ratio": 0.9, "coverage_ratio": None, "agreement": 0.5} for at in range(count)
    ]


@pytest.mark.parametrize("count", [1, 1999, 2001, 5000])
def test_looks_at_variety_are_thinned_and_end_with_the_newest(count):
    kept = evaluation_charts.thin(looks(count))
    assert len(kept) <= 2000 and kept[-1]["epoch"] == count - 1
    assert count > 2000 or len(kept) == count
    assert [row["epoch"] for row in kept] == sorted(row["epoch"] for row in kept)


def test_where_amber_and_red_begin_is_told_in_words():
    figure = go.Figure(
        evaluation_charts.variety(looks(3), {"variance_ratio": "variety", "agreement": "labels"}, (0.6, 0.3))
    )
    assert [
        (shape.y0, note.text) for shape, note in zip(figure.layout.shapes, figure.layout.annotations, strict=True)
    ] == [
        (0.6, "amber"),
        (0.3, "red"),
    ]
    assert len({line.line.dash for line in figure.data}) == 2 and list(figure.data[1].y) == [0.5] * 3


def test_twelve_runs_are_told_apart_without_their_colours():
    rows = [{"epoch": at, "loss_g": 1.0} for at in range(100)]
    series = {f"run {n}": rows for n in range(12)}
    lines = go.Figure(evaluation_charts.over_runs(series, "loss_g", "epoch", "epochs", "")).data
    assert len({(line.line.dash, line.mode == "lines" or line.marker.symbol) for line in lines}) == 12
    assert all(line.marker.maxdisplayed == evaluation_charts.MOST_MARKERS for line in lines)


def test_four_runs_are_told_apart_by_dashes_and_their_names_are_not_html():
    series = {f"<b>{at}</b>": looks(2) for at in range(4)}
    figure = go.Figure(evaluation_charts.over_epochs(series, "variance_ratio"))
    assert len({line.line.dash for line in figure.data}) == 4 and "<b>" not in figure.to_json()


def test_each_cell_of_the_confusion_can_be_hit_and_says_its_count():
    counts = [[8, 2, 0], [0, 0, 0], [1, 0, 3]]
    figure = evaluation_charts.confusion(["a", "<i>b</i>", "c"], counts)
    heat, points = figure.data
    assert [list(row) for row in heat.z] == [
        [0.8, 0.2, 0.0],
        [0.0, 0.0, 0.0],
        [0.25, 0.0, 0.75],
    ]  # an empty class is no error
    found = {(y, x): data[2] for x, y, data in zip(points.x, points.y, points.customdata, strict=True)}
    assert found == {(asked, taken): counts[asked][taken] for asked in range(3) for taken in range(3)}
    assert "<i>" not in figure.to_json() and list(figure.layout.yaxis.range) == [2.5, -0.5]


def test_many_classes_have_no_numbers_in_their_cells():
    counts = [[1] * 30] * 30
    assert evaluation_charts.confusion([str(at) for at in range(30)], counts).data[0].texttemplate is None


def test_distances_are_shares_so_that_few_held_out_images_compare():
    figure = evaluation_charts.distances({"edges": [0, 1, 3], "fake": [10, 30], "held_out": [0, 2]})
    bars, line = figure.data
    assert list(bars.y) == [0.25, 0.75] and list(line.y) == [0, 1] and list(bars.width) == [1, 2]
    empty = evaluation_charts.distances({"edges": [0, 1], "fake": [0], "held_out": [0]})
    assert list(empty.data[1].y) == [0]


def test_accuracies_have_their_intervals():
    arms = [{"title": "<b>", "balanced_accuracy": 0.8, "ci95": [0.7, 0.85]}, {"title": "b", "balanced_accuracy": 0.5}]
    figure = evaluation_charts.accuracies(arms)
    assert figure.data[0].error_x.array == pytest.approx((0.05, 0)) and figure.data[
        0
    ].error_x.arrayminus == pytest.approx((0.1, 0))
    assert "<b>" not in figure.to_json()


def test_the_sweep_is_in_points_with_the_line_of_no_gain():
    figure = evaluation_charts.sweep([{"share": 0.5, "gain": 0.02, "gain_ci95": [-0.01, 0.05]}])
    assert list(figure.data[0].y) == [2.0] and figure.data[0].error_y.arrayminus == pytest.approx((3.0,))
    assert figure.layout.shapes[0].y0 == 0


def test_recalls_differ_by_pattern_and_a_missing_one_is_a_gap():
    figure = evaluation_charts.recalls({name: {"a": 0.5} for name in ("r", "c", "s", "o")}, ["a", "<b>"])
    assert len({bar.marker.pattern.shape for bar in figure.data}) == 4
    assert list(figure.data[0].x) == [0.5, None] and "<b>" not in figure.to_json()
