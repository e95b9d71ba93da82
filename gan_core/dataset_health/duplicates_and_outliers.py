"""Faults that are found by comparing images with each other: near duplicates, outliers of a class, images like another class.

Each image is seen in two ways. pixels: shrunk to SIDE px, its mean taken off, scaled to length 1; the distance of two is
then sqrt(2 (1 - r)), r their correlation, so that brightness, contrast and what a JPEG loses hardly count. features: those of
a classifier, which see what is shown, scaled to length 1 too: with their lengths left in, images with much in them would be the
outliers. A near duplicate is near in both. (Near copies of training images among generated ones: evaluation/near_copies.py.)
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_core.errors import Stopped
from gan_core.evaluation.neighbors import QUERY_ROWS, distance_blocks, nearest

SIDE = 16  # px
NEAREST = 5  # of its own class: how far an image lies from the rest, and how near images of a class come to each other
LEAST_OF_CLASS = 20  # a smaller class has no outliers: its quartiles say nothing
# Tukey's fence, in interquartile ranges above the upper quartile. Of images of trashnet put among clothing, and the reverse,
# six in ten lie beyond 1.5 and none beyond 3; of a class's own images three in a thousand lie beyond 1.5.
FENCE = 1.5
AMONG, ALIKE = 10, 9  # of so many nearest images so many are of one other class
# A pair is near where PIXEL_WEIGHT * (distance in pixels) + (distance in features) <= LINE, each over what is usual in the class,
# so that a smooth class, where all lie close, is not all copies. On clothing at 64 px one image under two labels lies at 0.2 and
# the next pair, of two shirts, at 1.9; on trashnet at 128 px images taken twice in a row reach to 1.6, where others begin.
# Among 20,000 of Fashion-MNIST at 28 px five pairs lie below 0.7, all the same thing twice, and other things begin at 1.53.
# Planted copies (relit, mirrored, JPEG of quality 40 and 75, halved) lie below 1.5 in 83 to 100 of 100; at 28 px the halved do not.
PIXEL_WEIGHT, LINE = 4.0, 1.5
PIXELS = 0.2  # and r = 0.98 at least, which is all that speaks in a class too small to have a usual distance
PAIRS_AT_ONCE = 4096
MOST_PAIRS = 500_000  # that are kept; where a set is one image many times there are as many as its square
TINY = 1e-6  # of a class that is one image many times

ShouldStop = Callable[[], bool] | None


class Views(NamedTuple):
    """pixels float32 [N, SIDE * SIDE * C] of `thumbnails`; features of length 1 [N, D]; labels [N]; flat bool [N]."""

    pixels: np.ndarray
    features: np.ndarray
    labels: np.ndarray
    flat: np.ndarray


class Pairs(NamedTuple):
    """Near duplicates, the nearest first. rows int64 [P, 2], the smaller first; mirrored bool [P]; unlike float32 [P]: how far
    apart they are, at most LINE. cut: there were more, and these are the nearest.
    """

    rows: np.ndarray
    mirrored: np.ndarray
    unlike: np.ndarray
    cut: bool = False

    def where(self, chosen: np.ndarray) -> "Pairs":
        return Pairs(self.rows[chosen], self.mirrored[chosen], self.unlike[chosen], self.cut)


class KeepOne(NamedTuple):
    """Rows to leave out so that one of each group of copies stays, int64. leaked: images of groups that lie in several splits,
    of another split than the one that stays. stays: the image of its group that each of them leaves.
    """

    leaked: np.ndarray
    repeated: np.ndarray
    stays: dict[int, int]


def thumbnails(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """images uint8 [*, H, W, C] -> float32 [len(rows), SIDE * SIDE * C] of mean 0 and length 1; a flat image is all zeros."""
    import cv2

    channels = images.shape[3]
    out = np.empty((len(rows), SIDE * SIDE * channels), np.float32)
    for place, row in enumerate(rows):
        small = cv2.resize(np.asarray(images[row], np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        out[place] = small.reshape(-1)
    out -= out.mean(axis=1, keepdims=True)
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.divide(out, length, out=np.zeros_like(out), where=length > 0)


def of_length_one(features: np.ndarray) -> np.ndarray:
    """float32 [N, D]."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.divide(features, length, out=np.zeros_like(features), where=length > 0)


def others(vectors: np.ndarray, k: int, should_stop: ShouldStop = None) -> tuple[np.ndarray, np.ndarray]:
    """vectors [N, D], N above k -> distances [N, k] to the nearest other rows, nearest first, and these rows [N, k]. Stopped."""
    parts = []
    for start in range(0, len(vectors), QUERY_ROWS):
        if should_stop and should_stop():
            raise Stopped
        distances, rows = nearest(vectors[start : start + QUERY_ROWS], vectors, k + 1)
        itself = rows == np.arange(start, start + len(rows))[:, None]
        order = np.argsort(itself, axis=1, kind="stable")[:, :k]  # itself last
        parts.append((np.take_along_axis(distances, order, axis=1), np.take_along_axis(rows, order, axis=1)))
    distances, rows = (np.concatenate(part) for part in zip(*parts, strict=True))
    return distances, rows


def within_class(vectors: np.ndarray, labels: np.ndarray, should_stop: ShouldStop = None) -> np.ndarray:
    """float32 [N, NEAREST]: distances to the nearest others of the same class; NaN in a class too small to have them."""
    found = np.full((len(vectors), NEAREST), np.nan, np.float32)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) > NEAREST:
            found[rows] = others(vectors[rows], NEAREST, should_stop)[0]
    return found


