"""The detector: is an image real or generated? Trained by a classifier two-sample test on features (arXiv:1610.06545).

Departs from the paper: the classifier is a regularised logistic regression on standardised features of a frozen network.
"""

import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from gan_core.errors import UserError
from gan_core.storage.workspace import atomic_write

LEAST_IMAGES = 40  # a side; half of them are for testing
MOST_IMAGES = 5000  # a side; more add minutes and hardly a digit
INVERSE_PENALTY = 0.01  # C of scikit-learn; weak features must not be memorized when they outnumber the images
VERSION = 1
ADVICE = "Evaluate the run again: that trains a new detector."


class TrainedOn(NamedTuple):
    """The features that a detector can score: extractor and the hash of its weights, size (px) and mode ("L", "RGB") of images."""

    extractor: str = ""
    weights_hash: str = ""
    size: int = 0
    mode: str = ""


class Detector(NamedTuple):
    """score(features) -> chance of being real. Knows whose features it was trained on, and how it did on held-out images."""

    weight: np.ndarray  # float64 [D]
    offset: float
    test: dict[str, Any]  # see `result_of`
    about: TrainedOn

    @property
    def accuracy(self) -> float:
        """On held-out images, real and fake in equal numbers."""
        return self.test["accuracy"]

    @staticmethod
    def train(
        real_features: np.ndarray,
        fake_features: np.ndarray,
        seed: int,
        about: TrainedOn = TrainedOn(),  # noqa: B008  it is immutable
    ) -> "Detector":
        """From real [N, D] and fake [M, D]: both sides have min(N, M) rows, chosen by seed; one half of each trains, the other
        tests. Raises UserError too_few_images, bad_features.
        """
        n = min(len(real_features), len(fake_features), MOST_IMAGES)
        if n < LEAST_IMAGES:
            raise UserError(
                "too_few_images",
                f"The detector needs {LEAST_IMAGES} images of each, and there are {n}.",
                "Evaluate with more images.",
            )
        rng = np.random.default_rng(seed)
        real = np.asarray(real_features[np.sort(rng.permutation(len(real_features))[:n])], float)
        fake = np.asarray(fake_features[np.sort(rng.permutation(len(fake_features))[:n])], float)
        if not (np.isfinite(real).all() and np.isfinite(fake).all()):
            raise UserError("bad_features", "Some features are not finite numbers.", "Choose another extractor.")
        real, fake, half = rng.permutation(real), rng.permutation(fake), n // 2
        x, y = np.concatenate([real[:half], fake[:half]]), np.repeat([1, 0], half)
        mean, deviation = x.mean(0), x.std(0)
        scale = np.where(deviation > 1e-9, deviation, np.inf)  # a feature that never changes counts for nothing
        model = LogisticRegression(C=INVERSE_PENALTY, max_iter=1000).fit((x - mean) / scale, y)
        weight = model.coef_[0] / scale
        offset = float(model.intercept_[0] - mean @ weight)
        right = int((real[half:] @ weight + offset > 0).sum() + (fake[half:] @ weight + offset <= 0).sum())
        return Detector(weight, offset, result_of(right, 2 * (n - half)), about)

    def score(self, features: np.ndarray) -> np.ndarray:
        """features [N, D] -> the chance that each is real, float64 [N], where real and generated are equally common."""
        if features.ndim != 2 or features.shape[1] != len(self.weight):
            raise UserError("other_weights", "The detector was trained on features of another network.", ADVICE)
        if not np.isfinite(features).all():
            raise UserError("bad_features", "Some features are not finite numbers.", "Choose another extractor.")
        return expit(features.astype(float) @ self.weight + self.offset)

    def save(self, path: Path) -> None:
        """Plain arrays in an npz, whole or not at all."""
        facts: dict[str, Any] = {
            "version": np.array(VERSION),
            "weight": self.weight,
            "offset": np.array(self.offset),
            "right": np.array(round(self.test["accuracy"] * self.test["n_test"])),
            "n_test": np.array(self.test["n_test"]),
            **{name: np.array(value) for name, value in self.about._asdict().items()},
        }
        atomic_write(path, lambda file: np.savez(file, **facts))

    @staticmethod
    def load(path: Path, *, size: int | None = None, mode: str | None = None) -> "Detector":
        """What save wrote. size, mode: refuse a detector of other images. Raises UserError bad_detector, other_images."""
        try:
            with np.load(path, allow_pickle=False) as found:
                facts = {name: found[name] for name in found.files}
            weight, right, n_test = facts["weight"], int(facts["right"]), int(facts["n_test"])
            if int(facts["version"]) != VERSION or weight.dtype != np.float64 or weight.ndim != 1:
                raise ValueError("another version or form")
            if not (np.isfinite(weight).all() and np.isfinite(facts["offset"]) and 0 <= right <= n_test):
                raise ValueError("impossible numbers")
            detector = Detector(
                weight,
                float(facts["offset"]),
                result_of(right, n_test),
                TrainedOn(str(facts["extractor"]), str(facts["weights_hash"]), int(facts["size"]), str(facts["mode"])),
            )
        except FileNotFoundError as error:
            raise UserError("no_detector", "This run has no detector yet.", "Evaluate the run first.") from error
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise UserError("bad_detector", f"The detector {Path(path).name!r} is damaged.", ADVICE) from error
        if (size is not None and size != detector.about.size) or (mode is not None and mode != detector.about.mode):
            raise UserError("other_images", "The detector was trained on images of another size or color mode.", ADVICE)
        return detector


def result_of(right: int, n_test: int) -> dict[str, Any]:
    """{"accuracy", "ci95", "n_test", "p_value", "sentence"} of `right` right answers among n_test >= 1.

    ci95: Wilson interval; p_value: the chance of so many right answers or more by guessing.
    """
    result = stats.binomtest(right, n_test, 0.5, alternative="greater")
    interval = stats.binomtest(right, n_test).proportion_ci(method="wilson")
    sentence = (
        f"A simple classifier recognized real and generated images in {right / n_test:.0%} of {n_test:,} held-out cases "
        f"(95 % interval {interval.low:.0%} to {interval.high:.0%})"
    )
    if interval.low > 0.5:
        sentence += ": generated images can be distinguished from real ones."
    else:
        sentence += ": no better than guessing, so these features show no difference with this number of images."
    return {
        "accuracy": right / n_test,
        "ci95": [float(interval.low), float(interval.high)],
        "n_test": n_test,
        "p_value": float(result.pvalue),
        "sentence": sentence,
    }
