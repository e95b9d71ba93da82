"""Balanced accuracy on the validation images, and the standard error of a difference over them."""

import json

import numpy as np
import pytest

from gan_core.evaluation.utility.validation_scores import ValidationScores

LABELS = np.repeat([0, 1, 2], [60, 30, 10])


def test_every_class_counts_the_same():
    right = np.stack([LABELS == 0, np.ones(100, bool)])
    assert ValidationScores(LABELS).add(0, "a", right) == pytest.approx([1 / 3, 1.0])


def test_the_error_is_that_of_many_draws_of_the_images():
    rng = np.random.default_rng(0)
    chances = rng.random((2, 100))

    def difference(drawn: np.ndarray) -> float:
        scores = ValidationScores(LABELS)
        one, other = (scores.add(0, name, drawn[place][None])[0] for place, name in enumerate("ab"))
        return one - other

    draws = [
        rng.random((2, 100))
        < chances[:, [*rng.integers(0, 60, 60), *rng.integers(60, 90, 30), *rng.integers(90, 100, 10)]]
        for _ in range(400)
    ]
    errors = []
    for drawn in draws[:50]:
        scores = ValidationScores(LABELS)
        for place, name in enumerate("ab"):
            scores.add(0, name, drawn[place][None])
        errors.append(scores.error("a", "b", 0))
    assert np.mean(errors) == pytest.approx(np.std([difference(drawn) for drawn in draws]), rel=0.15)


def test_equal_arms_have_no_error_and_an_arm_that_did_not_run_has_none():
    scores = ValidationScores(LABELS)
    for name in "ab":
        scores.add(1, name, np.tile(LABELS == 1, (2, 1)))
    assert scores.error("a", "b", 1) == 0.0 and scores.error("a", "b", 0) == 0.0 and scores.error("a", "c", 1) == 0.0


def test_what_is_stored_reads_back():
    scores = ValidationScores(LABELS)
    rng = np.random.default_rng(1)
    for name in "ab":
        scores.add(2, name, rng.random((3, 100)) < 0.6)
    again = ValidationScores(LABELS, json.loads(json.dumps(scores.to_json())))
    assert again.error("a", "b", 2) == scores.error("a", "b", 2) > 0
