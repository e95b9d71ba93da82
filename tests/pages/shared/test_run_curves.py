"""Curves of runs as figures."""

import plotly.graph_objects as go

from pages.shared import run_curves


def looks(count: int) -> list[dict]:
    return [
        {"epoch": float(at), "variance_ratio": 0.9, "coverage_ratio": None, "agreement": 0.5} for at in range(count)
    ]


def test_a_long_curve_is_thinned_and_keeps_its_spike_and_its_end():
    rows = looks(5000)
    rows[1234]["variance_ratio"] = 0.1
    shown = run_curves.line(rows, "variance_ratio", "variety", 0)
    assert len(shown["x"]) <= 2000 and shown["x"][-1] == 4999.0 and shown["x"] == sorted(shown["x"])
    assert shown["y"][shown["x"].index(1234.0)] == 0.1


def test_where_amber_and_red_begin_is_told_in_words():
    figure = go.Figure(
        run_curves.of_one_run(looks(3), {"variance_ratio": "variety", "agreement": "labels"}, (0.6, 0.3))
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
    lines = go.Figure(run_curves.over_runs(series, "loss_g", "epoch", "epochs", "")).data
    assert len({(line.line.dash, line.mode == "lines" or line.marker.symbol) for line in lines}) == 12
    assert all(line.marker.maxdisplayed == run_curves.MOST_MARKERS for line in lines)


def test_four_runs_are_told_apart_by_dashes_and_their_names_are_not_html():
    series = {f"<b>{at}</b>": looks(2) for at in range(4)}
    figure = go.Figure(run_curves.over_epochs(series, "variance_ratio"))
    assert len({line.line.dash for line in figure.data}) == 4 and "<b>" not in figure.to_json()


def test_few_points_are_marked_and_many_are_a_line():
    rows = lambda n: [{"epoch": at, "kid": at} for at in range(n)]
    mode = lambda n: run_curves.of_one_run(rows(n), {"kid": "kid"}, None)["data"][0]["mode"]
    assert (mode(1), mode(2), mode(200)) == ("markers", "lines+markers", "lines")
