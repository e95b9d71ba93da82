"""Balanced accuracy, the gain of one arm over another, its intervals and the verdict.

right: bool [draws, generators, seeds, N], whether a classifier was right about each of the N test images. draws: of the training
images; generators: trained on them; seeds: of the classifier, others for each draw and generator. Two arms are paired: the same
place in both tables is the same draw, generator and seed.
"""

from typing import Any

import numpy as np
from scipy import stats

BOOTSTRAPS = 2000
POOL_ABOVE = 0.25  # p of the F-test from which on draws count as no different from generators within a draw


def class_recalls(right: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """right bool [..., N] -> [..., classes]; NaN where a class has no test image."""
    table = np.full((*right.shape[:-1], num_classes), np.nan)
    for label in np.unique(labels):
        table[..., label] = right[..., labels == label].mean(-1)
    return table


def balanced_accuracy(right: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """right bool [..., N] -> [...]: the mean recall of the classes that have images."""
    return np.asarray(np.nanmean(class_recalls(right, labels, num_classes), -1))


def interval(values: np.ndarray) -> tuple[float, list[float]]:
    """values [draws, generators, seeds] -> the mean and its 95 % t-interval over draws and generators.

    A repetition is a generator of a draw, its seeds averaged. Where draws differ by more than generators within a draw do (F-test,
    p < 0.25: the rule "sometimes pool", doi:10.1214/aoms/1177731284), the draws alone are the repetitions. With one draw and one
    generator it is over the seeds, and says nothing about other draws and generators.
    """
    mean, cells = float(values.mean()), values.mean(2)
    draws, generators = cells.shape
    repetitions = cells.ravel() if cells.size > 1 else values.ravel()
    if draws > 1 and generators > 1:
        between = generators * cells.mean(1).var(ddof=1)
        within = cells.var(1, ddof=1).mean()
        if stats.f.sf(between, draws - 1, draws * (generators - 1), scale=max(within, 1e-12)) < POOL_ABOVE:
            repetitions = cells.mean(1)
    n = len(repetitions)
    reach = float(stats.t.ppf(0.975, n - 1) * repetitions.std(ddof=1) / np.sqrt(n)) if n > 1 else float("inf")
    return mean, [mean - reach, mean + reach]


def recalls(right: np.ndarray, labels: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """{"balanced_accuracy", "ci95", "values" of each repetition, "per_class": {class: mean recall | None}}."""
    table = class_recalls(right, labels, len(classes))
    values = np.nanmean(table, -1)
    mean, bounds = interval(values)
    means = table.mean((0, 1, 2))
    per_class = {name: None if np.isnan(value) else float(value) for name, value in zip(classes, means, strict=True)}
    return {"balanced_accuracy": mean, "ci95": bounds, "values": values.ravel().tolist(), "per_class": per_class}


def gain_over(base: np.ndarray, arm: np.ndarray, labels: np.ndarray, num_classes: int) -> tuple[float, list[float]]:
    """The mean gain of balanced accuracy of arm over base, and its 95 % interval."""
    tables = [class_recalls(right, labels, num_classes) for right in (base, arm)]
    return interval(np.nanmean(tables[1], -1) - np.nanmean(tables[0], -1))


def compare(
    base: np.ndarray,
    arm: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    seed: int,
    control: np.ndarray | None = None,
) -> dict[str, Any]:
    """The gain of arm over base; "helps" only where its whole interval and that of the bootstrap lie above 0.

    control: the arm with real images again in the place of the synthetic ones; "helps" needs the gain over it above 0 too.

    gain_ci95 is over draws and generators; test_bootstrap_ci95 over test images, drawn anew within each class, with the
    repetitions averaged.
    """
    tables = [class_recalls(right, labels, len(classes)) for right in (base, arm)]
    before, after = (np.nanmean(table, -1) for table in tables)
    gain, bounds = interval(after - before)
    per_class: dict[str, Any] = {}
    for c, name in enumerate(classes):
        value, reach = interval(tables[1][..., c] - tables[0][..., c])
        per_class[name] = {"gain": None, "ci95": None} if np.isnan(value) else {"gain": value, "ci95": reach}
    bootstrapped = bootstrap(arm.mean((0, 1, 2)) - base.mean((0, 1, 2)), labels, seed)
    own, own_bounds = (gain, bounds) if control is None else gain_over(control, arm, labels, len(classes))
    helps = bounds[0] > 0 and bootstrapped[0] > 0 and own_bounds[0] > 0
    said = sentence(float(before.mean()), float(after.mean()), gain, bounds, helps)
    if bounds[0] > 0 and own_bounds[0] <= 0:
        said += f" Over real images shown again in their place they add {100 * own:+.1f} points, which may be chance."
    return {
        "gain": gain,
        "gain_ci95": bounds,
        "per_class_gain": per_class,
        "test_bootstrap_ci95": bootstrapped,
        "verdict": "helps" if helps else "no measurable gain",
        "own_gain": {"gain": own, "ci95": own_bounds},
        "sentence": said,
    }


def of_another(right: np.ndarray, labels: np.ndarray, num_classes: int, seed: int) -> list[float]:
    """Where the balanced accuracy of one more training would lie, 95 %: by another seed, or on other test images."""
    values = balanced_accuracy(right, labels, num_classes).ravel()
    low, high = bootstrap(right.mean((0, 1, 2)), labels, seed)
    if len(values) > 1:
        reach = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) * np.sqrt(1 + 1 / len(values)))
        low, high = min(low, float(values.mean()) - reach), max(high, float(values.mean()) + reach)
    return [max(0.0, low), min(1.0, high)]


def bootstrap(difference: np.ndarray, labels: np.ndarray, seed: int) -> list[float]:
    """95 % interval of the class-balanced mean of difference [N] over test images drawn anew within each class."""
    rng, present = np.random.default_rng(seed), np.unique(labels)
    total = np.zeros(BOOTSTRAPS)
    for label in present:
        own = difference[labels == label]
        values, counts = np.unique(own, return_counts=True)  # few: differences of means over repetitions
        total += rng.multinomial(len(own), counts / len(own), BOOTSTRAPS) @ values / len(own)
    return [float(bound) for bound in np.quantile(total / len(present), [0.025, 0.975])]


def sentence(before: float, after: float, gain: float, bounds: list[float], helps: bool) -> str:
    figures = (
        f"balanced accuracy on the test images {after:.1%} with synthetic images against {before:.1%} with the best training on "
        f"real images alone, {100 * gain:+.1f} points (95 % interval {100 * bounds[0]:+.1f} to {100 * bounds[1]:+.1f})"
    )
    if helps:
        return f"The synthetic images help: {figures}."
    worse = " They make it measurably worse." if bounds[1] < 0 else ""
    return f"No measurable gain: {figures}.{worse}"
