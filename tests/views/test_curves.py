"""The numbers of a run as columns: read by cursor, smoothed on all rows, thinned; and the figures made of them."""

import base64
import itertools
import json
import time

import numpy as np
import pytest

from gan_core.settings.families import TRAITS
from gan_core.views import curves
from gan_core.views.run_events import Milestone
from pages.live import curve_charts
from pages.live.curve_charts import Look


def rows(count: int, start: int = 0) -> list[dict]:
    return [
        {
            "images_seen": 64 * at,
            "epoch": at / 10,
            "elapsed_seconds": 1.5 * at,
            "loss_d": 0.5 + at % 7,
            "loss_g": 0.7,
            "d_real": 0.6,
            "d_fake": 0.4,
        }
        for at in range(start, start + count)
    ]


def text(some: list[dict]) -> str:
    return "".join(json.dumps(row) + "\n" for row in some)


def columns(count: int) -> curves.Columns:
    return curves.parse(text(rows(count)).encode())


def numbers(packed: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["bdata"]), f"<{packed['dtype']}")


# -- reading -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    return tmp_path / "metrics.jsonl"


def test_what_is_read_bit_by_bit_is_what_is_read_at_once(file):
    whole = text(rows(400)).encode()
    reader, cuts = curves.Curves(file), [0, 1, 5000, 5001, 20_000, len(whole)]
    for start, end in itertools.pairwise(cuts):
        with open(file, "ab") as out:
            out.write(whole[start:end])
        found = reader.columns()
        assert len(found.get("epoch", ())) == whole[:end].count(b"\n")  # a torn last line is not there yet
    assert found.keys() == columns(400).keys()
    for name, values in columns(400).items():
        np.testing.assert_array_equal(found[name], values)
        np.testing.assert_array_equal(values, [row[name] for row in rows(400)])


def test_rows_that_do_not_say_the_same_things_have_gaps(file):
    some = rows(300)
    some[100]["ada_p"] = 0.25
    del some[200]["loss_g"]
    some[201]["loss_g"] = float("nan")
    file.write_text(text(some) + "torn and odd\n[1, 2]\n")
    found = curves.Curves(file).columns()
    assert len(found["epoch"]) == 300 and found["ada_p"][100] == 0.25 and np.isnan(found["ada_p"]).sum() == 299
    assert list(np.flatnonzero(np.isnan(found["loss_g"]))) == [200, 201]
    np.testing.assert_array_equal(found["loss_d"], [row["loss_d"] for row in some])


def test_words_among_the_numbers_are_gaps(file):
    file.write_text(text([row | {"phase": "training"} for row in rows(200)]))
    found = curves.Curves(file).columns()
    assert np.isnan(found["phase"]).all() and found["loss_g"][199] == 0.7


def test_a_resumed_run_is_read_from_its_start(file):
    file.write_text(text(rows(300)))
    reader = curves.Curves(file)
    assert len(reader.columns()["epoch"]) == 300
    resumed = file.with_suffix(".new")
    resumed.write_text(text(rows(100)) + text([row | {"loss_g": 9.0} for row in rows(250, 100)]))
    resumed.replace(file)  # longer than what was read, so only the file itself tells
    found = reader.columns()
    assert len(found["epoch"]) == 350 and found["loss_g"][100] == 9.0
    with open(file, "w") as out:  # in place: the number of the file is the same
        out.write(text(rows(20)))
    assert len(reader.columns()["epoch"]) == 20
    file.unlink()
    assert reader.columns() == {}


def test_what_did_not_change_is_not_read_again(file):
    file.write_text(text(rows(300)))
    reader = curves.Curves(file)
    assert reader.columns()["epoch"] is reader.columns()["epoch"]


def test_rows_that_go_back_in_the_same_file_are_read_anew(file):
    file.write_text(text(rows(100)))
    reader = curves.Curves(file)
    reader.columns()
    with open(file, "r+b") as out:  # same number, and longer than what was read
        out.write(text(rows(50)).encode() + text(rows(150, 50)).encode())
    assert np.all(np.diff(reader.columns()["images_seen"]) >= 0)


def test_a_hundred_thousand_rows_take_the_quick_way():
    line = text(rows(1))
    block = line.encode() * 2000
    started = time.process_time()
    curves.parse_block(block)
    quick = time.process_time() - started
    started = time.process_time()
    curves.parse_block(block + b'{"other": 1}\n')
    assert quick < time.process_time() - started


# -- smoothing and thinning --------------------------------------------------------------------------------------------


def test_smoothing_is_a_mean_without_the_bias_of_its_start():
    values = np.array([4.0, 4.0, np.nan, 8.0])
    weights = np.array([0.25, 0.5, 1.0])
    found = curves.smooth(values, 0.5)
    assert found[:2] == pytest.approx([4, 4]) and np.isnan(found[2])
    assert found[3] == pytest.approx((weights * [4, 4, 8]).sum() / weights.sum())
    np.testing.assert_array_equal(curves.smooth(values, 0), values)


