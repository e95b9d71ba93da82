"""Numbers that say how varied a set of generated images is beside real ones; indicators.py says what they mean for a run.

Everything is a function of features (a small classifier's, or any other network's), of a few hundred images a side. Variance and
pairs compare generated with training images; coverage compares them with what held-out images of the same number and classes
reach; near duplicates are counted as in the birthday test of arXiv:1706.08224 (reference.near_duplicates).
"""

import numpy as np
from scipy import stats

from gan_core.evaluation.collapse.reference import HELD_OUT_IMAGES, NEIGHBORS, Reference, distances

CLASS_IMAGES = 8  # of a class on each side: fewer give no number of its own
DRAWS = 2000  # of the null distribution of class shares


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

    real_labels: by what the reals are grouped: as the fakes are, by the requested or by the predicted class.
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
        n, k = len(mine), np.arange(1, NEIGHBORS + 1)
        expected = np.full(n_real, 1 - np.prod((n_real - k) / (n + n_real - k)))  # arXiv:2002.09797, equation 10
    reached = distances(reference.features, fake[mine]) <= reference.radii[:, None]
    return np.asarray(reached.any(axis=1)), expected, n


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
