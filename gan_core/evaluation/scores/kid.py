"""Kernel distance: unbiased squared MMD, cubic kernel (Binkowski et al., arXiv:1801.01401); KID on Inception-v3.

Departs from the paper's code, which reports the spread over subsets that overlap: such subsets share images, so their
spread says nothing about the error of their mean. Here the blocks are disjoint, hence independent, and a t-interval
over them holds.
"""

from typing import TypedDict

import numpy as np
from scipy import stats

from gan_core.evaluation.feature_checks import check_features

MIN_IMAGES = 20  # two blocks of ten: fewer give no interval
MIN_BLOCK_IMAGES, MAX_BLOCK_IMAGES = 10, 1000
WANTED_BLOCKS = 10  # a 95 % interval reaches 12.7 standard errors with 2 blocks, 2.3 with 10


class KernelDistance(TypedDict):
    kid: float
    kid_ci: list[float]


def kernel_distance(real: np.ndarray, fake: np.ndarray, seed: int) -> KernelDistance:
    """real [N, D], fake [M, D] -> the mean over disjoint blocks and its 95 % interval. May be negative: it is unbiased.

    seed: how images are dealt to blocks. Raises UserError below 20 images on a side or where a feature is not finite.
    """
    check_features(real, fake, at_least=MIN_IMAGES)
    n = min(len(real), len(fake))
    block_images = min(MAX_BLOCK_IMAGES, max(MIN_BLOCK_IMAGES, n // WANTED_BLOCKS))
    rng, blocks = np.random.default_rng(seed), n // block_images
    real_blocks = np.array_split(rng.permutation(len(real)), blocks)
    fake_blocks = np.array_split(rng.permutation(len(fake)), blocks)
    values = np.array([squared_mmd(real[r], fake[f]) for r, f in zip(real_blocks, fake_blocks, strict=True)])
    mean = float(values.mean())
    reach = float(stats.t.ppf(0.975, blocks - 1) * values.std(ddof=1) / np.sqrt(blocks))
    return {"kid": mean, "kid_ci": [mean - reach, mean + reach]}


def squared_mmd(real: np.ndarray, fake: np.ndarray) -> float:
    """real [N, D], fake [M, D] -> the unbiased estimate with k(x, y) = (x.y / D + 1)^3, in float64."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    within = off_diagonal_mean(cubic(real, real)) + off_diagonal_mean(cubic(fake, fake))
    return within - 2 * float(cubic(real, fake).mean())


def squared_mmd_error(real: np.ndarray, fake: np.ndarray) -> float:
    """Standard error of `squared_mmd` over samples of fake [M, D], M >= 2, with the same real [N, D].

    Of the first order: the influence of each fake on the U-statistic (Gretton et al., JMLR 13, 2012; arXiv:1611.04488). The real
    images are the same in all checks of a run, so their part of the error does not count between two of them.
    """
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    n, among = len(fake), cubic(fake, fake)
    influence = (among.sum(axis=1) - among.diagonal()) / (n - 1) - cubic(fake, real).mean(axis=1)
    return float(2 * influence.std(ddof=1) / np.sqrt(n))


def cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def off_diagonal_mean(kernel: np.ndarray) -> float:
    n = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (n * (n - 1)))
