"""metrics/inspection.py: planted copies, strangers and wrong labels are found, and what only looks alike is not."""

import io

import numpy as np
import pytest
from PIL import Image

from gan_core.dataset_health import duplicates_and_outliers
from gan_core.dataset_health.duplicates_and_outliers import (
    Pairs,
    Views,
    keep_one,
    near_duplicates,
    outliers,
    suspects,
    thumbnails,
    within_class,
)
from gan_core.errors import Stopped


def scene(rng: np.random.Generator, side: int = 64) -> np.ndarray:
    """uint8 [side, side, 3]: soft blobs of colour, another one every time."""
    coarse = rng.integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def as_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def views(images: np.ndarray, labels, features: np.ndarray | None = None) -> Views:
    """Without features of their own the pixels stand in for them."""
    pixels = thumbnails(images, np.arange(len(images)))
    return Views(pixels, pixels if features is None else features, np.asarray(labels), np.zeros(len(images), bool))


@pytest.fixture(scope="module")
def scenes():
    rng = np.random.default_rng(0)
    return np.stack([scene(rng) for _ in range(60)])


def pairs_of(seen: Views) -> list[tuple[int, int]]:
    return [tuple(pair) for pair in near_duplicates(seen, within_class(seen.features, seen.labels)).rows.tolist()]


@pytest.mark.parametrize(
    "change",
    [
        lambda image: as_jpeg(image, 40),
        lambda image: (image * 0.8 + 20).astype(np.uint8),
        lambda image: np.asarray(Image.fromarray(image).resize((24, 24)).resize((64, 64))),
        lambda image: image,
    ],
    ids=["compressed", "relit", "shrunk", "same"],
)
def test_a_changed_copy_is_found_and_nothing_else(scenes, change):
    images = np.concatenate([scenes, [change(scenes[7])]])
    assert pairs_of(views(images, np.zeros(61, np.int64))) == [(7, 60)]


def test_a_mirrored_copy_is_found_and_said_to_be_mirrored(scenes):
    images = np.concatenate([scenes, [scenes[3][:, ::-1]]])
    seen = views(images, np.zeros(61, np.int64))
    seen = seen._replace(
        features=np.concatenate([seen.pixels[:60], seen.pixels[3:4]])
    )  # such features do not see left and right
    found = near_duplicates(seen, within_class(seen.features, seen.labels))
    assert found.rows.tolist() == [[3, 60]] and found.mirrored.tolist() == [True] and found.unlike[0] < 0.1


def test_copies_across_classes_count_and_flat_pictures_do_not(scenes):
    images = np.concatenate([scenes, scenes[:1], np.full((4, 64, 64, 3), 90, np.uint8)])
    labels = np.repeat([0, 1], [60, 5])
    seen = views(images, labels)._replace(flat=np.arange(65) > 60)
    assert pairs_of(seen) == [(0, 60)]


def test_pictures_of_a_smooth_class_are_alike_and_no_copies():
    """One shape in slightly different sizes: all correlate above the line, and none is a copy of another."""
    y, x = np.mgrid[:32, :32] - 15.5
    rng = np.random.default_rng(1)
    draw = lambda a, b, dx, dy: 255 / (1 + np.exp(2 * (np.hypot((x - dx) / a, (y - dy) / b) - 8)))
    numbers = np.stack(
        [rng.uniform(0.75, 1.25, 200), rng.uniform(0.75, 1.25, 200), *rng.uniform(-2, 2, (2, 200))], axis=1
    )
    images = np.stack([draw(*each) for each in numbers]).astype(np.uint8)[..., None]
    seen = views(images, np.zeros(200, np.int64))
    close = np.sort(seen.pixels @ seen.pixels.T, axis=1)[:, -2]
    assert (close > 0.98).mean() > 0.9  # so an absolute line would report nearly all
    assert len(pairs_of(seen)) <= 10


def test_a_class_in_which_everything_is_there_three_times_is_not_its_own_measure(scenes):
    images = np.concatenate([scenes] * 3)
    assert len(pairs_of(views(images, np.zeros(180, np.int64)))) == 180  # three pairs of each


