"""What counts as a near copy of a training image: one rule for Samples, Evaluate and Export.

An image is a near copy where
  its nearest training image is closer than all but 1 % of the training images are to their nearest other one (`limit`), and
  the next training image is clearly further away (NEXT_TIMES), unless that is a near duplicate of the nearest one, closer to it
  than the image is.
In pixels it is one, too, where the next training image is so much further away (`clear_times`) as for all but 1 % of the training
images: an image that was blurred or brightened lies far from its original, and further from every other image.
A copy is a copy of one image: what lies between several training images is typical, not copied. Distances are Euclidean; in pixels
they are those of registration.py, over small shifts, zooms, mirroring, blur and light. All training images are searched, of every
class.

One limit for the whole training set, not one for each class: the verdict of memorization.py is calibrated with it, and a class of
twenty images, where copying starts, has no percentile of its own. Below LEAST_IMAGES training images only what is equal but for
rounding is a near copy.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_core.errors import Stopped
from gan_core.evaluation.feature_checks import check_features
from gan_core.evaluation.neighbors import few_nearest
from gan_core.evaluation.registration import AT_ONCE as REGISTERED_AT_ONCE
from gan_core.evaluation.registration import Registration

COPY_PERCENTILE = 1.0
NEXT_TIMES = 0.75  # the distance to the nearest training image over that to the next one
CLEAR_TIMES = (
    0.6  # of 60,000 digits and of clothing, 0.1 and 0.3 % of real images lie below it; planted copies at most at 0.54
)
ROUNDING = 5e-4  # distance of equal images after registration
TRAIN_SAMPLE = 1000  # training images whose distance to their nearest other one is measured
LEAST_IMAGES = 20  # training images that a percentile is taken of
SIDE_PIXELS = 32
AT_ONCE = 64  # images that are shrunk together, in the CPU's cache
MOST_VALUES = 30_000_000  # floats of the training set in pixels; a larger one is shrunk further

ShouldStop = Callable[[], bool] | None


class Neighbors(NamedTuple):
    """The nearest training images of N images, nearest first: distance float64, row int64 and flipped bool [N, k]."""

    distance: np.ndarray
    row: np.ndarray
    flipped: np.ndarray

    def of(self, chosen: np.ndarray) -> "Neighbors":
        """Those of some of the images."""
        return Neighbors(*(values[chosen] for values in self))


class TrainingSpace:
    """Training images as vectors float32 [M, D] in which near copies are searched.

    mirror [D]: where the values of a mirrored image come from; None in a space without mirrored images. limit: the distance below
    which an image may be a near copy. own_distances: of a sample of training images to their nearest other one; usual: their
    median, 0 where there is none; equal: the distance below which two images are equal but for rounding. Raises UserError
    bad_features, Stopped.
    """

    def __init__(self, vectors: np.ndarray, mirror: np.ndarray | None = None, should_stop: ShouldStop = None):
        check_features(vectors, vectors, at_least=1)
        self.vectors, self.mirror, self.should_stop = np.asarray(vectors, np.float32), mirror, should_stop
        self.squares = np.einsum("nd,nd->n", self.vectors, self.vectors)
        self.calibrate(0.0)

    def calibrate(self, rounding: float) -> None:
        """Take the limits from a sample of training images. rounding: the distance of equal images."""
        self.own_distances, self.usual, self.clear_times = np.empty(0), 0.0, 0.0
        next_distances = np.empty(0)
        if len(self.vectors) > 1:
            sample = np.sort(np.random.default_rng(0).permutation(len(self.vectors))[:TRAIN_SAMPLE])
            near = self.neighbors_of(sample).distance
            self.own_distances, next_distances = near[:, 0], near[:, -1]
            self.usual = float(np.median(self.own_distances))
        self.equal = max(rounding, self.usual / 1000)
        self.limit = self.equal
        if len(self.vectors) >= LEAST_IMAGES:
            self.limit = max(self.limit, float(np.percentile(self.own_distances, COPY_PERCENTILE)))
            times = self.own_distances / np.maximum(next_distances, 1e-12)
            self.clear_times = min(CLEAR_TIMES, float(np.percentile(times, COPY_PERCENTILE)))

    def own_distance(self, rows: np.ndarray) -> np.ndarray:
        """rows [n] of training images -> the distance of each to its nearest other one [n]; needs 2 training images."""
        distance, found = few_nearest(self.vectors[rows], self.vectors, self.squares, 2, self.should_stop)
        return np.where(found[:, 0] == rows, distance[:, 1], distance[:, 0])  # an equal image may come first

    def points(self, vectors: np.ndarray) -> np.ndarray:
        """The vectors of this space of what `neighbors` is given."""
        return vectors

    def neighbors_of(self, rows: np.ndarray, k: int = 2) -> Neighbors:
        """Of training images; none is its own neighbor."""
        return self.search(self.vectors[rows], k, rows)

    def neighbors(self, vectors: np.ndarray, k: int = 2) -> Neighbors:
        """vectors [N, D] -> their k nearest training images, each in its nearer orientation; fewer where there are not k."""
        return self.search(vectors, k, None)

    def search(self, vectors: np.ndarray, k: int, own: np.ndarray | None) -> Neighbors:
        check_features(vectors, vectors, at_least=0)
        others = len(self.vectors) - (own is not None)
        searched = min(k + (own is not None), len(self.vectors))
        views = [vectors] if self.mirror is None else [vectors, vectors[:, self.mirror]]
        found = [few_nearest(view, self.vectors, self.squares, searched, self.should_stop) for view in views]
        distance, row = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
        flipped = np.broadcast_to(np.arange(distance.shape[1]) >= searched, distance.shape)
        if own is not None:
            distance[row == own[:, None]] = np.inf
        if len(views) > 1:  # a training image found in both orientations counts in the nearer one
            straight, turned = distance[:, :searched, None], distance[:, None, searched:]
            same = row[:, :searched, None] == row[:, None, searched:]
            further = same & (turned < straight), same & (straight <= turned)
            distance[np.concatenate([further[0].any(axis=2), further[1].any(axis=1)], axis=1)] = np.inf
        order = np.lexsort((row, distance), axis=1)[:, : min(k, others)]
        return Neighbors(*(np.take_along_axis(values, order, axis=1) for values in (distance, row, flipped)))

    def copies(self, found: Neighbors) -> np.ndarray:
        """Which of N images are near copies, bool [N]. found: their 2 nearest training images, or more."""
        nearest = found.distance[:, 0]
        near = nearest <= self.limit
        if found.distance.shape[1] < 2:
            return near
        alone = nearest < NEXT_TIMES * found.distance[:, 1]
        doubtful = np.flatnonzero(near & ~alone)
        if len(doubtful):
            own = self.own_distance(found.row[doubtful, 0])
            alone[doubtful] = own <= np.maximum(self.equal, NEXT_TIMES * nearest[doubtful])
        return near & alone


class PixelSpace(TrainingSpace):
    """The space of registered pixels. train_images uint8 [M, S, S, C], M at least 1; see registration.py.

    rows: of the training images that are searched, None for all; Neighbors.row counts among them.
    """

    def __init__(self, train_images: np.ndarray, should_stop: ShouldStop = None, rows: np.ndarray | None = None):
        self.should_stop = should_stop
        self.stop_if_asked()
        self.registration = Registration(train_images, rows)
        self.vectors = self.registration.vectors
        self.own = np.full(len(self.vectors), np.nan)
        self.calibrate(ROUNDING)

    def stop_if_asked(self) -> None:
        if self.should_stop and self.should_stop():
            raise Stopped

    def points(self, images: np.ndarray) -> np.ndarray:
        """uint8 [N, S, S, C] -> float32 [N, D]."""
        parts = [self.registration.views.plain_view(images[at : at + AT_ONCE]) for at in range(0, len(images), AT_ONCE)]
        return np.concatenate([self.vectors[:0].astype(np.float32), *parts])

    def own_distance(self, rows: np.ndarray) -> np.ndarray:
        new = np.unique(rows[np.isnan(self.own[rows])])
        self.own[new] = self.neighbors_of(new, 1).distance[:, 0]
        return self.own[rows]

    def neighbors_of(self, rows: np.ndarray, k: int = 2) -> Neighbors:
        return self.registered(lambda some: self.registration.pixels(rows[some]), len(rows), k, rows)

    def neighbors(self, images: np.ndarray, k: int = 2) -> Neighbors:
        """uint8 [N, S, S, C] -> their k nearest training images, at most registration.CANDIDATES."""
        return self.registered(lambda some: np.asarray(images[some]), len(images), k, None)

    def registered(
        self, pixels: Callable[[slice], np.ndarray], count: int, k: int, own: np.ndarray | None
    ) -> Neighbors:
        parts = [Neighbors(np.empty((0, k)), np.empty((0, k), np.int64), np.empty((0, k), bool))] if not count else []
        for start in range(0, count, REGISTERED_AT_ONCE):
            self.stop_if_asked()
            some = slice(start, min(start + REGISTERED_AT_ONCE, count))
            parts.append(Neighbors(*self.registration.nearest(pixels(some), k, None if own is None else own[some])))
        return Neighbors(*(np.concatenate(values) for values in zip(*parts, strict=True)))

    def copies(self, found: Neighbors) -> np.ndarray:
        copied = super().copies(found)
        if found.distance.shape[1] < 2:
            return copied
        return copied | (found.distance[:, 0] < self.clear_times * found.distance[:, 1])


def pixel_side(images: np.ndarray) -> int:
    """The side that images are shrunk to: SIDE_PIXELS, or less where the training set is large."""
    side = min(images.shape[1], SIDE_PIXELS)
    while side > 8 and len(images) * side * side * images.shape[3] > MOST_VALUES:
        side //= 2
    return side


def in_pixels(images: np.ndarray, side: int, rows: np.ndarray | None = None) -> np.ndarray:
    """uint8 [N, H, W, C] -> float32 [N, side * side * C]: means of equal blocks, what is left over at the border cut off.

    rows: only these images, None for all.
    """
    step, channels = images.shape[1] // side, images.shape[3]
    out = np.empty((len(images) if rows is None else len(rows), side * side * channels), np.float32)
    for start in range(0, len(out), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        block = images[some if rows is None else rows[some]][:, : side * step, : side * step]
        parts = block.reshape(len(block), side, step, side, step, channels)
        sums = sum(parts[:, :, y, :, x].astype(np.float32) for y in range(step) for x in range(step))
        out[start : start + len(block)] = np.reshape(sums, (len(block), -1)) / np.float32(step * step)
    return out


def mirrored(side: int, channels: int) -> np.ndarray:
    """Where the values of a mirrored image come from [side * side * C]."""
    return np.arange(side * side * channels).reshape(side, side, channels)[:, ::-1].reshape(-1)
