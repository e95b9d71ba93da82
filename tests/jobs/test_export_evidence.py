"""What the manifest and the card say of a run's images: of the exported checkpoint, else of the newest one that was measured."""

import pytest

from gan_core.export.card import came
from gan_core.export.card import evidence as rows_of_card
from gan_core.jobs.shared.export_evidence import evidence_of
from gan_core.views.evaluation_results import newest_utility
from tests.builders.seeded_workspace import add_job

SHA = "ab" * 32
MEASURED = {
    "checkpoint": SHA[:12],
    "extractor": "efficientnet-lite0",
    "extractor_title": "EfficientNet-Lite0",
    "kid": 0.02,
    "floor": {"n": 100, "kid": 0.004},
    "times_floor": 7.5,
    "two_sample": {"accuracy": 0.83, "ci95": [0.8, 0.86]},
}
COMPARED = {
    "protocol": 2,
    "checkpoint": SHA[:12],
    "verdict": "no measurable gain",
    "sentence": "No measurable gain: 1 % more.",
}


@pytest.fixture
def finished(store):
    """finished(kind, result): a job of run r0 that has ended so."""

    return lambda kind, result: add_job(store, kind, "r0", "finished", {}, result)


def test_without_a_run_or_an_evaluation_there_is_nothing_to_say(store):
    assert evidence_of(store, None, "") == {} and evidence_of(store, "r0", SHA) == {}
    assert rows_of_card({}) == ""


def test_the_measurements_of_the_exported_checkpoint_are_taken_before_newer_ones(store, finished):
    finished("evaluate", MEASURED)
    finished("evaluate", MEASURED | {"checkpoint": "0" * 12, "kid": 9.0})
    finished("utility", COMPARED)
    found = evidence_of(store, "r0", SHA)
    evaluation = found["evaluation"]
    assert evaluation["same_checkpoint"] and evaluation["kernel_distance_over_floor"] == pytest.approx(5)
    assert (evaluation["detector_accuracy"], evaluation["frechet_over_floor"]) == (0.83, 7.5)
    assert found["utility"]["protocol"] == 2 and found["lights"]["usefulness"]["color"] == "yellow"
    card = rows_of_card(found)
    assert "5.0 times" in card and "83%" in card and "Protocol 2" in card and "another checkpoint" not in card


def test_a_measurement_of_another_checkpoint_says_so_and_a_floor_of_nought_gives_no_ratio(store, finished):
    finished("evaluate", MEASURED | {"checkpoint": "0" * 12, "floor": {"n": 100, "kid": -0.0001}})
    found = evidence_of(store, "r0", SHA)
    assert not found["evaluation"]["same_checkpoint"] and found["evaluation"]["kernel_distance_over_floor"] is None
    card = rows_of_card(found)
    assert card.count("measured on another checkpoint") == 2 and "times as much" not in card
    assert found["lights"]["realism"]["color"] != "grey" and card.count("Measured on another checkpoint.") == 1


def test_a_comparison_of_changed_copies_says_nothing_of_what_the_run_drew(store, finished):
    finished("utility", COMPARED)
    finished("utility", COMPARED | {"methods": {"classical": 1.0}, "checkpoint": None, "sentence": "Copies help."})
    assert evidence_of(store, "r0", "0" * 64)["utility"]["sentence"] == COMPARED["sentence"]
    assert newest_utility(store, "r0").sentence == COMPARED["sentence"]
    assert newest_utility(store, "r0", of_run=False).sentence == "Copies help."


@pytest.mark.parametrize(("origin", "said"), [("given", "from the"), ("cut", "by Ganvas"), ("cut later", "by Ganvas")])
def test_where_a_split_is_from_is_said_also_of_an_older_dataset(origin, said):
    assert said in came({"splits": {"validation": origin}}, "validation") and came({"splits": {}}, "test") == ""
