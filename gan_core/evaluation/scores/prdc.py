"""Precision and recall (Kynkaanniemi et al., arXiv:1904.06991), density and coverage (Naeem et al., arXiv:2002.09797).

A point's ball reaches to its k-th nearest neighbor on its own side. Precision: the share of fakes inside some real ball;
recall: of reals inside some fake ball; coverage: of reals whose ball holds a fake; density: real balls around a fake, over
k. Balls are open, as in the prdc package (torch-fidelity's are closed): for points in general position it is the same, and
identical sets get a density of exactly 1.
"""

from typing import NamedTuple, TypedDict

import numpy as np

from gan_core.errors import UserError
from gan_core.evaluation.feature_checks import check_features
from gan_core.evaluation.neighbors import ShouldStop, distance_blocks, radii


class ManifoldScores(TypedDict):
    precision: float
    recall: float
    density: float
    coverage: float


class Manifold(NamedTuple):
    """What each single image adds to the scores."""

    real_balls: np.ndarray  # int64 [M]: how many real balls hold this fake
    recalled: np.ndarray  # bool [N]: this real is inside a fake ball
    covered: np.ndarray  # bool [N]: this real's ball holds a fake


def manifold(real: np.ndarray, fake: np.ndarray, k: int, should_stop: ShouldStop = None) -> Manifold:
    """real [N, D], fake [M, D] -> for every image whether it is inside. Three passes over distances, in bounded memory.

    Raises UserError where a side has k images or fewer, a feature is not finite, or the reals are copies of one another,
    so that their balls have no size. Identical fakes are a result (recall 0), not an error. Raises Stopped.
    """
    if real.shape[1:] != fake.shape[1:]:
        raise ValueError(f"real {real.shape} and fake {fake.shape} are not features of one length")
    check_features(real, fake, at_least=k + 1)
    real_radii = radii(real, k, should_stop)
    if not real_radii.any():
        raise UserError(
            "bad_features",
            f"Every real image has {k} others that look the same to the network, so distances say nothing.",
            "Import a set of different images.",
        )
    fake_radii = radii(fake, k, should_stop)
    real_balls = np.zeros(len(fake), np.int64)
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for distances, r, f in distance_blocks(real, fake, should_stop=should_stop):
        inside_real = distances < real_radii[r, None]  # [r, f]
        real_balls[f] += inside_real.sum(axis=0)
        covered[r] |= inside_real.any(axis=1)
        recalled[r] |= (distances < fake_radii[f]).any(axis=1)
    return Manifold(real_balls, recalled, covered)


def manifold_scores(real: np.ndarray, fake: np.ndarray, k: int = 5, should_stop: ShouldStop = None) -> ManifoldScores:
    """real [N, D], fake [M, D] -> the four scores; equal distributions have density 1 and coverage 1 - 2^-k on average."""
    found = manifold(real, fake, k, should_stop)
    return {
        "precision": float((found.real_balls > 0).mean()),
        "recall": float(found.recalled.mean()),
        "density": float(1 / k * found.real_balls.mean()),  # in the order of the prdc package, to the last bit
        "coverage": float(found.covered.mean()),
    }