@pytest.mark.parametrize("most", [1, 7, 60, 239, 240, 100_000])
def test_too_many_pairs_are_the_nearest_and_it_is_said(scenes, monkeypatch, most):
    rng = np.random.default_rng(0)
    images = np.concatenate(
        [scenes[:40], *(np.clip(scenes[:40] + rng.normal(0, n, (40, 64, 64, 3)), 0, 255) for n in (3, 6, 9))]
    )
    seen = views(images.astype(np.uint8), np.zeros(160, np.int64))
    near = within_class(seen.features, seen.labels)
    whole = near_duplicates(seen, near)
    assert len(whole.rows) == 240 and not whole.cut and len(np.unique(whole.rows, axis=0)) == 240
    assert (np.diff(whole.unlike) >= 0).all()
    monkeypatch.setattr(duplicates_and_outliers, "MOST_PAIRS", most)
    found = near_duplicates(seen, near)
    assert np.array_equal(found.rows, whole.rows[:most]) and np.array_equal(found.unlike, whole.unlike[:most])
    assert found.cut == (most < 240)


def test_a_pair_that_is_found_twice_counts_once_and_as_the_nearer_one():
    found = duplicates_and_outliers.Nearest(10, 3)
    found.add(np.array([2, 1]), np.array([5, 3]), np.array([0.5, 0.2], np.float32), False)
    found.add(np.array([2, 1]), np.array([5, 3]), np.array([0.1, 0.2], np.float32), True)
    pairs = found.pairs()
    assert pairs.rows.tolist() == [[2, 5], [1, 3]] and pairs.mirrored.tolist() == [True, False] and not pairs.cut


def test_one_of_each_group_stays_and_it_is_the_held_out_one():
    rows = np.array([[0, 1], [1, 2], [3, 9], [4, 9], [7, 8], [5, 10], [5, 11]])
    pairs = Pairs(rows, np.zeros(7, bool), np.zeros(7, np.float32))
    held_out = np.arange(12) > 6
    kept = keep_one(pairs, held_out.astype(int))
    # Of {5, 10, 11} the second held-out one is a repeat within the test part, and no training picture that leaked.
    assert kept.repeated.tolist() == [1, 2, 8, 11] and kept.leaked.tolist() == [3, 4, 5]
    assert kept.stays == {1: 0, 2: 0, 3: 9, 4: 9, 8: 7, 5: 10, 11: 10}
    none = Pairs(np.empty((0, 2), np.int64), np.empty(0, bool), np.empty(0, np.float32))
    assert not any(map(len, keep_one(none, held_out.astype(int))))


def test_test_keeps_its_image_before_validation_and_validation_before_train():
    splits = np.array([0, 0, 0, 1, 1, 2, 2])
    rows = np.array([[0, 3], [1, 4], [4, 5], [2, 6], [5, 6]])  # 1, 4, 5, 6 and 2 are one group
    kept = keep_one(Pairs(rows, np.zeros(5, bool), np.zeros(5, np.float32)), splits)
    assert kept.leaked.tolist() == [0, 1, 2, 4] and kept.repeated.tolist() == [6]
    assert kept.stays == {0: 3, 1: 5, 2: 5, 4: 5, 6: 5}


def test_a_stranger_is_an_outlier_and_a_wide_class_has_none():
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(0, 1, (100, 8)), rng.normal(30, 6, (100, 8)), [[12.0] * 8]]).astype(
        np.float32
    )
    labels = np.repeat([0, 1, 0], [100, 100, 1])
    found = outliers(within_class(features, labels), labels)
    assert found[0] == 200 and len(found) <= 10  # the furthest first; the tails of two Gaussian classes are few
    same = np.zeros((40, 8), np.float32)
    assert not len(outliers(within_class(same, labels[:40]), labels[:40]))
    assert not len(outliers(within_class(features[-4:], labels[-4:]), labels[-4:]))  # too few to say


def test_a_picture_amid_another_class_is_a_suspect():
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(side, 1, (50, 4)) for side in (0, 20, 40)]).astype(np.float32)
    labels = np.repeat([0, 1, 2], 50)
    labels[[3, 60]] = [2, 0]
    rows, seems = suspects(features, labels)
    assert rows.tolist() == [3, 60] and seems.tolist() == [0, 1]
    assert not len(suspects(features, np.zeros(150, np.int64))[0]) and not len(suspects(features[:8], labels[:8])[0])


def test_stop_is_heard():
    features = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    with pytest.raises(Stopped):
        duplicates_and_outliers.others(features, 3, lambda: True)
