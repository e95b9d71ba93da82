"""Near duplicates among generated images: each new one is compared with the good images before it."""

from collections.abc import Iterable

import numpy as np

from gan_core.evaluation.near_copies import COPY_PERCENTILE, TRAIN_SAMPLE
from gan_core.evaluation.neighbors import few_nearest

WINDOW = 500  # images kept last, at least, that a new one is compared with


class RecentImages:
    """The pixels of the good images that came last, as many as the window has places. limit: the distance of near duplicates."""

    def __init__(self, window: int, values: int, limit: float):
        self.limit, self.seen = limit, 0
        self.pixels = np.empty((window, values), np.float32)  # a ring
        self.squares = np.empty(window, np.float32)

    def duplicates(self, pixels: np.ndarray, rows: Iterable[int]) -> list[int]:
        """Those of the rows of pixels [n, values] that are near duplicates of an image before them; the others are remembered."""
        good = np.asarray(list(rows), np.int64)
        nearest = np.full(len(pixels), np.inf)
        if len(good) and self.seen:
            there = min(self.seen, len(self.pixels))
            nearest[good] = few_nearest(pixels[good], self.pixels[:there], self.squares[:there], 1)[0][:, 0]
        new: list[int] = []
        found: list[int] = []
        for row in good.tolist():
            apart = np.linalg.norm(pixels[new] - pixels[row], axis=1).min() if new else np.inf
            (found if min(nearest[row], apart) <= self.limit else new).append(row)
        places = (self.seen + np.arange(len(new))) % len(self.pixels)
        self.pixels[places], self.squares[places] = pixels[new], np.square(pixels[new]).sum(1)
        self.seen += len(new)
        return found


def some_rows(count: int) -> np.ndarray:
    """At most TRAIN_SAMPLE of so many rows, the same at every call. Near duplicates are compared as they are, not mirrored."""
    return np.sort(np.random.default_rng(0).permutation(count)[:TRAIN_SAMPLE])


def duplicate_limit(near: np.ndarray, n: int, window: int) -> float:
    """The distance that COPY_PERCENTILE of images come to the nearest of `window` others. near: that of n images to theirs.

    Nearest distances follow a Weibull law where points fill a space evenly (a pair is as close as d with a chance that goes by
    a power of d); its power is read off the 10th and 50th percentile, which few images already tell.
    """
    low, middle = np.percentile(near, [10, 50])
    if low <= 0:
        return 0.0
    hazard = -np.log1p(-np.array([0.1, 0.5, COPY_PERCENTILE / 100]))
    power = np.log(hazard[1] / hazard[0]) / max(np.log(middle / low), 1e-3)
    return float(low * (hazard[2] * n / window / hazard[0]) ** (1 / max(power, 1.0)))
