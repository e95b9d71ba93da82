"""The Inception Score: its two ends and the reference implementation."""

import numpy as np
import pytest
import torch
from torch_fidelity import metric_isc

from gan_core.errors import UserError
from gan_core.evaluation.scores.inception_score import inception_score


def test_uniform_logits_score_1():
    assert inception_score(np.zeros((50, 7)))["inception_score"] == pytest.approx(1)


def test_confident_and_spread_over_k_classes_scores_k():
    result = inception_score(1e4 * np.tile(np.eye(7), (20, 1)))
    assert result["inception_score"] == pytest.approx(7)
    assert result["std"] == pytest.approx(0, abs=1e-9)


def test_confident_in_one_class_scores_1():
    assert inception_score(1e4 * np.tile(np.eye(7)[:1], (20, 1)))["inception_score"] == pytest.approx(1)


@pytest.mark.parametrize(("n", "splits"), [(200, 10), (203, 10), (64, 1)])
def test_it_equals_the_reference(n, splits):
    logits = np.random.default_rng(0).normal(size=(n, 30)).astype(np.float32) * 3
    reference = metric_isc.isc_features_to_metric(torch.from_numpy(logits), splits=splits, shuffle=False)
    result = inception_score(logits, splits)
    assert result["inception_score"] == pytest.approx(reference["inception_score_mean"], rel=1e-3)
    assert result["std"] == pytest.approx(reference["inception_score_std"], rel=1e-3, abs=1e-9)


def test_what_cannot_be_computed_is_refused():
    with pytest.raises(UserError) as few:
        inception_score(np.zeros((9, 5)))
    assert few.value.code == "too_few_images"
    with pytest.raises(UserError) as broken:
        inception_score(np.full((20, 5), np.nan))
    assert broken.value.code == "bad_features"
