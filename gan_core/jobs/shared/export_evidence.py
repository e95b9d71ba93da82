"""What was measured of a run's images and of their use, for the manifest and the card of an export."""

from typing import Any

from gan_core.evaluation import lights
from gan_core.evaluation.results import EvaluationResult, UtilityResult
from gan_core.storage.store import Store


def evidence_of(store: Store, run: str | None, checkpoint_sha256: str) -> dict[str, Any]:
    """JSON: "evaluation", "utility" and "lights" of a run, each where there is one.

    Of the checkpoint that is exported, else the newest, which "same_checkpoint" tells. A comparison of changed copies alone does
    not count.
    """
    if run is None:
        return {}
    checkpoint = checkpoint_sha256[:12]
    evaluations = [EvaluationResult.read(value) for value in results(store, "evaluate", run)]
    comparisons = [one for value in results(store, "utility", run) if (one := UtilityResult.read(value)).of_run]
    evaluation = next((one for one in evaluations if one.checkpoint == checkpoint), next(iter(evaluations), None))
    utility = next((one for one in comparisons if one.checkpoint == checkpoint), next(iter(comparisons), None))
    found: dict[str, Any] = {}
    if evaluation is not None:
        found["evaluation"] = {**about_evaluation(evaluation), "same_checkpoint": evaluation.checkpoint == checkpoint}
    if utility is not None:
        found["utility"] = {**about_utility(utility), "same_checkpoint": utility.checkpoint == checkpoint}
    if found:
        found["lights"] = lights.to_json(lights.of_evaluation(evaluation, utility))
    return found


def results(store: Store, kind: str, run: str) -> list[dict[str, Any]]:
    """Of finished jobs, the newest first."""
    return [job.result for job in store.jobs(kind=kind, subject=run, states=("finished",)) if job.result]


def about_evaluation(result: EvaluationResult) -> dict[str, Any]:
    """kernel_distance_over_floor: None where the floor, an unbiased estimate of nearly nothing, is not above 0."""
    distance, floor = result.kid, result.floor.kid
    return {
        "checkpoint": result.checkpoint,
        "images_seen": result.images_seen,
        "extractor": result.extractor_title or result.extractor,
        "kernel_distance": distance,
        "kernel_distance_floor": floor,
        "kernel_distance_over_floor": distance / floor if distance is not None and floor and floor > 0 else None,
        "frechet_over_floor": result.times_floor,
        "detector_accuracy": result.detector.accuracy if result.detector else None,
        "detector_ci95": result.detector.ci95 if result.detector else None,
    }


def about_utility(result: UtilityResult) -> dict[str, Any]:
    return {
        "protocol": result.protocol,
        "checkpoint": result.checkpoint,
        "classifier": result.classifier,
        "verdict": result.verdict,
        "sentence": result.sentence,
        "gain": result.gain,
        "gain_ci95": result.gain_ci95,
        "test_bootstrap_ci95": result.test_bootstrap_ci95,
    }
