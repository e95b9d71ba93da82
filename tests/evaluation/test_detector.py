"""The two-sample test is fair where nothing differs, sure where something does; its detector survives a file."""

import numpy as np
import pytest

from gan_core.errors import UserError
from gan_core.evaluation.detector import Detector, TrainedOn, result_of


def normal(n: int, d: int = 16, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(n, d)) + shift).astype(np.float32)


def outcome(real, fake, seed):
    return Detector.train(real, fake, seed).test


def test_equal_distributions_are_a_coin():
    """The interval holds .5 in about 95 % of seeds; 33 of 40 is missed by luck once in 20,000."""
    held, accuracies = 0, []
    for seed in range(40):
        found = outcome(normal(200, seed=seed), normal(200, seed=1000 + seed), seed)
        held += found["ci95"][0] <= 0.5 <= found["ci95"][1]
        accuracies.append(found["accuracy"])
    assert held >= 33 and abs(np.mean(accuracies) - 0.5) < 0.02


def test_more_features_than_images_is_still_a_coin():
    found = [outcome(normal(100, 500, seed=s), normal(100, 500, seed=50 + s), s)["accuracy"] for s in range(10)]
    assert abs(np.mean(found) - 0.5) < 0.06


def test_shifted_distributions_are_told_apart():
    found = outcome(normal(300), normal(300, shift=2, seed=1), 0)
    assert found["accuracy"] > 0.99 and found["ci95"][0] > 0.97 and found["p_value"] < 1e-50
    assert found["n_test"] == 300 and "distinguished" in found["sentence"]
    weak = outcome(normal(2000), normal(2000, shift=0.1, seed=1), 0)
    assert 0.5 < weak["accuracy"] < 0.7 and weak["p_value"] < 0.05


def test_scale_of_a_feature_does_not_matter_and_a_constant_one_is_harmless():
    real, fake = normal(200), normal(200, shift=1, seed=1)
    scaled = [np.concatenate([side * 1e4, np.full((200, 1), 7)], 1) for side in (real, fake)]
    assert outcome(*scaled, 0)["accuracy"] == outcome(real, fake, 0)["accuracy"]
    constant = outcome(np.ones((80, 4)), np.ones((80, 4)), 0)
    assert constant["accuracy"] == 0.5


def test_sides_are_balanced_and_halves_disjoint():
    """Ten times more reals give no better than chance; random features learnt by heart would show if halves overlapped."""
    found = outcome(normal(2000, 300), normal(200, 300, seed=1), 0)
    assert found["n_test"] == 200 and 0.4 < found["accuracy"] < 0.6


def test_verdict_is_the_binomial_one():
    found = result_of(60, 100)
    assert found["p_value"] == pytest.approx(0.02844397, abs=1e-7)  # P(X >= 60), X ~ B(100, 1/2)
    assert found["ci95"] == pytest.approx([0.502, 0.691], abs=1e-3)
    assert "guessing" in result_of(55, 100)["sentence"] and "distinguished" in found["sentence"]


def test_too_few_or_broken_features_are_refused():
    with pytest.raises(UserError) as few:
        outcome(normal(500), normal(20), 0)
    assert few.value.code == "too_few_images"
    broken = normal(100)
    broken[3, 3] = np.nan
    with pytest.raises(UserError) as bad:
        outcome(normal(100), broken, 0)
    assert bad.value.code == "bad_features"


@pytest.fixture(scope="module")
def detector():
    about = TrainedOn("referee", "0123abcd", 28, "L")
    return Detector.train(normal(300), normal(300, shift=1, seed=1), 0, about)


def test_the_detector_scores_new_images_and_survives_a_file(detector, tmp_path):
    assert detector.test == outcome(normal(300), normal(300, shift=1, seed=1), 0)
    real, fake = detector.score(normal(100, seed=7)), detector.score(normal(100, shift=1, seed=8))
    assert real.shape == (100,) and (real > 0.5).mean() > 0.9 and (fake < 0.5).mean() > 0.9
    detector.save(tmp_path / "detector.npz")
    found = Detector.load(tmp_path / "detector.npz", size=28, mode="L")
    np.testing.assert_array_equal(found.score(normal(100, seed=7)), real)
    assert found[1:] == detector[1:] and found.accuracy == detector.accuracy


def test_a_detector_is_not_used_on_what_it_does_not_know(detector, tmp_path):
    detector.save(tmp_path / "detector.npz")
    for other in ({"size": 32}, {"mode": "RGB"}):
        with pytest.raises(UserError) as refused:
            Detector.load(tmp_path / "detector.npz", **other)
        assert refused.value.code == "other_images"
    with pytest.raises(UserError) as refused:
        detector.score(normal(5, 17))
    assert refused.value.code == "other_weights"
    with pytest.raises(UserError) as refused:
        detector.score(np.full((5, 16), np.nan))
    assert refused.value.code == "bad_features"


def test_a_damaged_detector_is_refused(detector, tmp_path):
    path = tmp_path / "detector.npz"
    with pytest.raises(UserError) as gone:
        Detector.load(path)
    assert gone.value.code == "no_detector"
    detector.save(path)
    whole = path.read_bytes()
    for data in (b"", b"junk", whole[: len(whole) // 2], whole[:40] + b"\xff" * 20 + whole[60:]):
        path.write_bytes(data)
        with pytest.raises(UserError) as refused:
            Detector.load(path)
        assert refused.value.code == "bad_detector"
    for change in ({"weight": np.array([None])}, {"weight": np.full(3, np.inf)}, {"version": 0}, {"right": 10**9}):
        detector.save(path)
        with np.load(path) as file:
            facts = {name: file[name] for name in file.files} | change
        np.savez(path, **facts)
        with pytest.raises(UserError) as refused:
            Detector.load(path)
        assert refused.value.code == "bad_detector"
