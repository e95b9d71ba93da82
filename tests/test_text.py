"""Amounts, scores and lists as people read them, and cells that a spreadsheet does not run."""

import pytest

from gan_core import text


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "–"), (5, "5 s"), (600, "10 min"), (7200, "2 h 00 min"), (86400 * 9, "9 days")]
)
def test_durations(seconds, shown):
    assert text.duration(seconds) == shown


def test_a_time_is_told_from_now():
    assert text.ago(100, now=130) == "just now" and text.ago(0, now=600) == "10 min ago"
    assert text.ago(0, now=1e7).endswith("1970")


def test_sizes():
    shown = [text.size(n) for n in (None, 12, 1500, 9_400_000, 2_000_000_000)]
    assert shown == ["–", "12 bytes", "1.5 kB", "9.4 MB", "2.0 GB"]


def test_amounts_and_lists():
    assert [text.count(n, "image") for n in (0, 1, 2000)] == ["0 images", "1 image", "2,000 images"]
    assert text.count(2, "class", "classes") == "2 classes"
    assert text.and_more(list("abcdefg")) == "a, b, c, d, e and 2 more" and text.and_more(["a", "b"]) == "a, b"
    assert [text.all_of(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_scores_and_shares():
    assert [text.number(value) for value in (None, 0.123456, 12, "x")] == ["–", "0.1235", "12", "–"]
    assert text.interval([0.01, 0.02]) == "0.01 to 0.02" and text.interval(None) == "–"
    assert text.percent(0.125) == "12.5 %" and text.percent_interval([0.1, 0.2]) == "10.0 % to 20.0 %"
    assert text.points(-0.01) == "-1.0" and text.points_interval([-0.01, 0.025]) == "-1.0 to +2.5"


def test_a_spreadsheet_runs_no_cell():
    cells = ["=1", "+1", "-1", "@x", "\tx", "\rx"]
    assert [text.csv_cell(cell) for cell in cells] == [f"'{cell}" for cell in cells]
    assert text.csv_cell("a=1") == "a=1" and text.csv_cell(-1) == -1
