"""Groups of near duplicates within each class, so that a split never has one of them on either side.

Seen at SIDE x SIDE cells, their mean taken off and scaled to length 1, so that size, compression, light and small changes
hardly count; mirrored too, since many sets come with mirrored copies. The dataset check (dataset_health) asks a network as
well, which is more exact and takes minutes; this takes a small part of the time of an import. What it takes for near and is
not only moves an image to the other side of a split.
"""

from collections.abc import Callable, Iterable

import numpy as np

SIDE = 8  # cells, as nearly as whole cells allow
POINTS = 8  # a cell is the mean of so many points in a row and column of it, at most
# A pair is near below PIXELS (a correlation of .98) and below USUAL of what is usual between an image of the class and its
# fifth nearest, so that a class in which everything looks alike is not one group.
PIXELS, USUAL, NEAREST, SAMPLED = 0.2, 0.25, 5, 200
LEAST_TO_COMPARE = 8  # images of a class: fewer have no usual distance, only the same image counts
SAME = 0.05
BLOCK = 256


def cells(chunks: Iterable[np.ndarray]) -> np.ndarray:
    """uint8 [n, H, W, C] in chunks -> uint8 [N, cells, cells, C], some 8 x 8 mean values of each image."""
    found = [shrunk(chunk) for chunk in chunks]
    return np.concatenate(found) if found else np.empty((0, SIDE, SIDE, 1), np.uint8)


def shrunk(images: np.ndarray) -> np.ndarray:
    """uint8 [n, H, W, C] -> uint8 [n, cells, cells, C]."""
    factor = max(1, round(images.shape[1] / SIDE))
    side = images.shape[1] // factor
    points = symmetric(factor)
    images = images[:, : side * factor, : side * factor]
    rows = sum(images[:, at::factor].astype(np.uint16) for at in points)
    total = sum(rows[:, :, at::factor].astype(np.uint32) for at in points)
    return (total // len(points) ** 2).astype(np.uint8)


def symmetric(factor: int) -> list[int]:
    """At most POINTS of the points 0 to factor - 1, evenly, the same from either end."""
    if factor <= POINTS:
        return list(range(factor))
    half = [int((at + 0.5) * factor / POINTS - 0.5) for at in range(POINTS // 2)]
    return half + [factor - 1 - at for at in reversed(half)]


def near_groups(small: np.ndarray, labels: np.ndarray, check: Callable[[], None] = lambda: None) -> np.ndarray:
    """int64 [N]: the group of each image, the first row of it. small uint8 [N, cells, cells, C] of `cells`; labels [N].

    check: called between two blocks; may raise to end it.
    """
    groups = np.arange(len(labels))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        own = np.arange(len(rows))
        for first, second in near_pairs(small[rows], check):
            join(own, first, second)
        groups[rows] = rows[own]
    return groups


def near_pairs(small: np.ndarray, check: Callable[[], None]) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Rows of one class that are near, as arrays of the first and of the second of some pairs."""
    vectors = unit(small.reshape(len(small), -1))
    mirrored = unit(small[:, :, ::-1].reshape(len(small), -1))
    shown = vectors.any(axis=1)  # an image of one tone is near to none
    line = line_of(vectors[shown])
    axis = main_axis(vectors)
    place = vectors @ axis
    order = np.argsort(place, kind="stable")
    vectors, place, shown = vectors[order], place[order], shown[order]
    for queries in (vectors, mirrored[order]):
        at = queries @ axis
        by = np.argsort(at, kind="stable")
        for start in range(0, len(by), BLOCK):
            check()
            block = by[start : start + BLOCK]
            # Two vectors are never nearer than their places on one axis.
            low = np.searchsorted(place, at[block[0]] - line, "left")
            high = np.searchsorted(place, at[block[-1]] + line, "right")
            alike = queries[block] @ vectors[low:high].T
            first, second = np.nonzero(alike >= 1 - line**2 / 2)
            first, second = block[first], second + low
            real = (first != second) & shown[first] & shown[second]
            if real.any():
                yield order[first[real]], order[second[real]]


def unit(flat: np.ndarray) -> np.ndarray:
    """float32 [N, D] of mean 0 and length 1; a flat image is all zeros."""
    out = flat.astype(np.float32)
    out -= out.mean(axis=1, keepdims=True)
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.divide(out, length, out=np.zeros_like(out), where=length > 0)


def line_of(vectors: np.ndarray) -> float:
    """The distance below which two images of a class are near."""
    if len(vectors) < LEAST_TO_COMPARE:
        return SAME
    some = vectors[np.linspace(0, len(vectors) - 1, min(SAMPLED, len(vectors))).astype(int)]
    alike = np.partition(some @ vectors.T, -NEAREST - 1, axis=1)[:, -NEAREST - 1]  # the nearest is itself
    usual = float(np.median(np.sqrt(np.maximum(0, 2 - 2 * alike))))
    return max(SAME, min(PIXELS, USUAL * usual))


def main_axis(vectors: np.ndarray) -> np.ndarray:
    """float32 [D] of length 1: roughly the direction in which the vectors differ most, by a few power iterations."""
    centred = vectors - vectors.mean(axis=0)
    axis = np.ones(vectors.shape[1], np.float32) + np.arange(vectors.shape[1], dtype=np.float32) % 7
    for _ in range(8):
        axis = centred.T @ (centred @ axis)
        length = np.linalg.norm(axis)
        if length == 0:
            return np.zeros_like(axis)
        axis /= length
    return axis


def join(groups: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
    """Make one group of the two of each pair. groups int64 [N]: of each row the first of its group; changed in place."""
    while (apart := groups[first] != groups[second]).any():
        first, second = first[apart], second[apart]
        lower = np.minimum(groups[first], groups[second])
        np.minimum.at(groups, groups[first], lower)
        np.minimum.at(groups, groups[second], lower)
        while (groups[groups] != groups).any():
            groups[:] = groups[groups]
