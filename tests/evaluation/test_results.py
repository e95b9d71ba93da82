"""results.py: what a job wrote reads as a model and back without a change; older results and torn ones read too."""

import numpy as np
import pytest

from gan_core.evaluation.names_and_thresholds import MEANINGS
from gan_core.evaluation.results import (
    DetectionResult,
    EvaluationResult,
    UtilityResult,
    differences,
    score_rows,
    variety_rows,
)
from tests.builders import evaluated_run, seeded_workspace
from tests.builders.toy_images import toy_images


@pytest.fixture(scope="module")
def stored():
    """result.json of an evaluated run as a dict."""
    train = toy_images(60, 32, 1, 3, seed=1)
    fakes, samples = evaluated_run.draw(train, 3, 120)
    return evaluated_run.result("r1", ["a", "b", "c"], fakes, samples, 60, 30, 32, True)


def test_a_result_reads_and_writes_the_same_keys(stored):
    assert EvaluationResult.read(stored).to_json() == stored
    helps, detected = evaluated_run.utility(["a", "b"]), evaluated_run.detection()
    assert UtilityResult.read(helps).to_json() == helps and DetectionResult.read(detected).to_json() == detected


def test_parts_are_typed(stored):
    result = EvaluationResult.read(stored)
    assert result.collapse and result.collapse.indicators[0].class_name == "c"
    assert result.memorization and result.memorization.pairs[1].flipped
    assert result.floor.held_out and result.floor.held_out.n == 30
    assert result.dataset_classifier and result.dataset_classifier.accuracy == 0.97
    assert result.detector and result.detector.n_test == 200
    assert result.classes_by_coverage == ["c", "b", "a"]
    with pytest.raises(ValueError):
        result.seed = 1


def test_a_score_has_its_floor_its_meaning_and_why_it_is_missing(stored):
    scores = {score.key: score for score in EvaluationResult.read(stored).scores}
    assert list(scores) == list(evaluated_run.SCORES)
    assert scores["frechet_distance"].ci == [28.125, 34.375] and scores["frechet_distance"].held_out_floor == 10.0
    assert scores["inception_score_formula"].value is None and scores["inception_score_formula"].absent
    assert all(score.meaning == MEANINGS[key] for key, score in scores.items())


def test_older_and_torn_results_read():
    old = EvaluationResult.read(seeded_workspace.SCORES)
    assert old.score_keys and old.collapse is None and not old.per_class
    assert old.to_json() == seeded_workspace.SCORES
    torn = {"per_class": None, "floor": None, "labels": None, "collapse": {"verdict": "red", "indicators": None}}
    result = EvaluationResult.read(torn | {"from_a_later_version": [1]})
    assert result.per_class == {} and result.scores == [] and result.collapse and result.collapse.indicators == []
    assert result.to_json()["from_a_later_version"] == [1]
    assert EvaluationResult.read(None).score_keys == []


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        ({}, ()),
        ({"seed": 7, "draws": 1, "kid": 3.0}, ()),
        ({"extractor": "inception-v3", "weights": "cd"}, ("extractor", "weights")),
        ({"n_fake": 10, "n_real": 10}, ("real images", "generated images")),
        ({"against": "test"}, ("split",)),
        ({"dataset": "another"}, ("dataset",)),
    ],
)
def test_what_keeps_results_from_being_compared_is_named(change, keys, stored):
    first, other = EvaluationResult.read(stored), EvaluationResult.read(stored | change)
    found = differences([first, other, first])
    assert len(found) == len(keys) and all(key in word for key, word in zip(keys, found, strict=True))


def test_rows_of_scores_are_those_made_alike_the_newest_of_each_checkpoint(stored):
    changes = (
        {"images_seen": 240_000, "epoch": 25.0, "frechet_distance": 20.0},
        {"frechet_distance": 30.0},
        {},
        {"images_seen": 9, "n_fake": 7},
        {"epoch": None, "images_seen": 8},
    )
    rows = score_rows([EvaluationResult.read(stored | change) for change in changes])
    assert [(row["epoch"], row["frechet_distance"], row["floor"]) for row in rows] == [
        (12.5, 30.0, 10.0),
        (25.0, 20.0, 10.0),
    ]
    assert rows[0]["coverage"] == 0.55 and rows[0]["inception_score_formula"] is None
    assert score_rows([]) == []


def test_rows_of_variety_need_values_and_an_epoch():
    rows = [{"epoch": 1.0, "images_seen": 5, "values": {"agreement": 0.5}}, {"epoch": 2.0}, {"values": {}}]
    assert variety_rows(rows) == [{"epoch": 1.0, "images_seen": 5, "agreement": 0.5}]


def test_classes_without_coverage_come_last():
    table = {"a": {"coverage": None}, "b": {"coverage": 0.5}, "c": {"coverage": 0.0}, "d": {}}
    assert EvaluationResult.read({"per_class": table}).classes_by_coverage == ["c", "b", "a", "d"]


def test_the_checkpoint_in_words():
    about = lambda **keys: UtilityResult.read(keys).about_checkpoint
    assert "1,200" in about(images_seen=1200, epoch=2.5) and "2.5" in about(images_seen=1200, epoch=2.5)
    assert "epoch" not in about(images_seen=1200) and "unknown" in about()
    assert "without the run" in about(images_seen=1200, methods={"classical": 1.0})


def test_numbers_of_numpy_are_no_reason_to_refuse():
    assert EvaluationResult.read({"kid": np.float64(0.5), "labels": {"kid": "KID"}}).scores[0].value == 0.5
