"""splits.py: cuts are fair, fixed and a pure function, and keep groups together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_core.data.splits import KEPT_FOR_TRAINING, VALIDATION, cut, large_enough, torn_classes


def alone(n: int) -> np.ndarray:
    """Every image a group of its own."""
    return np.arange(n)


@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=5), share=st.floats(0.01, 0.5), seed=st.integers(0, 99))
def test_counts_of_each_class(counts, share, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    leave = cut(labels, np.ones(len(labels)), alone(len(labels)), share, seed)
    for label, count in enumerate(counts):
        expected = 0 if count <= 5 else min(max(1, round(count * share)), count - 5)
        assert leave[labels == label].sum() == expected
    assert np.array_equal(leave, cut(labels, np.ones(len(labels)), alone(len(labels)), share, seed))


def test_a_cut_depends_on_the_seed_and_spares_the_excluded():
    labels = np.zeros(100, int)
    first, second = (cut(labels, np.ones(100), alone(100), 0.3, seed) for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, cut(labels, np.ones(100), alone(100), 0.3, 0, VALIDATION))
    allowed = np.arange(100) < 10
    assert np.array_equal(cut(labels, allowed, alone(100), 0.3, 0), allowed)
    assert not cut(labels, np.ones(100), alone(100), 0, 0).any()


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=30), share=st.floats(0.05, 0.5), seed=st.integers(0, 99))
def test_a_group_leaves_or_stays_as_a_whole_and_five_images_stay(sizes, share, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    groups = np.random.default_rng(seed).permutation(groups)
    leave = cut(np.zeros(len(groups), int), np.ones(len(groups)), groups, share, seed)
    assert not leave.any() or (~leave).sum() >= KEPT_FOR_TRAINING
    if min(sizes) + KEPT_FOR_TRAINING <= len(groups):
        assert not torn_classes(np.zeros(len(groups), int), groups, leave)
    wanted = max(1, round(len(groups) * share))
    if len(groups) - max(sizes) - wanted >= KEPT_FOR_TRAINING:
        assert leave.any() and abs(leave.sum() - wanted) <= max(sizes) / 2 + (leave.sum() == min(sizes)) * max(sizes)


def test_a_group_with_an_image_that_may_not_leave_stays():
    groups = np.repeat(np.arange(10), 4)
    may = np.ones(40, bool)
    may[::8] = False  # one of every second group
    leave = cut(np.zeros(40, int), may, groups, 0.5, 0)
    assert leave.sum() == 20 and not leave[np.isin(groups, groups[~may])].any()


@pytest.mark.parametrize(("count", "some"), [(7, False), (8, True)])
def test_a_class_of_fewer_than_eight_gives_none_to_validation(count, some):
    labels = np.array([0] * count + [1] * 20)
    may = large_enough(labels, np.bincount(labels))
    leave = cut(labels, may, alone(len(labels)), 0.15, 0, VALIDATION)
    assert leave[labels == 0].any() == some and leave[labels == 1].sum() == 3


def test_a_class_of_near_duplicates_alone_is_cut_all_the_same_and_named():
    labels, groups = np.repeat([0, 1], 20), np.append(np.zeros(20, int), np.arange(1, 21))
    leave = cut(labels, np.ones(40), groups, 0.15, 0)
    assert leave[:20].sum() == 3 and leave[20:].sum() == 3
    assert torn_classes(labels, groups, leave) == [0]
