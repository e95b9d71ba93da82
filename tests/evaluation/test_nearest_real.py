"""The real images nearest to a drawn one, mirrored or not, and which drawn ones are near copies."""

import numpy as np
import pytest

from gan_core.evaluation import nearest_real as room
from gan_core.evaluation.nearest_real import around


def noisy(count, side=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 1), np.uint8)


def test_a_copy_a_mirrored_copy_and_a_new_image():
    train = noisy(200)
    drawn = np.stack([train[17], train[42][:, ::-1], noisy(1, seed=9)[0]])
    found = around(drawn, train, 4)
    assert found.row[0, 0] == 17 and found.row[1, 0] == 42
    assert found.distance[0, 0] == found.distance[1, 0] == 0
    assert found.flipped[:2, 0].tolist() == [False, True]
    assert found.copy.tolist() == [True, True, False]
    assert found.distance.shape == (3, 4) and (np.diff(found.distance, axis=1) >= 0).all()
    assert all(len(set(rows)) == 4 for rows in found.row.tolist())


def test_distances_are_those_of_the_pixels():
    train, drawn = noisy(60, side=8), noisy(5, side=8, seed=1)
    found = around(drawn, train, 3)
    flat = lambda images: images.reshape(len(images), -1).astype(float)
    straight = np.linalg.norm(flat(drawn)[:, None] - flat(train), axis=2)
    turned = np.linalg.norm(flat(drawn[:, :, ::-1])[:, None] - flat(train), axis=2)
    both = np.minimum(straight, turned)
    assert np.allclose(found.distance, np.sort(both, axis=1)[:, :3])
    assert np.array_equal(found.row, np.argsort(both, axis=1)[:, :3])
    own = np.linalg.norm(flat(train)[:, None] - flat(train), axis=2)
    np.fill_diagonal(own, np.inf)
    assert found.usual == pytest.approx(np.median(own.min(1)))


def test_what_lies_between_two_training_images_is_a_copy_of_neither():
    train = noisy(150)
    train[:4] = 100
    train[1, 0, 0], train[2:4, 5:] = 140, 160  # pairs 40 and 60 apart: the line of a near copy lies between
    train[3, 0, 0] = 160
    between = train[2:3].copy()
    between[0, 0, 0] = 130
    found = around(np.concatenate([between, train[3:4]]), train, 2)
    assert found.distance[0].tolist() == [30, 30] and found.copy.tolist() == [False, True]


def test_few_training_images_and_very_many(monkeypatch):
    one = noisy(1)
    found = around(noisy(3, seed=2), one, 4)
    assert found.row.tolist() == [[0]] * 3 and found.usual == 0 and not found.copy.any()
    monkeypatch.setattr(room, "MOST_BYTES", 50 * 256)
    part = around(noisy(3, seed=2), noisy(200), 4)
    assert part.looked_at == 50 and part.row.max() < 200
