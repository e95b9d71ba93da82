"""Numbers that say how varied a set of fakes is beside real images; what they mean for a run is said in collapse.py.

Everything is a function of features (a small classifier's, or any other network's), of a few hundred images a side. Variance
and pairs compare fakes with training images; coverage compares them with what held-out images of the same number and classes
reach; near duplicates are counted as in the birthday test of arXiv:1706.08224.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from gan_core.errors import UserError
from gan_core.evaluation.features.extractors import Features

NEIGHBOURS = 5  # k of coverage, as in arXiv:2002.09797
MOST_IMAGES = 2048  # of a side; more say little more and cost its square
CLASS_IMAGES = 8  # of a class on each side: fewer give no number of its own
HELD_OUT_IMAGES = 50  # fewer give no coverage to compare with: its expected value stands in
TWIN_PERCENTILE = 1.0  # two images closer than this share of reals are to their nearest neighbour are near duplicates
DRAWS = 2000  # of the null distribution of class shares


@dataclass(frozen=True)
class Reference:
    """Real images, looked at once. n_train: how many the training set has; by label: entry c of class c.

    labels_known: the network's logits are those of a classifier of these classes, so predictions mean something.
    recall [K] and accuracy: on held-out images, None where there are too few; confusion [K, K]: row c says how held-out
    images of class c are seen, each row sums to 1.
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
    predicted: np.ndarray  # int64 [N], the network's own word; 0 without labels_known
    labels_known: bool
    accuracy: float | None
    recall: list[float | None]
    confusion: np.ndarray
    held_twins: float  # near duplicates' share among held-out images, per image looked at

    @classmethod
    def build(
        cls,
        real: Features,
        real_labels: np.ndarray,
        held_out: Features,
        held_labels: np.ndarray,
        num_classes: int,
        referee_accuracy: float | None = None,
        referee_per_class: list[float | None] | None = None,
        *,
        n_train: int | None = None,
    ) -> "Reference":
        """real: features of train images, held_out: of the test split (may be empty); at most MOST_IMAGES of each are used.

        referee_accuracy, referee_per_class: the classifier's, where the test split is larger than held_out. n_train: images of
        the whole training set, for the estimate of support. Raises UserError too_few_images, bad_features, no_variety.
        """
        rng = np.random.default_rng(0)
        some, others = (rng.permutation(len(f.features))[:MOST_IMAGES] for f in (real, held_out))
        features, labels = checked(real.features[some]), np.asarray(real_labels)[some]
        if len(features) <= NEIGHBOURS + 1:
            what = f"Variety needs more than {NEIGHBOURS + 1} real images, and there are {len(features)}."
            raise UserError("too_few_images", what, "Import more images.")
        held = checked(held_out.features[others]) if len(others) else np.empty((0, features.shape[1]))
        held_labels = np.asarray(held_labels)[others]
        apart = distances(features, features)
        np.fill_diagonal(apart, np.inf)
        radii = np.partition(apart, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]
        if not radii.max() > 0:
            raise UserError("no_variety", "The real images are all alike.", "Look at the images of this data set.")
        known = real.logits.shape[1] == num_classes > 1 and better_than_chance(real.logits[some], labels, num_classes)
        confusion, accuracy = np.eye(num_classes), None
        recall: list[float | None] = [None] * num_classes
        if known and len(held):
            confusion, recall, accuracy = judged(held_out.logits[others], held_labels, num_classes)
        if known and referee_accuracy is not None:
            accuracy, recall = referee_accuracy, list(referee_per_class or recall)
        limit, rate = twin_distance(apart, len(features)), 0.0
        if len(held) >= HELD_OUT_IMAGES:
            rate = twins(distances(held, held), limit)[0] / len(held)
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
    centre = a.mean(axis=0)
    a, b = a - centre, b - centre
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * a @ b.T
    return np.sqrt(squares.clip(min=0))


