"""Which validation images the arms of a race were right about: balanced accuracies, and the standard error of a difference."""

from typing import Any

import numpy as np

from gan_core.evaluation.utility.gain import balanced_accuracy


class ValidationScores:
    """labels: int64 [N] of the validation images. share[rung][arm]: of its classifiers that were right about each image, [N]."""

    def __init__(self, labels: np.ndarray, stored: dict[str, Any] | None = None):
        self.labels, self.num_classes = labels, int(labels.max(initial=-1)) + 1
        self.share: dict[int, dict[str, np.ndarray]] = {}
        for rung, arms in (stored or {}).items():
            self.share[int(rung)] = {name: np.asarray(values, float) for name, values in arms.items()}

    def add(self, rung: int, arm: str, right: np.ndarray) -> list[float]:
        """right bool [seeds, N] -> the balanced accuracy of each seed."""
        self.share.setdefault(rung, {})[arm] = right.mean(0)
        return balanced_accuracy(right, self.labels, self.num_classes).tolist()

    def error(self, one: str, other: str, rung: int) -> float:
        """The standard error of the difference of two balanced accuracies over the images; 0 for an arm that did not run."""
        found = self.share.get(rung, {})
        if one not in found or other not in found:
            return 0.0
        gaps, present = found[one] - found[other], np.unique(self.labels)
        parts = [gaps[self.labels == label] for label in present]
        # A class of one image has no spread of its own: the spread of all images stands for it.
        spread = float(gaps.var(ddof=1)) if len(gaps) > 1 else 0.0
        variances = [(part.var(ddof=1) if len(part) > 1 else spread) / len(part) for part in parts]
        return float(np.sqrt(sum(variances)) / len(present))

    def to_json(self) -> dict[str, Any]:
        return {
            str(rung): {name: values.tolist() for name, values in arms.items()} for rung, arms in self.share.items()
        }
