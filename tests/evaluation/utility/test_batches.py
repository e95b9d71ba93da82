"""No dilution: by counting, every real image is shown as often in every arm of a baseline."""

import numpy as np
import pytest

from gan_core.evaluation.utility import batches
from gan_core.evaluation.utility.batches import Size
from gan_core.evaluation.utility.protocol import ALONE, FILL, USES, Use

LABELS = np.repeat([0, 1, 2], [60, 20, 8])  # class 2 and 1 are rare beside class 0
POOL = np.repeat([0, 1, 2], [30, 40, 50])
SIZE = Size(updates=50, batch=24, seed=3)


def counts(rows, labels, of):
    return np.bincount(rows.ravel(), minlength=len(labels)) if of == "images" else np.bincount(labels[rows.ravel()])


@pytest.mark.parametrize("sampling", ["natural", "balanced", "deferred"])
@pytest.mark.parametrize("use", USES, ids=lambda use: use.name)
def test_every_real_image_is_shown_as_often_and_in_the_same_batches_in_every_arm(sampling, use):
    without = batches.plan(LABELS, POOL[:0], sampling, None, SIZE)
    found = batches.plan(LABELS, POOL, sampling, use, SIZE)
    assert without.real.shape == (50, 24) and not without.synthetic.size and not without.pretrain.size
    assert np.array_equal(found.real, without.real)


def test_sampling_shows_images_or_classes_equally_often():
    natural, balanced, deferred = (
        batches.real_rows(LABELS, name, SIZE) for name in ("natural", "balanced", "deferred")
    )
    shown = counts(natural, LABELS, "images")
    assert shown.max() - shown.min() <= 1
    assert np.ptp(counts(balanced, LABELS, "classes")) <= 15  # of 400 each
    early, late = deferred[:30], deferred[30:]
    assert np.ptp(counts(early, LABELS, "images")) <= 1 and np.ptp(counts(late, LABELS, "classes")) <= 6  # of 160 each


@pytest.mark.parametrize(
    "use, slots, shown",
    [
        (Use(share=0.5), [8, 8, 8], 50),
        (Use(share=0.25), [8 / 3] * 3, 50),
        (Use(share=0.5, phase="first"), [8, 8, 8], 30),
        (Use(share=0.5, classes="rare"), [0, 8, 8], 50),
        (FILL, [0, 24 * 40 / 88, 24 * 52 / 88], 50),
    ],
)
def test_synthetic_slots_are_added_class_by_class(use, slots, shown):
    found = batches.plan(LABELS, POOL, "balanced", use, SIZE)
    assert len(found.synthetic) == shown and found.synthetic.shape[1] == round(sum(slots))
    by_class = counts(found.synthetic, POOL, "classes") / shown
    assert by_class == pytest.approx(np.array(slots), rel=0.05)
    of_images = counts(found.synthetic, POOL, "images")
    for label in range(3):  # the images of a class equally often
        assert np.ptp(of_images[label == POOL]) <= 4


def test_a_filled_dataset_shows_all_classes_equally_often():
    found = batches.plan(LABELS, POOL, "natural", FILL, SIZE)
    together = counts(found.real, LABELS, "classes") + counts(found.synthetic, POOL, "classes")
    assert together == pytest.approx(np.full(3, together.mean()), rel=0.03)


def test_pretraining_shows_as_many_synthetic_images_as_throughout():
    before = batches.plan(LABELS, POOL, "balanced", Use(share=0.5, phase="pretrain"), SIZE)
    assert before.pretrain.shape == (50, 24) and not before.synthetic.size
    quarter = batches.plan(LABELS, POOL, "balanced", Use(share=0.25, phase="pretrain"), SIZE)
    assert len(quarter.pretrain) == round(50 / 3)


def test_synthetic_images_alone_have_the_whole_batch():
    found = batches.plan(LABELS, POOL, "balanced", ALONE, SIZE)
    assert not found.real.size and found.synthetic.shape == (50, 24)
    assert np.ptp(counts(found.synthetic, POOL, "classes")) <= 12


def test_a_class_without_synthetic_images_gets_none():
    only = POOL[POOL != 1]
    found = batches.plan(LABELS, only, "balanced", Use(share=0.5), SIZE)
    assert found.synthetic.shape[1] == 16 and set(only[found.synthetic.ravel()].tolist()) == {0, 2}
    with pytest.raises(ValueError, match="no image"):
        batches.plan(LABELS, POOL[POOL == 0], "balanced", Use(share=0.5, classes="rare"), SIZE)


@pytest.mark.parametrize(("use", "shown"), [(USES[0], True), (Use(classes="rare"), False), (FILL, False)])
def test_a_pool_of_the_large_classes_alone_shows_nothing_where_the_use_is_of_the_small_ones(use, shown):
    assert batches.shows(np.array([90, 90, 5]), use, np.array([0, 1])) is shown


def test_no_more_is_filled_than_a_few_slots_for_each_real_one():
    lonely = np.array([10_000, 9, 9, 9, 9, 9, 9])
    assert batches.slots_by_class(lonely, FILL, 10).sum() == pytest.approx(30)


def test_rare_classes_are_pasted_the_more_often_the_rarer_they_are():
    shown = counts(batches.pasted_rows(LABELS, SIZE), LABELS, "classes")
    assert shown[2] / shown[0] == pytest.approx(60 / 8, rel=0.1)  # 1 / n of each class, as arXiv:2112.00412 has it
