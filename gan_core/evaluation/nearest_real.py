"""The real images nearest to each of a few generated ones, in pixels, mirrored or not: what a click on an image shows.

The line of a near copy is that of closeness.py; whether a whole run copies is asked by memorisation.py, of many images.
"""

from typing import NamedTuple

import numpy as np

from gan_core.evaluation.near_copies import COPY_PERCENTILE, NEXT_TIMES, in_pixels, mirrored, pixel_side
from gan_core.evaluation.neighbors import few_nearest

USUAL_SAMPLE = 400  # training images whose own nearest neighbours say what far is
MOST_BYTES = 500_000_000  # of training pixels that are looked at: seconds, not minutes


class Around(NamedTuple):
    """distance float, row int64 (of the training set) and flipped bool [N, k], nearest first; copy bool [N].

    usual: the median distance of a training image to its nearest other, 0 where there are too few; looked_at: training images.
    """

    distance: np.ndarray
    row: np.ndarray
    flipped: np.ndarray
    copy: np.ndarray
    usual: float
    looked_at: int


def around(images: np.ndarray, train_images: np.ndarray, k: int, seed: int = 0) -> Around:
    """images uint8 [N, H, W, C] beside train_images [M, H, W, C], M at least 1; where M is many, a random part is looked at."""
    rng = np.random.default_rng(seed)
    most = max(1, MOST_BYTES // int(np.prod(train_images.shape[1:])))
    everything = np.arange(len(train_images))
    rows = everything if len(everything) <= most else np.sort(rng.permutation(everything)[:most])
    side = pixel_side(train_images)
    train, queries = in_pixels(train_images[rows], side), in_pixels(images, side)
    k = min(k, len(rows))
    mirror = mirrored(side, images.shape[3])
    squares = np.einsum("nd,nd->n", train, train)
    found = [few_nearest(query, train, squares, k) for query in (queries, queries[:, mirror])]
    distance = np.concatenate([distance for distance, _ in found], axis=1)
    place = np.concatenate([place for _, place in found], axis=1)
    flipped = np.arange(distance.shape[1])[None].repeat(len(images), 0) >= found[0][0].shape[1]
    best = np.stack([first_of_each(d, p, k) for d, p in zip(distance, place, strict=True)])
    distance, place, flipped = (np.take_along_axis(values, best, axis=1) for values in (distance, place, flipped))
    usual, copy = 0.0, distance[:, 0] == 0
    if len(rows) > 2:
        some = np.sort(rng.permutation(len(rows))[:USUAL_SAMPLE])
        near = to_the_nearest_other(train, squares, some)
        usual = float(np.median(near))
        limit = max(float(np.percentile(near, COPY_PERCENTILE)), usual / 1000)
        own = to_the_nearest_other(train, squares, place[:, 0])
        alone = (distance[:, 0] < NEXT_TIMES * distance[:, 1]) | (own <= limit)
        copy = (distance[:, 0] <= limit) & alone
    return Around(distance, rows[place], flipped, copy, usual, len(rows))


def to_the_nearest_other(train: np.ndarray, squares: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """train [M, D] with squared lengths [M], M at least 2 -> for some of its rows [n] the distance to the nearest other one."""
    distance, found = few_nearest(train[rows], train, squares, 2)
    return np.where(found[:, 0] == rows, distance[:, 1], distance[:, 0])  # an equal image may come before it


def first_of_each(distance: np.ndarray, place: np.ndarray, k: int) -> np.ndarray:
    """Of one image, [m] distances to training images of which some come twice: where the k nearest different ones stand."""
    order = np.argsort(distance, kind="stable")
    _, first = np.unique(place[order], return_index=True)
    return order[np.sort(first)[:k]]
