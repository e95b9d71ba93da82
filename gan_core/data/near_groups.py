"""Groups of near duplicates within each class, so that a split never has one of them on either side.

Seen at SIDE x SIDE cells, their mean taken off and scaled to length 1, so that size, compression, light and small changes
hardly count; mirrored too, since many sets come with mirrored copies. The dataset check (dataset_health) asks a network as
well, which is more exact and takes minutes; this takes a small part of the time of an import. What it takes for near and is
not only moves an image to the other side of a split.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SIDE = 8  # cells, as nearly as whole cells allow
POINTS = 8  # a cell is the mean of so many points in a row and column of it, at most
# A pair is near below PIXELS (a correlation of .98) and below USUAL of what is usual between an image of the class and its
# fifth nearest, so that a class in which everything looks alike is not one group.
PIXELS, USUAL, NEAREST, SAMPLED = 0.2, 0.25, 5, 60
LEAST_TO_COMPARE = 8  # images of a class: fewer have no usual distance, only the same image counts
SAME = 0.05
AXES = 12  # of the shadows that are compared first
BLOCK, PAIRS_AT_ONCE = 256, 1 << 16


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
    rows = np.zeros((len(images), side, images.shape[2], images.shape[3]), np.uint16)
    for at in points:
        rows += images[:, at::factor]
    total = np.zeros((len(images), side, side, images.shape[3]), np.uint32)
    for at in points:
        total += rows[:, :, at::factor]
    return (total // len(points) ** 2).astype(np.uint8)


def symmetric(factor: int) -> list[int]:
    """At most POINTS of the points 0 to factor - 1, evenly, the same from either end."""
    if factor <= POINTS:
        return list(range(factor))
    half = [int((at + 0.5) * factor / POINTS - 0.5) for at in range(POINTS // 2)]
    return half + [factor - 1 - at for at in reversed(half)]


def near_groups(small: np.ndarray, labels: np.ndarray, check: Callable[[], None] = lambda: None) -> np.ndarray:
    """int64 [N]: the group of each image, the first row of it. small uint8 [N, cells, cells, C] of `cells`; labels [N].

    check: called after each class; may raise to end it.
    """
    groups = np.arange(len(labels))
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:  # numpy computes outside of Python's lock
        for rows, own in zip(classes, pool.map(lambda rows: groups_of_class(small[rows]), classes), strict=True):
            check()
            groups[rows] = rows[own]
    return groups


def groups_of_class(small: np.ndarray) -> np.ndarray:
    """int64 [n]: of each image of one class the first row of its group."""
    groups = np.arange(len(small))
    for first, second in near_pairs(small):
        join(groups, first, second)
    return groups


def near_pairs(small: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Rows of one class that are near, as arrays of the first and of the second of some pairs.

    Two images are never nearer than their shadows on a few axes: these are compared first, in the order of the first axis.
    """
    vectors = unit(small.reshape(len(small), -1))
    mirrored = unit(small[:, :, ::-1].reshape(len(small), -1))
    shown = np.asarray(vectors.any(axis=1))  # an image of one tone is near to none
    line, axes = line_of(vectors[shown]), main_axes(vectors)
    shadows = vectors @ axes
    order = np.argsort(shadows[:, 0], kind="stable")
    order = order[shown[order]]
    vectors, shadows = vectors[order], np.ascontiguousarray(shadows[order])
    half_square = 0.5 * (shadows**2).sum(axis=1)
    for images in (vectors, mirrored[order]):
        queries = shadows if images is vectors else images @ axes
        limit = 0.5 * ((queries**2).sum(axis=1) - line**2)
        by = np.argsort(queries[:, 0], kind="stable")
        for start in range(0, len(by), BLOCK):
            block = by[start : start + BLOCK]
            # Of themselves only the later ones: each pair once.
            low = start if images is vectors else np.searchsorted(shadows[:, 0], queries[block[0], 0] - line, "left")
            high = np.searchsorted(shadows[:, 0], queries[block[-1], 0] + line, "right")
            alike = queries[block] @ shadows[low:high].T
            alike -= half_square[low:high]
            hits = np.flatnonzero(alike >= limit[block, None])  # much faster than nonzero where there are few
            first, second = block[hits // (high - low)], hits % (high - low) + low
            for some in range(0, len(first), PAIRS_AT_ONCE):
                a, b = first[some : some + PAIRS_AT_ONCE], second[some : some + PAIRS_AT_ONCE]
                near = (a != b) & (np.einsum("ij,ij->i", images[a], vectors[b]) >= 1 - line**2 / 2)
                if near.any():
                    yield order[a[near]], order[b[near]]


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


def main_axes(vectors: np.ndarray) -> np.ndarray:
    """float32 [D, at most AXES]: the directions in which the vectors differ most, of length 1 and at right angles, the first
    of all first."""
    some = vectors[np.linspace(0, len(vectors) - 1, min(10 * SAMPLED, len(vectors))).astype(int)]
    centred = some - some.mean(axis=0)
    return np.ascontiguousarray(np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :AXES])


def join(groups: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
    """Make one group of the two of each pair. groups int64 [N]: of each row the first of its group; changed in place."""
    while (apart := groups[first] != groups[second]).any():
        first, second = first[apart], second[apart]
        lower = np.minimum(groups[first], groups[second])
        np.minimum.at(groups, groups[first], lower)
        np.minimum.at(groups, groups[second], lower)
        while (groups[groups] != groups).any():
            groups[:] = groups[groups]
