"""The numbers of a run as columns: read by cursor, smoothed on all rows, thinned so that spikes stay."""

import itertools
import time

import numpy as np
import pytest

from gan_core.views import curves
from pages.live import chart_specs, curve_charts
from pages.live.curve_charts import CurveOptions
from pages.runs import compare
from pages.shared import run_curves
from tests.builders.curve_columns import columns, numbers, rows, text

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


def test_a_spike_of_one_row_is_drawn_wherever_a_curve_is_thinned(tmp_path):
    some = rows(30_000)
    some[12_345]["loss_g"] = 50.0
    path = tmp_path / "metrics.jsonl"
    path.write_text(text(some))
    live = curve_charts.draw(chart_specs.ADVERSARIAL["losses"], curves.Curves(path).columns(), CurveOptions())["data"]
    kept = compare.points(str(path), (0, 0))
    compared = run_curves.over_runs({"a": kept}, "loss_g", "epoch", "epoch", "")["data"][0]
    alone = run_curves.of_one_run(some, {"loss_g": "loss of G"}, None)["data"][0]
    drawn = [numbers(live[1]["y"]), np.array(compared["y"]), np.array(alone["y"])]
    assert all(len(values) <= 2000 and values.max() == 50 for values in drawn) and len(kept) <= 2000
