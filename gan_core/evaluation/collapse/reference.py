"""The real images that variety is compared with: their features, their distances, and how reliable the classifier is."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from gan_core.errors import UserError
from gan_core.evaluation.features.extractors import Features

NEIGHBORS = 5  # k of coverage, as in arXiv:2002.09797
MOST_IMAGES = 2048  # of a side; more say little more and cost its square
HELD_OUT_IMAGES = 50  # fewer give no coverage to compare with: its expected value stands in
DUPLICATE_PERCENTILE = (
    1.0  # two images closer than this share of reals are to their nearest neighbor are near duplicates
)


@dataclass(frozen=True)
class Reference:
    """Real images, examined once. n_train: how many the training set has; by label: entry c of class c.

    labels_known: the network's logits are those of a classifier of these classes, so predictions mean something.
    recall [K] and accuracy: on held-out images, None where there are too few; confusion [K, K]: row c has the shares of the
    classes predicted for held-out images of class c.
    """

    features: np.ndarray  # float64 [N, D]
    labels: np.ndarray  # int64 [N]
    held_out: np.ndarray  # float64 [M, D]
    held_labels: np.ndarray  # int64 [M]
    num_classes: int
    n_train: int
    distances: np.ndarray  # float64 [N, N], its diagonal infinite
    radii: np.ndarray  # float64 [N], to the k-th nearest real
    reached: np.ndarray  # bool [N, M]: this held-out image lies in the ball of that real
    predicted: np.ndarray  # int64 [N], by the network; 0 without labels_known
    labels_known: bool
    accuracy: float | None
    recall: list[float | None]
    confusion: np.ndarray
    held_duplicates: float  # near duplicates' share among held-out images, per image compared

    @classmethod
    def build(
        cls,
        real: Features,
        real_labels: np.ndarray,
        held_out: Features,
        held_labels: np.ndarray,
        num_classes: int,
        known_accuracy: float | None = None,
        known_recall: list[float | None] | None = None,
        *,
        n_train: int | None = None,
    ) -> "Reference":
        """real: features of train images, held_out: of the test split (may be empty); at most MOST_IMAGES of each are used.

        known_accuracy, known_recall: of the classifier on the whole test split, where that is larger than held_out. n_train:
        images of the whole training set, for the estimate of support. Raises UserError too_few_images, bad_features, no_variety.
        """
        rng = np.random.default_rng(0)
        some, others = (rng.permutation(len(f.features))[:MOST_IMAGES] for f in (real, held_out))
        features, labels = checked(real.features[some]), np.asarray(real_labels)[some]
        if len(features) <= NEIGHBORS + 1:
            what = f"Variety needs more than {NEIGHBORS + 1} real images, and there are {len(features)}."
            raise UserError("too_few_images", what, "Import more images.")
        held = checked(held_out.features[others]) if len(others) else np.empty((0, features.shape[1]))
        held_labels = np.asarray(held_labels)[others]
        apart = distances(features, features)
        np.fill_diagonal(apart, np.inf)
        radii = np.partition(apart, NEIGHBORS - 1, axis=1)[:, NEIGHBORS - 1]
        if not radii.max() > 0:
            raise UserError("no_variety", "The real images are all alike.", "Look at the images of this dataset.")
        known = real.logits.shape[1] == num_classes > 1 and better_than_chance(real.logits[some], labels, num_classes)
        confusion, accuracy = np.eye(num_classes), None
        recall: list[float | None] = [None] * num_classes
        if known and len(held):
            confusion, recall, accuracy = confusion_of(held_out.logits[others], held_labels, num_classes)
        if known and known_accuracy is not None:
            accuracy, recall = known_accuracy, list(known_recall or recall)
        limit, rate = duplicate_limit(apart, len(features)), 0.0
        if len(held) >= HELD_OUT_IMAGES:
            rate = near_duplicates(distances(held, held), limit)[0] / len(held)
        return cls(
            features,
            labels,
            held,
            held_labels,
            num_classes,
            n_train or len(real.features),
            apart,
            radii,
            distances(features, held) <= radii[:, None] if len(held) else np.zeros((len(features), 0), bool),
            real.logits[some].argmax(axis=1) if known else np.zeros_like(labels),
            known,
            accuracy,
            recall,
            confusion,
            rate,
        )


def checked(features: np.ndarray) -> np.ndarray:
    """features as float64, or UserError bad_features."""
    if not np.isfinite(features).all():
        raise UserError("bad_features", "The features of some images are not finite numbers.", "Look at these images.")
    return np.asarray(features, np.float64)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a [N, D], b [M, D] -> Euclidean distances [N, M], float64; for a few thousand images. Equal rows: 0 but for rounding."""
    center = a.mean(axis=0)
    a, b = a - center, b - center
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * a @ b.T
    return np.sqrt(squares.clip(min=0))


def duplicate_limit(apart: np.ndarray, n: int) -> float:
    """The distance below which two of n images are near duplicates: that of DUPLICATE_PERCENTILE of n reals to their nearest.

    apart [N, N] with an infinite diagonal. Nearest neighbors come closer with more images, so n of them are compared.
    Never below a thousandth of the usual distance: rounding, and reals that are there twice, are not variety.
    """
    rng, found = np.random.default_rng(1), []
    for _ in range(1 if n >= len(apart) else 5):
        rows = rng.permutation(len(apart))[:n]
        nearest = apart[np.ix_(rows, rows)].min(axis=1)
        found.append(max(np.percentile(nearest, DUPLICATE_PERCENTILE), np.median(nearest) / 1000))
    return float(np.mean(found)) + 1e-6 * float(np.median(apart))


def near_duplicates(apart: np.ndarray, limit: float) -> tuple[float, int]:
    """apart [n, n] -> (share of images with a near duplicate among the others, number of such pairs)."""
    close = apart <= limit
    np.fill_diagonal(close, False)
    return float(close.any(axis=1).mean()), int(close.sum()) // 2


def better_than_chance(logits: np.ndarray, labels: np.ndarray, num_classes: int) -> bool:
    """Whether a network's predictions have anything to do with these classes."""
    right, most = (
        (logits.argmax(axis=1) == labels).sum(),
        np.bincount(labels, minlength=num_classes).max() / len(labels),
    )
    return bool(stats.binom.sf(right - 1, len(labels), most) < 1e-3)


def confusion_of(
    logits: np.ndarray, labels: np.ndarray, num_classes: int
) -> tuple[np.ndarray, list[float | None], float]:
    """Held-out logits [M, K] -> (confusion [K, K] with rows of sum 1, recall per class, accuracy)."""
    counts = np.zeros((num_classes, num_classes))
    np.add.at(counts, (labels, logits.argmax(axis=1)), 1)
    there = counts.sum(axis=1)
    recall: list[float | None] = [float(counts[c, c] / there[c]) if there[c] else None for c in range(num_classes)]
    accuracy = float(np.trace(counts) / there.sum())
    confusion = np.where(there[:, None] > 0, counts / np.maximum(there, 1)[:, None], np.eye(num_classes))
    return confusion, recall, accuracy