def spread(features: np.ndarray) -> tuple[float, float]:
    """features [n, D] -> (trace of the covariance, degrees of freedom per image).

    The freedom is Satterthwaite's: n squared distances from the mean with coefficient of variation v add up to about a
    chi-square variable with 2 n / v^2 degrees, so that few images or heavy tails make an estimate loose.
    """
    squares = np.square(features - features.mean(axis=0)).sum(axis=1)
    trace = float(squares.sum() / (len(features) - 1))
    variation = squares.std() / squares.mean() if squares.mean() > 0 else 1.0
    return trace, 2.0 / max(variation, 0.05) ** 2


def variance_ratio(
    reference: Reference, real_labels: np.ndarray, fake: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """fake [n, D], labels [n] -> per class (trace of fakes / trace of reals, chance of one that low among reals); nan: too few.

    real_labels: by what the reals are grouped: as the fakes are, by the label asked for or by the network's word.
    """
    ratio, chance = np.full((2, reference.num_classes), np.nan)
    for c in range(reference.num_classes):
        mine, others = fake[labels == c], reference.features[real_labels == c]
        if min(len(mine), len(others)) < CLASS_IMAGES:
            continue
        trace, freedom = spread(others)
        if trace > 0:
            ratio[c] = spread(mine)[0] / trace
            chance[c] = stats.f.cdf(ratio[c], freedom * len(mine), freedom * len(others))
    return ratio, chance


def pooled_variance_ratio(
    reference: Reference, real_labels: np.ndarray, fake: np.ndarray, labels: np.ndarray
) -> float | None:
    """Within-class variance of all fakes over that of reals in the same shares; for classes too small to have their own."""
    found, expected, freedom = 0.0, 0.0, 0
    for c in np.unique(labels):
        mine, others = fake[labels == c], reference.features[real_labels == c]
        if min(len(mine), len(others)) >= 2:
            found += np.square(mine - mine.mean(axis=0)).sum()
            expected += (len(mine) - 1) * np.square(others - others.mean(axis=0)).sum() / (len(others) - 1)
            freedom += len(mine) - 1
    return float(found / expected) if freedom >= CLASS_IMAGES and expected > 0 else None


def pairwise_ratio(reference: Reference, apart: np.ndarray, labels: np.ndarray | None) -> float | None:
    """Mean distance of two fakes (apart [n, n]) over that of two reals, these weighted to the fakes' class shares."""
    weights = np.ones(len(reference.labels))
    if labels is not None:
        wanted = np.bincount(labels, minlength=reference.num_classes)
        there = np.bincount(reference.labels, minlength=reference.num_classes)
        weights = (wanted / np.maximum(there, 1))[reference.labels]
    pairs = np.outer(weights, weights)
    np.fill_diagonal(pairs, 0)
    real = np.where(pairs > 0, reference.distances, 0)
    real_mean = (real * pairs).sum() / pairs.sum() if pairs.any() else 0
    fake_mean = np.where(np.eye(len(apart), dtype=bool), 0, apart).sum() / (len(apart) * (len(apart) - 1))
    return float(fake_mean / real_mean) if real_mean > 0 else None


def twin_distance(apart: np.ndarray, n: int) -> float:
    """The distance below which two of n images are near duplicates: that of TWIN_PERCENTILE of n reals to their nearest.

    apart [N, N] with an infinite diagonal. Nearest neighbours come closer as images get more, so n of them are looked at.
    Never below a thousandth of the usual distance: rounding, and reals that are there twice, are not variety.
    """
    rng, found = np.random.default_rng(1), []
    for _ in range(1 if n >= len(apart) else 5):
        rows = rng.permutation(len(apart))[:n]
        nearest = apart[np.ix_(rows, rows)].min(axis=1)
        found.append(max(np.percentile(nearest, TWIN_PERCENTILE), np.median(nearest) / 1000))
    return float(np.mean(found)) + 1e-6 * float(np.median(apart))


def twins(apart: np.ndarray, limit: float) -> tuple[float, int]:
    """apart [n, n] -> (share of images with a near duplicate among the others, number of such pairs)."""
    close = apart <= limit
    np.fill_diagonal(close, False)
    return float(close.any(axis=1).mean()), int(close.sum()) // 2


def coverage(reference: Reference, fake: np.ndarray, labels: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, int]:
    """fake [n, D] -> (covered bool [N], expected float [N], images compared).

    A real is covered where a fake lies within its k-NN ball. Expected: whether a held-out image does, of as many as fakes and
    of the same classes; with fewer than HELD_OUT_IMAGES of them the value for two samples of one distribution.
    """
    rng, n_real = np.random.default_rng(2), len(reference.features)
    expected: np.ndarray
    mine, theirs = rng.permutation(len(fake)), rng.permutation(len(reference.held_out))
    if labels is not None and len(theirs):
        picked: list[list[np.ndarray]] = [[], []]
        for c in range(reference.num_classes):
            a, b = mine[labels[mine] == c], theirs[reference.held_labels[theirs] == c]
            n = min(len(a), len(b))
            picked[0].append(a[:n])
            picked[1].append(b[:n])
        mine_matched, theirs = np.concatenate(picked[0]), np.concatenate(picked[1])
    else:
        mine_matched = mine
    n = min(len(mine_matched), len(theirs))
    if n >= HELD_OUT_IMAGES:
        expected = reference.reached[:, theirs[:n]].any(axis=1).astype(float)
        mine = mine_matched[:n]
    else:
        n, k = len(mine), np.arange(1, NEIGHBOURS + 1)
        expected = np.full(n_real, 1 - np.prod((n_real - k) / (n + n_real - k)))  # arXiv:2002.09797, equation 10
    reached = distances(reference.features, fake[mine]) <= reference.radii[:, None]
    return np.asarray(reached.any(axis=1)), expected, n


def better_than_chance(logits: np.ndarray, labels: np.ndarray, num_classes: int) -> bool:
    """Whether a network's predictions have anything to do with these classes."""
    right, most = (
        (logits.argmax(axis=1) == labels).sum(),
        np.bincount(labels, minlength=num_classes).max() / len(labels),
    )
    return bool(stats.binom.sf(right - 1, len(labels), most) < 1e-3)


def judged(logits: np.ndarray, labels: np.ndarray, num_classes: int) -> tuple[np.ndarray, list[float | None], float]:
    """Held-out logits [M, K] -> (confusion [K, K] with rows of sum 1, recall per class, accuracy)."""
    counts = np.zeros((num_classes, num_classes))
    np.add.at(counts, (labels, logits.argmax(axis=1)), 1)
    there = counts.sum(axis=1)
    recall: list[float | None] = [float(counts[c, c] / there[c]) if there[c] else None for c in range(num_classes)]
    accuracy = float(np.trace(counts) / there.sum())
    confusion = np.where(there[:, None] > 0, counts / np.maximum(there, 1)[:, None], np.eye(num_classes))
    return confusion, recall, accuracy


def share_noise(expected: np.ndarray, n_fake: int, n_real: int) -> tuple[float, float]:
    """(median, 99.99th percentile) of the total variation between two samples of the same class shares, by simulation."""
    rng = np.random.default_rng(3)
    truth = rng.dirichlet(expected * n_real + 1e-3, DRAWS)
    drawn = rng.multinomial(n_fake, expected / expected.sum(), DRAWS) / n_fake
    off = np.abs(truth - drawn).sum(axis=1) / 2
    return float(np.median(off)), float(off.mean() + 3.7 * off.std())


def z_sensitivity(images: np.ndarray, labels: np.ndarray) -> float | None:
    """uint8 [N, H, W, C] -> share of the pixels' variance that is left within a label: Var_z(G(z, y)) / Var_yz(G(z, y)).

    None with fewer than two labels that have two images each: with one label it is 1 by definition.
    """
    groups = [group for group in (np.flatnonzero(labels == c) for c in np.unique(labels)) if len(group) >= 2]
    if len(groups) < 2:
        return None
    pixels = np.asarray(images[np.concatenate(groups)], np.float32).reshape(sum(map(len, groups)), -1)
    total = np.square(pixels - pixels.mean(axis=0)).sum() / (len(pixels) - 1)
    within, start = 0.0, 0
    for group in groups:
        mine = pixels[start : start + len(group)]
        within += np.square(mine - mine.mean(axis=0)).sum()
        start += len(group)
    return float(within / (len(pixels) - len(groups)) / total) if total > 0 else 0.0
