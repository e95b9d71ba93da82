"""The figures of the live curves: at most 2,000 points a curve, smoothing before thinning, marks, axes."""

import json

import numpy as np
import pytest

from gan_core.settings.families import TRAITS
from gan_core.views import curves
from gan_core.views.run_events import RunEvent
from pages.live import chart_specs, curve_charts
from pages.live.curve_charts import CurveOptions
from tests.builders.curve_columns import columns, numbers


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 1999, 2001, 50_000])
@pytest.mark.parametrize("smoothing", [0, 0.9])
def test_no_curve_sends_more_than_2000_points(count, smoothing):
    for chart in chart_specs.ADVERSARIAL.values():
        figure = curve_charts.draw(chart, columns(count), CurveOptions(smoothing=smoothing))
        assert len(figure["data"]) == (4 if smoothing else 2)
        for line in figure["data"]:
            assert 1 <= len(numbers(line["x"])) == len(numbers(line["y"])) <= 2000
            assert line["mode"] == ("markers" if count == 1 else "lines")


def test_smoothing_comes_before_thinning_and_before_the_window():
    some = columns(50_000)
    some["loss_d"] = np.random.default_rng(0).normal(size=50_000)
    raw, smoothed = curve_charts.draw(chart_specs.ADVERSARIAL["losses"], some, CurveOptions(smoothing=0.9, window=100))[
        "data"
    ][:2]
    assert numbers(raw["y"]) == pytest.approx(some["loss_d"][-100:], abs=1e-6)
    assert numbers(smoothed["y"]) == pytest.approx(curves.smooth(some["loss_d"], 0.9)[-100:], abs=1e-6)
    assert not raw["showlegend"] and smoothed["showlegend"] and raw["opacity"] < 1


@pytest.mark.parametrize(("axis", "end"), [("epochs", 0.9), ("minutes", 0.225), ("images", 576)])
def test_the_axis_is_told_in_its_unit(axis, end):
    figure = curve_charts.draw(chart_specs.ADVERSARIAL["losses"], columns(10), CurveOptions(axis))
    assert numbers(figure["data"][0]["x"])[-1] == pytest.approx(end)
    assert figure["layout"]["xaxis"]["title"]["text"] == curve_charts.AXIS_TITLES[axis]


def test_an_axis_is_kept_for_as_long_as_it_means_the_same():
    kept = lambda options: curve_charts.draw(chart_specs.ADVERSARIAL["losses"], columns(9), options)["layout"]
    same, minutes, log = kept(CurveOptions(smoothing=0.5)), kept(CurveOptions("minutes")), kept(CurveOptions(log=True))
    assert same["xaxis"]["uirevision"] == kept(CurveOptions())["xaxis"]["uirevision"] == log["xaxis"]["uirevision"]
    assert same["xaxis"]["uirevision"] != minutes["xaxis"]["uirevision"]
    assert same["yaxis"]["uirevision"] == minutes["yaxis"]["uirevision"] != log["yaxis"]["uirevision"]
    assert log["yaxis"]["type"] == "log" and "type" not in same["yaxis"]
    assert (
        "type"
        not in curve_charts.draw(chart_specs.ADVERSARIAL["balance"], columns(9), CurveOptions(log=True))["layout"][
            "yaxis"
        ]
    )


def test_a_missing_value_is_a_gap():
    some = columns(5)
    some["loss_d"][2] = np.nan
    assert list(
        np.isnan(numbers(curve_charts.draw(chart_specs.ADVERSARIAL["losses"], some, CurveOptions())["data"][0]["y"]))
    ) == [*(False, False, True, False, False)]


def test_only_the_chart_of_answers_has_a_band():
    band = lambda key, some: [
        (shape["y0"], shape["y1"])
        for shape in curve_charts.draw(chart_specs.ADVERSARIAL[key], columns(5), CurveOptions(), [], some)["layout"][
            "shapes"
        ]
        if shape["type"] == "rect"
    ]
    assert band("balance", (0.3, 0.7)) == [(0.3, 0.7)] and band("balance", None) == band("losses", (0.3, 0.7)) == []


def test_marks_lie_on_the_curve_differ_without_colour_and_are_not_html():
    marks = [
        RunEvent(64 * 3, "pause", "Paused for 9 s."),
        RunEvent(64 * 5 + 32, "alarm", "<b>owl</b> lost variety"),
        RunEvent(64 * 500, "checkpoint", "after the newest row"),
    ]
    figure = curve_charts.draw(chart_specs.ADVERSARIAL["losses"], columns(10), CurveOptions(), marks)
    signs = {trace["name"]: trace for trace in figure["data"] if trace.get("yaxis") == "y2"}
    assert signs.keys() == {"Alarm", "Checkpoint", "Pause"} and signs["Checkpoint"]["x"] == pytest.approx([0.9])
    assert signs["Pause"]["x"] == pytest.approx([0.3]) and signs["Alarm"]["x"] == pytest.approx([0.55])
    assert "<b>" not in json.dumps(figure) and len({sign["marker"]["symbol"] for sign in signs.values()}) == 3
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == pytest.approx([0.55])  # a line for an alarm alone
    late = curve_charts.draw(chart_specs.ADVERSARIAL["losses"], columns(10), CurveOptions(window=3), marks)
    assert [trace["name"] for trace in late["data"] if trace.get("yaxis") == "y2"] == ["Checkpoint"]


def test_each_game_has_charts_of_what_it_reports():
    more = ("loss_cycle", "loss_same", "mutation_minimax", "mutation_nonsaturating", "mutation_least_squares")
    some = columns(3) | {name: np.array([np.nan, 0.2, 0.3]) for name in more}
    for game in {traits.game for traits in TRAITS.values()}:
        for chart in chart_specs.charts_of(game).values():
            lines = curve_charts.draw(chart, some, CurveOptions())["data"]
            assert len(lines) == len(chart.lines) and chart.title and chart.alt
            assert all(np.isfinite(numbers(line["y"])).any() for line in lines), chart.title
            assert len({line["line"]["dash"] for line in lines}) == len(lines)
