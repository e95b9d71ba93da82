"""The questions of results.py for callers that still hold a result as a dict; it goes when the last of them reads the model."""

from collections.abc import Sequence
from typing import Any

from gan_core.evaluation import results
from gan_core.evaluation.results import EvaluationResult, UtilityResult


def scores_of(result: dict[str, Any]) -> list[str]:
    return EvaluationResult.read(result).score_keys


def differences(found: Sequence[dict[str, Any]]) -> list[str]:
    return results.differences([EvaluationResult.read(one) for one in found])


def score_rows(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return results.score_rows([EvaluationResult.read(one) for one in found])


def checkpoint(result: dict[str, Any]) -> str:
    return UtilityResult.read({key: result.get(key) for key in ("images_seen", "epoch", "methods")}).about_checkpoint


def class_order(per_class: dict[str, dict[str, Any]]) -> list[str]:
    return EvaluationResult.read({"per_class": per_class}).classes_by_coverage


def reasons(row: dict[str, Any]) -> str:
    return results.ClassScores.read(row).reasons
