"""memorization.py: copies are caught however they are dressed, and typical new images are not called copies."""

import json

import numpy as np
import pytest

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.memorization import compare as compare_in
from gan_core.evaluation.memorization import copying, mann_whitney_z
from gan_core.evaluation.near_copies import TrainingSpace
from tests.builders.planted_generators import digits, draw


@pytest.fixture(scope="module")
def data():
    return digits()


@pytest.fixture
def compare(data):
    def compare(fakes, seed=0, spaces=True):
        kept = {"referee": tuple(data.look(images).features for images in (fakes, data.train, data.held))}
        return copying(fakes, data.train, data.held, spaces=kept if spaces else {}, seed=seed)

    return compare


def noisy(images, rng, reach=2):
    return np.clip(images.astype(int) + rng.integers(-reach, reach + 1, images.shape), 0, 255).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("n", [256, 1000])
def test_new_real_images_are_no_copies_in_twenty_seeds(data, compare, n):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert compare(data.fresh[rng.permutation(len(data.fresh))[:n]], seed)["verdict"] == "ok"
        if n == 256:
            assert compare(data.held[rng.integers(0, len(data.held), n)], seed)["verdict"] == "ok"


COPIES = {
    "exact": lambda copied, new, rng: copied,
    "with slight noise": lambda copied, new, rng: noisy(copied, rng),
    "mirrored": lambda copied, new, rng: copied[:, :, ::-1],
    "thirty per cent": lambda copied, new, rng: np.where(
        rng.random((len(new), 1, 1, 1)) < 0.3, noisy(copied, rng), new
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("n", [256, 1000])
def test_copies_are_red(data, compare, kind, n):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        copied, new = data.train[rng.integers(0, 500, n)], data.fresh[rng.permutation(len(data.fresh))[:n]]
        for spaces in (True, False):
            found = compare(COPIES[kind](copied, new, rng), seed, spaces)
            assert found["verdict"] == "red" and "near copies" in found["sentence"] and found["todo"], (
                seed,
                found["sentence"],
            )


def test_the_closest_pairs_are_the_copies(data, compare):
    rng = np.random.default_rng(0)
    fakes = data.fresh[:256].copy()
    fakes[100:120] = data.train[40:60]
    fakes[120:130] = data.train[100:110, :, ::-1]
    fakes[130] = data.train[40]
    found = compare(noisy(fakes, rng, 1))
    assert len(found["pairs"]) == 16 and len({pair["train"] for pair in found["pairs"]}) == 16
    for pair in found["pairs"]:
        assert 100 <= pair["fake"] <= 130 and pair["ratio"] < 0.1
        if pair["fake"] < 120:
            assert pair["train"] == pair["fake"] - 60 and not pair["flipped"]
    assert (found["nearest"][100:120] == np.arange(40, 60)).all() and found["distance"].shape == (256,)
    assert (found["nearest"][120:130] == np.arange(100, 110)).all()


@pytest.mark.slow
def test_typical_images_and_few_images_are_not_copies(data, compare):
    """Nearer to the training set than held-out images, but new: shrunk to the mean, or the mean of two; or ten, repeated."""
    means = np.stack([data.train[data.train_labels == c].mean(axis=0) for c in range(10)])
    for seed in range(5):
        rng = np.random.default_rng(seed)
        y = np.arange(256) % 10
        a, b = (data.fresh[draw(data.fresh, data.fresh_labels, y, rng)] for _ in range(2))
        shrunk = (0.7 * a + 0.3 * means[y]).round().astype(np.uint8)
        found = compare(shrunk, seed)
        assert found["verdict"] == "ok" and found["spaces"]["pixels"]["median_ratio"] < 0.95
        assert compare((a / 2 + b / 2).round().astype(np.uint8), seed)["verdict"] == "ok"
        assert compare(noisy(a[:10][y], rng), seed)["verdict"] == "ok"
        copied = data.train[draw(data.train, data.train_labels, np.arange(10), rng)][y]
        assert compare(copied, seed)["verdict"] == "red"  # ten images, all copied


def test_a_generator_of_three_copies_has_three_witnesses_and_they_suffice():
    few = digits(400, 100, (1, 4, 7))
    rows = draw(few.train, few.train_labels, np.arange(3), np.random.default_rng(0))[np.arange(256) % 3]
    found = copying(few.train[rows], few.train, few.held, spaces={}, seed=0)
    assert found["verdict"] == "red" and len(found["pairs"]) == 3


def test_the_middle_of_four_images_is_a_copy_of_none():
    """Nearer to each than most training images are to one another, but as near to the next one."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(125, 8)) * 20
    corners = np.eye(8)[:4] / np.sqrt(2)  # all 1 apart, and 0.61 from their middle
    train = (centres[:, None] + corners).reshape(-1, 8)
    close = rng.normal(size=(5, 8)) * 20
    train = np.concatenate([train, close, close + np.eye(8)[0] * 0.8])
    away = rng.normal(size=(125, 8))
    held = centres + away / np.linalg.norm(away, axis=1, keepdims=True)
    middle = centres + corners.mean(axis=0)
    assert compare_in(TrainingSpace(train), middle, held, None, 0).numbers["near_copies"] == 0
    one = compare_in(TrainingSpace(train), train[:500:4] * 0.8 + middle * 0.2, held, None, 0)
    assert one.numbers["near_copies"] == 1 and one.copies == "red"


def test_twins_in_the_data_set_are_not_held_against_the_generator(data):
    """A tenth of all images, training and held-out, is there twice over; fakes are such images too."""
    everything = np.concatenate([data.train, data.held, data.fresh])
    rng = np.random.default_rng(0)
    twins = rng.random(len(everything)) < 0.15
    everything[twins] = everything[:40][rng.integers(0, 40, twins.sum())]
    train, held, fresh = np.split(rng.permutation(everything), [800, 1100])
    found = copying(fresh[:256], train, held, spaces={}, seed=0)
    assert found["spaces"]["pixels"]["near_copies"] > 0.08
    assert found["verdict"] == "ok"
    assert copying(train[:256], train, held, spaces={}, seed=0)["verdict"] == "red"


def test_without_held_out_images_training_images_stand_in(data):
    none = data.held[:0]
    assert copying(data.fresh[:256], data.train, none, spaces={}, seed=0)["verdict"] == "ok"
    found = copying(data.train[:256], data.train, none, spaces={}, seed=0)
    assert found["verdict"] == "red" and found["n_held_out"] == 0
    assert found["spaces"]["pixels"]["near_copies_held_out"] < 0.05  # no training image is its own neighbor


def test_the_result_is_json_but_for_its_three_arrays(data, compare):
    shares = []
    features = tuple(data.look(images).features for images in (data.fresh[:256], data.train, data.held))
    tell = lambda share, text: shares.append(share)
    found = copying(data.fresh[:256], data.train, data.held, spaces={"referee": features}, seed=0, on_progress=tell)
    assert shares == [0.5, 1.0]
    assert [len(found.pop(key)) for key in ("nearest", "distance", "flipped")] == [256] * 3
    assert found["beside"] == "held-out"
    json.dumps(found, allow_nan=False)
    assert (found["n_fake"], found["n_train"], found["n_held_out"]) == (256, 500, 250)
    assert set(found["spaces"]) == {"pixels", "referee"}
    histogram = found["histogram"]
    assert len(histogram["edges"]) == len(histogram["fake"]) + 1 == len(histogram["held_out"]) + 1
    assert sum(histogram["fake"]) == 256 and sum(histogram["held_out"]) == 250
    assert {"fake", "train", "distance", "ratio", "flipped"} == set(found["pairs"][0])
    again = compare(data.fresh[:256])
    assert again["spaces"] == found["spaces"]


def test_constant_images_and_too_few_are_told(data):
    grey = np.full((64, 8, 8, 1), 128, np.uint8)
    found = copying(grey, grey, grey[:30], spaces={}, seed=0)
    assert found["spaces"]["pixels"]["median_ratio"] is None and found["verdict"] == "ok"  # held-out ones are the same
    with pytest.raises(UserError) as caught:
        copying(grey[:5], grey, grey, spaces={}, seed=0)
    assert caught.value.code == "too_few_images"
    with pytest.raises(UserError) as caught:
        bad = np.full((64, 3), np.nan, np.float32)
        copying(grey, grey, grey, spaces={"referee": (bad, bad, bad)}, seed=0)
    assert caught.value.code == "bad_features"
    with pytest.raises(Stopped):
        copying(grey, grey, grey, spaces={}, seed=0, should_stop=lambda: True)


def test_the_mann_whitney_z_is_the_textbook_one():
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 20, 60), rng.integers(3, 23, 80)
    z = mann_whitney_z(a, b)
    assert z < 0 and mann_whitney_z(b, a) == pytest.approx(-z)
    known = mannwhitneyu(a, b, use_continuity=False, method="asymptotic").pvalue
    from scipy.stats import norm

    assert 2 * norm.cdf(z) == pytest.approx(known)
    assert mann_whitney_z(np.ones(30), np.ones(30)) == 0
