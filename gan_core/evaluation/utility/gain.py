"""Balanced accuracy, the gain, its intervals and the verdict, from paired repetitions of two classifiers.

right: bool [seeds, N], whether the classifier of a seed was right about each of the N test images.
"""

from typing import Any

import numpy as np
from scipy import stats

BOOTSTRAPS = 2000


def mean_and_interval(values: np.ndarray) -> tuple[float, list[float]]:
    """The mean of >= 2 repetitions and its 95 % t-interval."""
    mean = float(np.mean(values))
    reach = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, [mean - reach, mean + reach]


def class_recalls(right: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """[seeds, classes]; NaN where a class has no test image."""
    table = np.full((len(right), num_classes), np.nan)
    for label in np.unique(labels):
        table[:, label] = right[:, labels == label].mean(1)
    return table


def recalls(right: np.ndarray, labels: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """{"balanced_accuracy", "ci95", "values" by seed, "per_class": {class: mean recall | None}}."""
    table = class_recalls(right, labels, len(classes))
    values = np.nanmean(table, 1)
    mean, interval = mean_and_interval(values)
    per_class = {name: None if np.isnan(table[0, c]) else float(table[:, c].mean()) for c, name in enumerate(classes)}
    return {"balanced_accuracy": mean, "ci95": interval, "values": values.tolist(), "per_class": per_class}


def compare(base: np.ndarray, arm: np.ndarray, labels: np.ndarray, classes: list[str], seed: int) -> dict[str, Any]:
    """The gain of arm over base, paired by seed; "helps" only where the whole interval lies above 0.

    gain_ci95 is over seeds (other start values, another order, other shots); test_bootstrap_ci95 over test images, drawn anew
    within each class, with the seeds averaged.
    """
    tables = [class_recalls(right, labels, len(classes)) for right in (base, arm)]
    before, after = (np.nanmean(table, 1) for table in tables)
    gain, interval = mean_and_interval(after - before)
    per_class: dict[str, Any] = {}
    for c, name in enumerate(classes):
        value, reach = mean_and_interval(tables[1][:, c] - tables[0][:, c])
        per_class[name] = {"gain": None, "ci95": None} if np.isnan(value) else {"gain": value, "ci95": reach}
    return {
        "gain": gain,
        "gain_ci95": interval,
        "per_class_gain": per_class,
        "test_bootstrap_ci95": bootstrap(arm.mean(0) - base.mean(0), labels, seed),
        "verdict": "helps" if interval[0] > 0 else "no measurable gain",
        "sentence": sentence(float(before.mean()), float(after.mean()), gain, interval, len(base)),
    }


def bootstrap(difference: np.ndarray, labels: np.ndarray, seed: int) -> list[float]:
    """95 % interval of the class-balanced mean of difference [N] over test images drawn anew within each class."""
    rng, present = np.random.default_rng(seed), np.unique(labels)
    total = np.zeros(BOOTSTRAPS)
    for label in present:
        own = difference[labels == label]
        values, counts = np.unique(own, return_counts=True)  # few: differences of means over seeds
        total += rng.multinomial(len(own), counts / len(own), BOOTSTRAPS) @ values / len(own)
    return [float(bound) for bound in np.quantile(total / len(present), [0.025, 0.975])]


def sentence(before: float, after: float, gain: float, interval: list[float], seeds: int) -> str:
    figures = (
        f"balanced accuracy on held-out images {after:.1%} with synthetic images against {before:.1%} with classical "
        f"augmentation alone, {100 * gain:+.1f} points (95 % interval {100 * interval[0]:+.1f} to "
        f"{100 * interval[1]:+.1f}, {seeds} seeds)"
    )
    if interval[0] > 0:
        return f"The synthetic images help: {figures}."
    worse = " They make it measurably worse." if interval[1] < 0 else ""
    return f"No measurable gain: {figures}.{worse}"
