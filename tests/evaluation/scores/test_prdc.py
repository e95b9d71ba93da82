"""Precision, recall, density, coverage: the prdc package to the last bit, closed forms, and what a lost mode does."""

import numpy as np
import pytest
from prdc import compute_prdc

from gan_core.errors import Stopped, UserError
from gan_core.evaluation import neighbors
from gan_core.evaluation.scores.prdc import manifold, manifold_scores


def cloud(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize(
    ("n", "m", "d", "k"), [(300, 200, 8, 5), (150, 400, 64, 3), (90, 90, 512, 1), (257, 131, 3, 10)]
)
def test_it_equals_the_prdc_package_exactly(monkeypatch, n, m, d, k):
    monkeypatch.setattr(neighbors, "QUERY_ROWS", 64)
    monkeypatch.setattr(neighbors, "BASE_ROWS", 100)
    real, fake = cloud(n, d), cloud(m, d, seed=1) * 0.9 + 0.05
    assert manifold_scores(real, fake, k) == compute_prdc(real, fake, k)


@pytest.mark.parametrize("before", [0, 1, 5, 9])
def test_a_stop_is_heard_between_two_blocks(monkeypatch, before):
    """6 blocks of each side's own distances (the upper half of 3 x 3), then 9 between the sides."""
    monkeypatch.setattr(neighbors, "QUERY_ROWS", 30)
    monkeypatch.setattr(neighbors, "BASE_ROWS", 30)
    asked = []
    with pytest.raises(Stopped):
        manifold_scores(cloud(90), cloud(90, seed=1), should_stop=lambda: asked.append(1) or len(asked) > before)
    assert len(asked) == before + 1
    asked.clear()
    manifold_scores(cloud(90), cloud(90, seed=1), should_stop=lambda: bool(asked.append(1)))
    assert len(asked) == 6 + 6 + 9


def test_identical_sets_have_all_four_at_1():
    x = cloud(200)
    ones = dict.fromkeys(("precision", "recall", "density", "coverage"), 1.0)
    assert manifold_scores(x, x) == manifold_scores(x, x[::-1]) == ones


def test_sets_far_apart_have_all_four_at_0():
    assert set(manifold_scores(cloud(50), cloud(50, seed=1) + 1000).values()) == {0}


def test_equal_distributions_have_the_expected_density_and_coverage():
    scores = [manifold_scores(cloud(400, seed=2 * i), cloud(400, seed=2 * i + 1), k=5) for i in range(8)]
    assert np.mean([s["density"] for s in scores]) == pytest.approx(1, abs=0.1)
    assert np.mean([s["coverage"] for s in scores]) == pytest.approx(1 - 2**-5, abs=0.02)


def test_four_points_on_a_line_by_hand():
    real, fake = np.array([[0.0], [1], [3], [7]]), np.array([[0.5], [2.5], [10], [2.6]])
    found = manifold(real, fake, k=1)
    # Real radii 1, 1, 2, 4: 0.5 lies in the balls of 0 and 1; 2.5 and 2.6 in that of 3; 10 in that of 7.
    assert found.real_balls.tolist() == [2, 1, 1, 1]
    assert found.covered.tolist() == [True, True, True, True]
    # Fake radii 2, 0.1, 7.4, 0.1: the ball of 0.5 holds 0 and 1, that of 10 holds 3 and 7.
    assert found.recalled.tolist() == [True, True, True, True]
    assert manifold_scores(real, fake, k=1) == {"precision": 1, "recall": 1, "density": 1.25, "coverage": 1}


def test_a_lost_mode_costs_recall_and_coverage_and_not_precision():
    centres = np.array([[0.0] * 8, [20] * 8, [-20] * 8, [20, -20] * 4])
    modes = lambda which, seed: np.concatenate([cloud(100, 8, seed + i) + centres[i] for i in which])
    real = modes(range(4), 0)
    whole, lost = manifold_scores(real, modes(range(4), 10)), manifold_scores(real, modes(range(3), 10))
    assert whole["recall"] > 0.7 and whole["coverage"] > 0.9
    assert lost["recall"] == pytest.approx(0.75 * whole["recall"], abs=0.03)
    assert lost["coverage"] == pytest.approx(0.75 * whole["coverage"], abs=0.03)
    assert lost["precision"] == pytest.approx(whole["precision"], abs=0.03)


def test_one_image_over_and_over_has_no_recall_and_is_a_result():
    real = cloud(100)
    scores = manifold_scores(real, real[:1].repeat(50, axis=0))
    assert scores["recall"] == 0 and scores["precision"] == 1 and scores["coverage"] < 0.3


def test_what_cannot_be_computed_is_refused():
    x = cloud(20)
    assert manifold_scores(x[:6], x[10:16])["precision"] >= 0
    for real, fake in ((x[:5], x), (x, x[:5]), (x, x[:0])):
        with pytest.raises(UserError) as few:
            manifold_scores(real, fake)
        assert few.value.code == "too_few_images" and "at least 6" in few.value.what
    for bad in (np.nan, np.inf):
        with pytest.raises(UserError) as broken:
            manifold_scores(x, np.where(np.eye(20, 16) > 0, bad, x))
        assert broken.value.code == "bad_features"
    with pytest.raises(UserError) as alike:
        manifold_scores(np.ones((20, 16), np.float32), x)
    assert alike.value.code == "bad_features"
    with pytest.raises(ValueError, match="one length"):
        manifold_scores(x, x[:, :3])
