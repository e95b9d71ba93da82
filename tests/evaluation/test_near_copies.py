"""near_copies.py: the nearest training images, mirrored or not, and one rule for near copies behind three doors."""

import numpy as np
import pytest

from benchmarks.near_copies import CHANGES
from gan_core.errors import Stopped, UserError
from gan_core.evaluation.acceptance import AcceptanceChecks
from gan_core.evaluation.inputs import Labeled, RealImages
from gan_core.evaluation.memorization import copying
from gan_core.evaluation.near_copies import PixelSpace, TrainingSpace, in_pixels, mirrored, pixel_side
from gan_core.evaluation.registration import Views
from tests.builders.planted_generators import digits


def noisy(count, side=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 1), np.uint8)


def search(images, train, k=4):
    """(neighbors, near copies) of images uint8 [N, H, W, C]."""
    space = PixelSpace(train)
    found = space.neighbors(images, k)
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
    assert found.distance[:2, 0] == pytest.approx([0, 0], abs=1e-5)
    assert found.flipped[:2, 0].tolist() == [False, True]
    assert copies.tolist() == [True, True, False]
    assert found.distance.shape == (3, 4) and (np.diff(found.distance, axis=1) >= 0).all()
    assert all(len(set(rows)) == 4 for rows in found.row.tolist())


def unit(images):
    """Each image less its mean, of length 1."""
    flat = images.reshape(len(images), -1).astype(float)
    flat -= flat.mean(1, keepdims=True)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def test_distances_are_those_of_normalised_pixels_mirrored_or_blurred():
    """At 8 px there are no shifts and zooms, so that every pair can be computed by hand."""
    train, drawn = noisy(12, side=8), noisy(5, side=8, seed=1)
    found, _ = search(drawn, train, 3)
    padded = np.pad(train.astype(float), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    down = 0.125 * padded[:, :-2] + 0.75 * padded[:, 1:-1] + 0.125 * padded[:, 2:]
    soft = 0.125 * down[:, :, :-2] + 0.75 * down[:, :, 1:-1] + 0.125 * down[:, :, 2:]
    kinds = [train, train[:, :, ::-1], soft, soft[:, :, ::-1]]
    apart = np.min([np.linalg.norm(unit(drawn)[:, None] - unit(kind), axis=2) for kind in kinds], axis=0)
    assert np.allclose(found.distance, np.sort(apart, axis=1)[:, :3], atol=1e-5)
    assert np.array_equal(found.row, np.argsort(apart, axis=1)[:, :3])


def blobs(count, side, channels, seed):
    """Smooth pictures uint8: a few blobs on a plain ground, none like another."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    images = np.zeros((count, side, side, channels))
    for image in images:
        image += rng.uniform(0, 120, channels)
        for _ in range(6):
            middle, size = rng.uniform(0.2, 0.8, 2), rng.uniform(0.04, 0.15)
            shape = np.exp(-((y - middle[0]) ** 2 + (x - middle[1]) ** 2) / size**2)
            image += shape[..., None] * rng.uniform(-90, 130, channels)
    return images.clip(0, 255).round().astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(("side", "channels"), [(28, 1), (64, 3)])
def test_copies_are_found_however_they_are_changed_and_new_images_are_none(side, channels):
    train, new, rng = blobs(200, side, channels, 0), blobs(100, side, channels, 1), np.random.default_rng(0)
    space = PixelSpace(train)
    share = lambda images: space.copies(space.neighbors(images)).mean()
    assert share(new) <= 0.02
    for name, change in CHANGES.items():
        if "noise" not in name:  # it hides blobs of little contrast
            found = space.neighbors(np.stack([change(image, rng) for image in train[:32]]))
            assert space.copies(found).all(), name
            assert (found.row[:, 0] == np.arange(32)).all() and found.flipped[0, 0] == ("mirrored" in name)


def test_a_shift_within_the_frame_costs_nothing_and_a_larger_one_does():
    train = blobs(60, 28, 1, 0)
    space = PixelSpace(train)
    moved = lambda by: space.neighbors(np.roll(train[:20], by, axis=1)).distance[:, 0]
    assert moved(2).max() < 1e-3 < moved(5).min()
    assert Views(28).reach == 2 and Views(64).reach == 2 and Views(256).reach == 8 and Views(8).reach == 0


def test_what_lies_between_two_training_images_is_a_copy_of_neither():
    train = noisy(150)
    train[1], train[3] = train[0], train[2]
    train[1, 4:6, 4:6], train[3, 4:8, 4:8] = (
        255 - train[1, 4:6, 4:6],
        255 - train[3, 4:8, 4:8],
    )  # the limit lies between the pairs
    between = (train[2] / 2 + train[3] / 2).round().astype(np.uint8)
    found, copies = search(np.stack([between, train[2], noisy(1, seed=7)[0]]), train, 2)
    assert set(found.row[0]) == {2, 3} and copies.tolist() == [False, True, False]


@pytest.mark.parametrize("shape", [(1, 28, 28, 1), (3, 9, 9, 3), (40, 33, 33, 1), (25, 12, 12, 3)])
def test_sets_of_any_size_are_searched(shape):
    train = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found, copies = search(train, train, 4)
    assert found.row[:, 0].tolist() == list(range(len(train))) and copies.all()
    assert found.row.shape[1] == min(4, len(train))
    flat = np.full(shape, 90, np.uint8)
    assert np.isfinite(search(flat, train)[0].distance).all() and np.isfinite(search(train, flat)[0].distance).all()
    assert search(train[:0], train)[0].row.shape == (0, min(4, 4))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_of_few_training_images_only_equal_ones_are_copies(count):
    train = noisy(count)
    found, copies = search(np.concatenate([noisy(3, seed=2), train[:1]]), train)
    assert found.row.shape == (4, min(4, count)) and copies.tolist() == [False, False, False, True]
    assert (PixelSpace(train).usual == 0) == (count == 1)


def test_no_row_is_its_own_neighbor_even_beside_its_duplicates():
    train = np.array([[0.0, 0], [0, 0], [3, 4], [0, 0], [9, 9]], np.float32)
    near = TrainingSpace(train).neighbors_of(np.arange(5))
    assert near.distance[:4, 0].tolist() == [0, 0, 5, 0] and (near.row[:, 0] != np.arange(5)).all()
    assert near.distance[:3, 1].tolist() == [0, 0, 5]


def test_a_symmetric_training_image_counts_once():
    train = noisy(30)
    train[4] = np.maximum(train[4], train[4][:, ::-1])
    found, _ = search(train[4:5], train, 3)
    assert found.row[0, 0] == 4 and len(set(found.row[0].tolist())) == 3 and found.distance[0, 1] > 0.1


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