@pytest.mark.parametrize("count", [1, 1999, 2000, 2001, 5003, 100_000])
def test_thinning_keeps_the_ends_and_every_spike(count):
    values = np.sin(np.arange(count) / 50.0)
    spikes = [count // 3, count // 2]
    values[spikes[0]], values[spikes[-1]] = 99, -99
    kept = curves.thin(values)
    assert len(kept) == min(count, len(kept)) <= 2000 and kept[0] == 0 and kept[-1] == count - 1
    assert np.all(np.diff(kept) > 0) and spikes[-1] in kept and (count < 3 or spikes[0] in kept)


def test_a_long_gap_is_not_drawn_over():
    values = np.ones(10_000)
    values[3000:6000] = np.nan
    assert np.isnan(values[curves.thin(values)]).any()


# -- figures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 1999, 2001, 50_000])
@pytest.mark.parametrize("smoothing", [0, 0.9])
def test_no_curve_sends_more_than_2000_points(count, smoothing):
    for chart in curve_charts.TWO.values():
        figure = curve_charts.draw(chart, columns(count), Look(smoothing=smoothing))
        assert len(figure["data"]) == (4 if smoothing else 2)
        for line in figure["data"]:
            assert 1 <= len(numbers(line["x"])) == len(numbers(line["y"])) <= 2000
            assert line["mode"] == ("markers" if count == 1 else "lines")


def test_smoothing_comes_before_thinning_and_before_the_window():
    some = columns(50_000)
    some["loss_d"][:] = np.random.default_rng(0).normal(size=50_000)
    raw, smoothed = curve_charts.draw(curve_charts.TWO["losses"], some, Look(smoothing=0.9, window=100))["data"][:2]
    assert numbers(raw["y"]) == pytest.approx(some["loss_d"][-100:], abs=1e-6)
    assert numbers(smoothed["y"]) == pytest.approx(curves.smooth(some["loss_d"], 0.9)[-100:], abs=1e-6)
    assert not raw["showlegend"] and smoothed["showlegend"] and raw["opacity"] < 1


@pytest.mark.parametrize(("axis", "end"), [("epochs", 0.9), ("minutes", 0.225), ("images", 576)])
def test_the_axis_is_told_in_its_unit(axis, end):
    figure = curve_charts.draw(curve_charts.TWO["losses"], columns(10), Look(axis))
    assert numbers(figure["data"][0]["x"])[-1] == pytest.approx(end)
    assert figure["layout"]["xaxis"]["title"]["text"] == curve_charts.AXIS_TITLES[axis]


def test_an_axis_is_kept_for_as_long_as_it_means_the_same():
    kept = lambda look: curve_charts.draw(curve_charts.TWO["losses"], columns(9), look)["layout"]
    same, minutes, log = kept(Look(smoothing=0.5)), kept(Look("minutes")), kept(Look(log=True))
    assert same["xaxis"]["uirevision"] == kept(Look())["xaxis"]["uirevision"] == log["xaxis"]["uirevision"]
    assert same["xaxis"]["uirevision"] != minutes["xaxis"]["uirevision"]
    assert same["yaxis"]["uirevision"] == minutes["yaxis"]["uirevision"] != log["yaxis"]["uirevision"]
    assert log["yaxis"]["type"] == "log" and "type" not in same["yaxis"]
    assert "type" not in curve_charts.draw(curve_charts.TWO["balance"], columns(9), Look(log=True))["layout"]["yaxis"]


def test_a_missing_value_is_a_gap():
    some = columns(5)
    some["loss_d"][2] = np.nan
    assert list(np.isnan(numbers(curve_charts.draw(curve_charts.TWO["losses"], some, Look())["data"][0]["y"]))) == [
        *(False, False, True, False, False)
    ]


def test_only_the_chart_of_answers_has_a_band():
    band = lambda key, some: [
        (shape["y0"], shape["y1"])
        for shape in curve_charts.draw(curve_charts.TWO[key], columns(5), Look(), [], some)["layout"]["shapes"]
        if shape["type"] == "rect"
    ]
    assert band("balance", (0.3, 0.7)) == [(0.3, 0.7)] and band("balance", None) == band("losses", (0.3, 0.7)) == []


def test_marks_lie_on_the_curve_differ_without_colour_and_are_not_html():
    marks = [
        Milestone(64 * 3, "pause", "Paused for 9 s."),
        Milestone(64 * 5 + 32, "alarm", "<b>owl</b> lost variety"),
        Milestone(64 * 500, "checkpoint", "after the newest row"),
    ]
    figure = curve_charts.draw(curve_charts.TWO["losses"], columns(10), Look(), marks)
    signs = {trace["name"]: trace for trace in figure["data"] if trace.get("yaxis") == "y2"}
    assert signs.keys() == {"Alarm", "Checkpoint", "Pause"} and signs["Checkpoint"]["x"] == pytest.approx([0.9])
    assert signs["Pause"]["x"] == pytest.approx([0.3]) and signs["Alarm"]["x"] == pytest.approx([0.55])
    assert "<b>" not in json.dumps(figure) and len({sign["marker"]["symbol"] for sign in signs.values()}) == 3
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == pytest.approx([0.55])  # a line for an alarm alone
    late = curve_charts.draw(curve_charts.TWO["losses"], columns(10), Look(window=3), marks)
    assert [trace["name"] for trace in late["data"] if trace.get("yaxis") == "y2"] == ["Checkpoint"]


def test_each_game_has_charts_of_what_it_reports():
    more = ("loss_cycle", "loss_same", "mutation_minimax", "mutation_nonsaturating", "mutation_least_squares")
    some = columns(3) | {name: np.array([np.nan, 0.2, 0.3]) for name in more}
    for game in {facts.game for facts in TRAITS.values()}:
        for chart in curve_charts.of_game(game).values():
            lines = curve_charts.draw(chart, some, Look())["data"]
            assert len(lines) == len(chart.lines) and chart.title and chart.alt
            assert all(np.isfinite(numbers(line["y"])).any() for line in lines), chart.title
            assert len({line["line"]["dash"] for line in lines}) == len(lines)
