"""The Frechet distance: closed forms, both shapes of the problem, and the reference implementation."""

import numpy as np
import pytest
import torch
from torch_fidelity import metric_fid

from gan_core.errors import UserError
from gan_core.evaluation import feature_checks
from gan_core.evaluation.scores import fid
from gan_core.evaluation.scores.fid import frechet_distance


def cloud(n: int, d: int, seed: int = 0) -> np.ndarray:
    """[n, d] with sample mean 0 and sample covariance the identity, so that closed forms hold exactly."""
    x = np.random.default_rng(seed).normal(size=(n, d))
    x -= x.mean(axis=0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T


@pytest.mark.parametrize("n", [40, 400])
def test_equal_covariances_leave_the_squared_distance_of_the_means(n):
    x = np.random.default_rng(1).normal(size=(n, 64)).astype(np.float32)
    shift = np.linspace(-1, 2, 64, dtype=np.float32)
    assert frechet_distance(x, x + shift) == pytest.approx(float(np.square(shift).sum()), rel=1e-4)


def test_diagonal_covariances_have_a_closed_form():
    a, b = np.linspace(0.5, 3, 12), np.linspace(2, 0.1, 12)
    real, fake = cloud(300, 12) * a, cloud(200, 12, seed=1) * b + 0.5
    assert frechet_distance(real, fake) == pytest.approx(12 * 0.25 + np.square(a - b).sum(), rel=1e-9)


@pytest.mark.parametrize("n", [30, 300])
def test_identical_sets_are_at_distance_0(n):
    x = np.random.default_rng(2).normal(size=(n, 60))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("n", "m"), [(500, 700), (50, 700), (700, 50), (40, 60)])
def test_it_equals_the_reference_and_is_symmetric(n, m):
    rng = np.random.default_rng(3)
    mix = rng.normal(size=(96, 96)) / 10
    real, fake = np.abs(rng.normal(size=(n, 96)) @ mix), np.abs(rng.normal(size=(m, 96)) @ mix) * 1.2
    statistics = [metric_fid.fid_features_to_statistics(torch.from_numpy(x)) for x in (real, fake)]
    reference = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(real, fake) == pytest.approx(reference, rel=1e-3)
    assert frechet_distance(real, fake) == pytest.approx(frechet_distance(fake, real), rel=1e-6)


def test_a_long_set_is_read_in_blocks_and_scores_the_same(monkeypatch):
    rng = np.random.default_rng(4)
    real, fake = rng.normal(size=(500, 40)) + 1000, rng.normal(size=(333, 40)) * 1.5 + 1000.1
    whole = frechet_distance(real, fake)
    monkeypatch.setattr(fid, "BLOCK_ROWS", 64)
    assert frechet_distance(real, fake) == pytest.approx(whole, rel=1e-9)
    monkeypatch.setattr(feature_checks, "BLOCK_ROWS", 64)
    fake[-1, 3] = np.inf
    with pytest.raises(UserError) as broken:
        frechet_distance(real, fake)
    assert broken.value.code == "bad_features"


def test_one_image_over_and_over_is_no_trouble_for_any_shape():
    alike, other = np.ones((50, 8), np.float32), np.random.default_rng(5).normal(size=(90, 8))
    expected = np.square(other.mean(axis=0) - 1).sum() + np.trace(np.cov(other, rowvar=False))
    assert frechet_distance(alike, other) == pytest.approx(expected)


def test_constant_features_are_no_trouble():
    assert frechet_distance(np.ones((10, 5)), np.full((20, 5), 3.0)) == pytest.approx(20)


def test_what_cannot_be_computed_is_refused():
    x = np.zeros((10, 4))
    with pytest.raises(UserError, match="at least 2") as few:
        frechet_distance(x, x[:1])
    assert few.value.code == "too_few_images"
    with pytest.raises(UserError) as broken:
        frechet_distance(x, np.full((10, 4), np.nan))
    assert broken.value.code == "bad_features"
