"""Deficits per class and the words of the command line."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_core.errors import UserError
from gan_core.export.plan import (
    Row,
    added_share,
    beyond_support,
    deficits,
    layout_of,
    parse_balance,
    synthetic_share,
)

COUNTS = {"kiwi": 30, "owl": 100, "emu": 0}


def test_largest_fills_every_class_up_to_the_largest():
    plan = deficits(COUNTS, "largest")
    assert plan == {"kiwi": Row(30, 70, 100), "owl": Row(100, 0, 100), "emu": Row(0, 100, 100)}
    assert list(plan) == list(COUNTS)
    assert plan["kiwi"].synthetic_share == 0.7
    assert synthetic_share(plan) == pytest.approx(170 / 300)


def test_the_median_lifts_the_classes_below_it():
    assert deficits(COUNTS, "median") == {"kiwi": Row(30, 0, 30), "owl": Row(100, 0, 100), "emu": Row(0, 30, 30)}
    assert deficits({"a": 1, "b": 4}, parse_balance("median", ["a", "b"]))["a"] == Row(1, 2, 3)


def test_a_number_is_a_total_and_a_class_with_more_keeps_all():
    assert deficits(COUNTS, 50) == {"kiwi": Row(30, 20, 50), "owl": Row(100, 0, 100), "emu": Row(0, 50, 50)}


def test_a_dict_names_totals_and_leaves_the_rest():
    assert deficits(COUNTS, {"kiwi": 300, "owl": 20}) == {
        "kiwi": Row(30, 270, 300),
        "owl": Row(100, 0, 100),
        "emu": Row(0, 0, 0),
    }
    assert deficits({"kiwi": 0}, {"kiwi": 1})["kiwi"].synthetic_share == 1


some_counts = st.dictionaries(st.text(min_size=1, max_size=5), st.integers(0, 900), min_size=1, max_size=6)


@given(some_counts, st.integers(0, 2000))
def test_every_plan_adds_up_and_loses_no_real_image(counts, total):
    try:
        plan = deficits(counts, total)
    except UserError as error:
        assert error.code == "nothing_to_add"
        assert total <= min(counts.values())
        return
    for name, row in plan.items():
        assert row.real == counts[name]
        assert row.planned == row.real + row.missing == max(total, row.real)


@pytest.mark.parametrize(
    ("balance", "code"),
    [
        ({"cow": 5}, "unknown_class"),
        (-1, "bad_balance"),
        ({"kiwi": -5}, "bad_balance"),
        (True, "bad_balance"),
        ("biggest", "bad_balance"),
        (2.5, "bad_balance"),
        (400_000, "too_many_images"),
        (0, "nothing_to_add"),
        ({"owl": 100}, "nothing_to_add"),
        ({}, "nothing_to_add"),
    ],
)
def test_what_cannot_be_planned_is_refused(balance, code):
    with pytest.raises(UserError) as refused:
        deficits(COUNTS, balance)
    assert refused.value.code == code
    assert refused.value.what.endswith(".") and refused.value.todo.endswith(".")


def test_a_balanced_set_has_nothing_to_add_up_to_the_largest():
    with pytest.raises(UserError, match="already") as refused:
        deficits({"a": 5, "b": 5}, "largest")
    assert refused.value.code == "nothing_to_add"


def test_parse_balance():
    classes = ["kiwi", "owl", "a,b=1", "a"]
    assert parse_balance(" largest ", classes) == "largest"
    assert parse_balance("500", classes) == 500
    assert parse_balance("kiwi=300, owl=200", classes) == {"kiwi": 300, "owl": 200}
    assert parse_balance("a,b=1=7,a=3", classes) == {"a,b=1": 7, "a": 3}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_balance"),
        ("many", "bad_balance"),
        ("-5", "bad_balance"),
        ("1e3", "bad_balance"),
        ("kiwi=", "bad_balance"),
        ("kiwi=-3", "bad_balance"),
        ("kiwi=1,kiwi=2", "bad_balance"),
        ("cow=5", "unknown_class"),
        ("kiwi=5,cow=5", "unknown_class"),
        ("²", "bad_balance"),
        ("9" * 5000, "bad_balance"),
    ],
)
def test_words_that_are_not_a_balance_are_refused(text, code):
    with pytest.raises(UserError) as refused:
        parse_balance(text, ["kiwi", "owl"])
    assert refused.value.code == code


def test_pages_can_import_it_without_torch_or_numpy():
    heavy = "import sys, gan_core.export.plan; print(sorted({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_originals_the_whole_total_is_made():
    assert deficits({"kiwi": 30, "owl": 100}, "largest", originals=False) == {
        "kiwi": Row(0, 100, 100),
        "owl": Row(0, 100, 100),
    }
    assert deficits({"kiwi": 30, "owl": 100}, {"kiwi": 7}, originals=False)["owl"] == Row(0, 100, 100)


def test_more_than_100_000_pictures_go_into_shards_unless_told_otherwise():
    assert [layout_of("auto", n) for n in (100_000, 100_001)] == ["imagefolder", "webdataset"]
    assert layout_of("imagefolder", 10**6) == "imagefolder" and layout_of("webdataset", 3) == "webdataset"


def row(share: float, low: float, high: float) -> dict:
    return {"share": share, "gain_ci95": [low, high]}


def test_a_plan_beyond_what_helped_a_classifier_is_told_so():
    helped = [row(0.25, 0.001, 0.01), row(0.5, 0.002, 0.02), row(1.0, -0.01, 0.01)]
    within, beyond = deficits(COUNTS, "largest"), deficits(COUNTS, 180)
    assert added_share(within, COUNTS) == 0 and added_share(beyond, COUNTS) == pytest.approx(0.8)
    assert beyond_support(helped, 0) == "" and beyond_support(helped, 0.5) == ""
    assert "with up to 0.5 synthetic images" in beyond_support(helped, 0.8)
    never = [row(0.25, -0.001, 0.01), row(1.0, -0.01, 0.01)]
    assert beyond_support(never, 0).startswith("At no share of synthetic images")
    harmed = [row(0.25, -0.001, 0.01), row(1.0, -0.03, -0.01)]
    assert beyond_support(harmed, 1.5).startswith("From a share of 1 synthetic images on")
    assert beyond_support(harmed, 0.5).startswith("At no share")