def usual(near: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float32 [N]: how near images of its class usually come to each other; infinite for a class too small to say.

    near [N, NEAREST] of within_class. The furthest of them, so that a class in which everything is there twice is not its own
    measure.
    """
    levels = np.full(len(near), np.inf, np.float32)
    for label in np.unique(labels):
        rows = labels == label
        known = near[rows, -1][np.isfinite(near[rows, -1])]
        if len(known):
            levels[rows] = max(float(np.median(known)), TINY)
    return levels


def near_duplicates(views: Views, near_features: np.ndarray, should_stop: ShouldStop = None) -> Pairs:
    """Every pair of images that are the same but for size, compression, light or mirroring; across classes and splits too.

    near_features: of within_class. Raises Stopped.
    """
    pixels, labels = views.pixels, views.labels
    usual_pixels, usual_features = (
        usual(within_class(pixels, labels, should_stop), labels),
        usual(near_features, labels),
    )
    line = np.minimum(PIXELS, LINE / PIXEL_WEIGHT * usual_pixels)
    line[views.flat] = -1.0
    mirror = np.arange(pixels.shape[1]).reshape(SIDE, SIDE, -1)[:, ::-1].reshape(-1)
    found = Nearest(len(pixels), MOST_PAIRS)
    for mirrored, queries in ((False, pixels), (True, pixels[:, mirror])):
        for distances, q, b in distance_blocks(queries, pixels, upper_half=True, should_stop=should_stop):
            first, second = np.nonzero(distances <= np.minimum(line[q][:, None], line[b]))
            apart = distances[first, second]
            first, second = first + q.start, second + b.start
            for start in range(0, len(first), PAIRS_AT_ONCE):
                i, j = first[start : start + PAIRS_AT_ONCE], second[start : start + PAIRS_AT_ONCE]
                unlike = np.linalg.norm(views.features[i] - views.features[j], axis=1)
                unlike /= np.minimum(usual_features[i], usual_features[j])
                unlike += (
                    PIXEL_WEIGHT * apart[start : start + PAIRS_AT_ONCE] / np.minimum(usual_pixels[i], usual_pixels[j])
                )
                near = (i < j) & (unlike <= LINE)
                found.add(i[near], j[near], unlike[near], mirrored)
    return found.pairs()


class Nearest:
    """The nearest `most` pairs of those that are added, each once and in its nearer form, of `count` rows; holds twice as many."""

    def __init__(self, count: int, most: int):
        self.count, self.most, self.cut, self.new = count, most, False, 0
        self.parts = [
            (np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, bool))
        ]  # i * count + j, unlike, mirrored

    def add(self, i: np.ndarray, j: np.ndarray, unlike: np.ndarray, mirrored: bool) -> None:
        self.parts.append((i.astype(np.int64) * self.count + j, unlike.astype(np.float64), np.full(len(i), mirrored)))
        self.new += len(i)
        if self.new > self.most:
            self.settle()

    def settle(self) -> None:
        pair, unlike, mirrored = (np.concatenate(part) for part in zip(*self.parts, strict=True))
        order = np.lexsort((mirrored, unlike, pair))
        order = order[np.diff(pair[order], prepend=-1) > 0]  # the first of each pair
        self.cut |= len(order) > self.most
        order = order[np.lexsort((pair[order], unlike[order]))[: self.most]]
        self.parts, self.new = [(pair[order], unlike[order], mirrored[order])], 0

    def pairs(self) -> Pairs:
        self.settle()
        ((pair, unlike, mirrored),) = self.parts
        return Pairs(np.stack(np.divmod(pair, self.count), axis=1), mirrored, unlike.astype(np.float32), self.cut)


def keep_one(pairs: Pairs, splits: np.ndarray) -> KeepOne:
    """One image of each group stays: the first of the last split that has one, as the import does it. splits int64 [N]."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count, (first, second) = len(splits), pairs.rows.T
    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(count, count))
    group = connected_components(links, directed=False)[1]
    leaked: list[int] = []
    repeated: list[int] = []
    stays_for: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    for row in np.unique(pairs.rows):
        members.setdefault(int(group[row]), []).append(int(row))
    for rows in members.values():
        stays = max(rows, key=lambda row: (splits[row], -row))
        gone = [row for row in rows if row != stays]
        stays_for.update(dict.fromkeys(gone, stays))
        leaked += [row for row in gone if splits[row] != splits[stays]]
        repeated += [row for row in gone if splits[row] == splits[stays]]
    return KeepOne(np.array(sorted(leaked), np.int64), np.array(sorted(repeated), np.int64), stays_for)


def outliers(near: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rows that lie further from their class than its spread explains, int64, the furthest first.

    near [N, NEAREST] of within_class, in features. Beyond Q3 + FENCE * IQR of the mean distances in the class.
    """
    mean, beyond = near.mean(axis=1), np.zeros(len(near))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) < LEAST_OF_CLASS:
            continue
        low, high = np.percentile(mean[rows], (25, 75))
        if high > low:
            beyond[rows] = (mean[rows] - high) / (high - low)
    return np.argsort(-beyond, kind="stable")[: int((beyond > FENCE).sum())]


def suspects(features: np.ndarray, labels: np.ndarray, should_stop: ShouldStop = None) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose nearest images are nearly all of one other class, the clearest first, and that class. Raises Stopped."""
    if len(features) <= AMONG or len(np.unique(labels)) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    neighbors = labels[others(features, AMONG, should_stop)[1]]  # [N, AMONG]
    votes = np.stack([(neighbors == label).sum(axis=1) for label in np.unique(labels)], axis=1)
    most = np.unique(labels)[votes.argmax(axis=1)]
    there = np.bincount(labels)[labels]  # a class that could not fill an image's neighbors proves nothing against it
    rows = np.flatnonzero((votes.max(axis=1) >= ALIKE) & (most != labels) & (there > AMONG))
    rows = rows[np.argsort(-votes[rows].max(axis=1), kind="stable")]
    return rows, most[rows]
