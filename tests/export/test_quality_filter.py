"""Drawn images pass or are refused until a class has enough of them, or cannot get them."""

import numpy as np
import pytest

from gan_core.errors import Stopped, UserError
from gan_core.export.quality_filter import CHECKS, PATIENCE_IMAGES, VERSION, FilterOptions, LabelCheck, QualityFilter
from gan_core.requests.export import read_checks

CLASSES = ["kiwi", "owl"]
SHAPE = (4, 4, 1)


def numbered(label: int, count: int, start: int, truncation: float = 1.0) -> np.ndarray:
    """Image i of class c is all i % 251, its first pixel c, its last ten times the truncation."""
    images = np.broadcast_to((np.arange(start, start + count) % 251)[:, None, None, None], (count, 4, 4, 1)).copy()
    images[:, 0, 0], images[:, 3, 3] = label, 10 * truncation
    return images.astype(np.uint8)


class Rule:
    """Refuses an image for `reason` where bad(its number modulo 251) says so."""

    checks, unknown = tuple(CHECKS), frozenset()

    def __init__(self, bad, reason="label"):
        self.bad, self.reason, self.begun, self.diversity = bad, reason, [], {}
        self.realism_known = {0}

    def begin(self, label):
        self.begun.append(label)

    def __call__(self, label, images, skip):
        values = images[:, 1, 1, 0]
        self.diversity[label] = 0.9 if label else 0.3
        refused = [self.reason if self.bad(int(value)) else "" for value in values]
        return refused, {"agreement": values / 251, "nearest_row": values % 5}


def made(bad=lambda value: value % 3 == 0, reason="label", **changes):
    return QualityFilter(numbered, Rule(bad, reason), CLASSES, **changes)


def test_it_gives_the_images_that_pass_in_their_order_however_they_are_asked_for():
    whole = made()(1, 150, 0)
    assert whole[:, 1, 1, 0].tolist() == [value for value in range(251) if value % 3][:150]
    other = made()
    parts = [other(1, 30, 0), other(0, 5, 0), other(1, 100, 30), other(1, 20, 130)]
    assert np.array_equal(np.concatenate([parts[0], parts[2], parts[3]]), whole)
    assert np.array_equal(other(1, 40, 70), whole[70:110])  # from the middle, as well as from the start
    assert np.array_equal(other(1, 10, 0), whole[:10]) and other.image_checks.begun == [1, 0, 1, 1, 1]


def test_it_tells_how_many_were_drawn_which_were_kept_and_what_is_known_of_each():
    some = made(label_check=LabelCheck({"accuracy": 0.9}))
    images = some(0, 6, 0)
    assert list(some.kept[0]) == [1, 2, 4, 5, 7, 8] and set(images[:, 3, 3, 0]) == {12}  # the noise is wider
    checked = {"label_checked": True, "realism_checked": True, "diversity": 0.3}
    assert some.report() == {
        "version": VERSION,
        "checks": list(CHECKS),
        "noise": 1.2,
        "judge": {"accuracy": 0.9},
        "classes": {"kiwi": {"drawn": 9, "kept": 6, "refused": {"label": 3}, "missing": 0, **checked}},
    }
    assert some.entry(0, 2) == {
        "index": 4,
        "noise": 1.2,
        "checked": True,
        "scores": {"agreement": 0.0159},
        "nearest_row": 4,
    }
    said = some.summary()
    assert "6 of 9" in said and f"3 {CHECKS['label']}" in said and "Less varied" in said and "kiwi" in said


def test_a_class_of_which_next_to_nothing_passes_comes_out_short_and_is_named():
    blind = made(lambda value: value != 7)
    owls = blind(1, 20, 0)
    times = 1 + (PATIENCE_IMAGES - 8) // 251  # image 7 of each 251
    assert len(owls) == times and (owls[:, 1, 1] == 7).all()
    assert len(blind(1, 20, times)) == 0
    row = blind.report()["classes"]["owl"]
    assert row["drawn"] == PATIENCE_IMAGES and row["kept"] == times and row["missing"] > 0
    assert "Too few images passed the checks" in blind.summary() and "owl" in blind.summary()


@pytest.mark.parametrize(
    "good, unfit, whose", [((0.4, 0.4), [0, 1], "this run"), ((0.4, 0.9), [0], "kiwi"), ((0.6, 0.6), [], None)]
)
def test_classes_of_which_most_is_refused_are_told(good, unfit, whose):
    some = made()
    for label, share in enumerate(good):
        some.image_checks.bad = lambda value, share=share: value % 10 >= 10 * share
        some(label, 40, 0)
    assert some.unfit() == unfit
    assert f"Most images drawn of {whose}" in some.summary() if whose else "Most images" not in some.summary()


def test_a_class_that_comes_out_short_is_told_once():
    some = made(lambda value: value != 7)
    some(1, 20, 0)
    assert "Too few images passed the checks" in some.summary() and "Most images" not in some.summary()


def test_a_class_whose_label_is_not_judged_is_drawn_with_ordinary_noise():
    some = made(lambda value: False)
    some.image_checks.unknown = frozenset({1})
    assert set(some(1, 9, 0)[:, 3, 3, 0]) == {10} and set(some(0, 9, 0)[:, 3, 3, 0]) == {12}
    assert "Labels not checked" in some.summary() and "owl" in some.summary()
    assert not some.entry(1, 0)["checked"] and some.entry(0, 0)["checked"]


def test_images_that_a_person_took_out_are_replaced_and_refused_ones_can_be_seen():
    some = made(options=FilterOptions(removed={"owl": [1, 4], "bat": [0]}, shown=2))
    assert some(1, 4, 0)[:, 1, 1, 0].tolist() == [2, 5, 7, 8]
    assert some.report()["classes"]["owl"]["refused"] == {"label": 3, "removed": 2}
    assert [(one.label, one.reason, int(one.image[1, 1, 0])) for one in some.examples] == [
        (1, "label", 0),
        (1, "removed", 1),
        (1, "label", 3),
        (1, "removed", 4),
    ]
    assert "2 removed by hand" in some.summary()


def test_a_stop_is_heard_while_nothing_passes():
    with pytest.raises(Stopped):
        made(lambda value: True, should_stop=lambda: True)(1, 3, 0)


def test_an_unknown_check_is_refused_in_words():
    assert read_checks(["twin", "label"]) == ("label", "twin") and read_checks([]) == ()
    with pytest.raises(UserError) as refused:
        read_checks(["beauty"])
    assert refused.value.code == "unknown_check"
