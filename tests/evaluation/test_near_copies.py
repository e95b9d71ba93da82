"""near_copies.py: the nearest training images, mirrored or not, and one rule for near copies behind three doors."""

import numpy as np
import pytest

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.acceptance import AcceptanceChecks
from gan_core.evaluation.inputs import Labeled, RealImages
from gan_core.evaluation.memorization import copying
from gan_core.evaluation.near_copies import PixelSpace, TrainingSpace, in_pixels, mirrored, pixel_side
from tests.builders.planted_generators import digits


def noisy(count, side=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 1), np.uint8)


def search(images, train, k=4):
    """(neighbors, near copies) of images uint8 [N, H, W, C]."""
    space = PixelSpace(train)
    found = space.neighbors(space.pixels(images), k)
    return found, space.copies(found)


def test_three_doors_give_one_answer():
    """Samples asks PixelSpace, Evaluate memorization.copying and Export AcceptanceChecks about the same images."""
    data, rng = digits(), np.random.default_rng(0)
    copied = data.train[:40]
    images = np.concatenate(
        [
            copied[:10],
            copied[10:20, :, ::-1],
            (copied[20:30].astype(int) + rng.integers(-2, 3, copied[20:30].shape)).clip(0, 255).astype(np.uint8),
            (0.5 * copied[30:40] + 0.5 * data.train[40:50]).astype(np.uint8),
            data.fresh[:200],
        ]
    )
    _, samples = search(images, data.train)
    evaluated = copying(images, data.train, data.held, spaces={}, seed=3)["spaces"]["pixels"]["near_copies"]
    some = Labeled(data.held[:0], np.zeros(0, int))
    checks = AcceptanceChecks(
        RealImages(Labeled(data.train, data.train_labels), some, some, list("0123456789")), None, ("copy",)
    )
    for label in (0, 1):
        checks.begin(label)
        exported = np.array(checks(label, images, np.zeros(len(images), bool)).refused) == "copy"
        assert np.array_equal(exported, samples)
    assert samples[:30].all() and samples[30:].mean() < 0.1 and evaluated == samples.mean()


def test_a_copy_a_mirrored_copy_and_a_new_image():
    train = noisy(200)
    found, copies = search(np.stack([train[17], train[42][:, ::-1], noisy(1, seed=9)[0]]), train)
    assert found.row[0, 0] == 17 and found.row[1, 0] == 42
    assert found.distance[0, 0] == found.distance[1, 0] == 0
    assert found.flipped[:2, 0].tolist() == [False, True]
    assert copies.tolist() == [True, True, False]
    assert found.distance.shape == (3, 4) and (np.diff(found.distance, axis=1) >= 0).all()
    assert all(len(set(rows)) == 4 for rows in found.row.tolist())


def test_distances_are_those_of_the_pixels():
    train, drawn = noisy(60, side=8), noisy(5, side=8, seed=1)
    found, _ = search(drawn, train, 3)
    flat = lambda images: images.reshape(len(images), -1).astype(float)
    straight = np.linalg.norm(flat(drawn)[:, None] - flat(train), axis=2)
    turned = np.linalg.norm(flat(drawn[:, :, ::-1])[:, None] - flat(train), axis=2)
    both = np.minimum(straight, turned)
    assert np.allclose(found.distance, np.sort(both, axis=1)[:, :3])
    assert np.array_equal(found.row, np.argsort(both, axis=1)[:, :3])
    own = np.linalg.norm(flat(train)[:, None] - flat(train), axis=2)
    np.fill_diagonal(own, np.inf)
    space = PixelSpace(train)
    assert space.usual == pytest.approx(np.median(own.min(1)))
    assert space.limit == pytest.approx(np.percentile(own.min(1), 1))


def test_what_lies_between_two_training_images_is_a_copy_of_neither():
    train = noisy(150)
    train[:4] = 100
    train[1, 0, 0], train[2:4, 5:] = 140, 160  # pairs 40 and 60 apart: the limit of a near copy lies between
    train[3, 0, 0] = 160
    between = train[2:3].copy()
    between[0, 0, 0] = 130
    found, copies = search(np.concatenate([between, train[3:4]]), train, 2)
    assert found.distance[0].tolist() == [30, 30] and copies.tolist() == [False, True]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_of_few_training_images_only_equal_ones_are_copies(count):
    train = noisy(count)
    found, copies = search(np.concatenate([noisy(3, seed=2), train[:1]]), train)
    assert found.row.shape == (4, min(4, count)) and copies.tolist() == [False, False, False, True]
    assert (PixelSpace(train).usual == 0) == (count == 1)


def test_no_row_is_its_own_neighbor_even_beside_its_duplicates():
    train = np.array([[0.0, 0], [0, 0], [3, 4], [0, 0], [9, 9]], np.float32)
    near = TrainingSpace(train).neighbors(train, 2, own=np.arange(5))
    assert near.distance[:4, 0].tolist() == [0, 0, 5, 0] and (near.row[:, 0] != np.arange(5)).all()
    assert near.distance[:3, 1].tolist() == [0, 0, 5]


def test_a_symmetric_training_image_counts_once():
    train = noisy(30)
    train[4] = np.maximum(train[4], train[4][:, ::-1])
    found, _ = search(train[4:5], train, 3)
    assert found.row[0, 0] == 4 and len(set(found.row[0].tolist())) == 3 and found.distance[0, 1] > 0


def test_what_is_not_finite_is_refused_and_a_stop_is_heard():
    with pytest.raises(UserError) as caught:
        TrainingSpace(np.full((30, 3), np.nan, np.float32))
    assert caught.value.code == "bad_features"
    with pytest.raises(Stopped):
        PixelSpace(noisy(30), should_stop=lambda: True)


def test_pixels_are_means_of_blocks_and_mirror():
    images = np.random.default_rng(0).integers(0, 256, (5, 70, 70, 3), dtype=np.uint8)
    assert pixel_side(images) == 32
    pixels = in_pixels(images, 32)
    assert pixels.shape == (5, 32 * 32 * 3)
    assert pixels.reshape(5, 32, 32, 3)[2, 3, 5, 1] == pytest.approx(images[2, 6:8, 10:12, 1].mean())
    assert pixel_side(np.lib.stride_tricks.as_strided(images, (60_000, 28, 28, 1), (0, 0, 0, 0))) < 28
    small = images[:, :32, :32]
    assert (in_pixels(small, 32)[:, mirrored(32, 3)] == in_pixels(small[:, :, ::-1], 32)).all()
