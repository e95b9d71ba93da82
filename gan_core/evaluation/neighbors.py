"""Exact Euclidean distances and nearest neighbors, block by block: memory does not grow with the number of images.

|x - y|^2 = |x|^2 + |y|^2 - 2 x.y in float64 by matrix products, rounded to float32 at the end: what is equal in exact
arithmetic is then nearly always equal as a number, so a copy of a neighbor is a tie and not chance. Single
precision throughout would be twice as fast, and would lose the distances of near-duplicates in the rounding of |x|^2.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.feature_checks import check_features

QUERY_ROWS, BASE_ROWS = 2048, 4096  # a block of distances has 64 MB
CACHED_ROWS = 32  # of a block, worked on while they are in the CPU's cache: half the time of whole blocks
BLOCK_VALUES = 8_000_000  # single-precision distances that few_nearest holds at a time
SPARE = 4
SAME = 1e-12  # |x - y|^2 below this times |x|^2 + |y|^2 is rounding of float32 features: the same point


ShouldStop = Callable[[], bool] | None  # asked before each block; Stopped is raised where it says so


class Block(NamedTuple):
    distances: np.ndarray  # float32 [q, b]
    queries: slice  # which rows of the queries
    base: slice  # which rows of the base


def distance_blocks(
    queries: np.ndarray, base: np.ndarray, upper_half: bool = False, should_stop: ShouldStop = None
) -> Iterator[Block]:
    """queries [N, D], base [M, D] -> all N x M distances, in blocks; every block of one range of queries in a row.

    upper_half: where queries and base are the same rows, leave out the columns before the rows of a block: every pair
    (i, j) is then seen at least once. Raises Stopped.
    """
    base_squares = np.concatenate(
        [squares(base[start : start + BASE_ROWS]) for start in range(0, len(base), BASE_ROWS)]
    )
    for q in range(0, len(queries), QUERY_ROWS):
        x = queries[q : q + QUERY_ROWS].astype(np.float64)
        x_squares = squares(x)[:, None]
        x *= -2
        for b in range(q if upper_half else 0, len(base), BASE_ROWS):
            if should_stop and should_stop():
                raise Stopped
            y = base[b : b + BASE_ROWS].astype(np.float64)
            products = x @ y.T  # -2 x.y [q, b]
            distances = np.empty(products.shape, np.float32)
            for r in range(0, len(x), CACHED_ROWS):
                squared, both = (
                    products[r : r + CACHED_ROWS],
                    x_squares[r : r + CACHED_ROWS] + base_squares[b : b + len(y)],
                )
                squared += both
                both *= SAME
                np.copyto(squared, 0, where=squared <= both)
                distances[r : r + CACHED_ROWS] = np.sqrt(squared, out=squared)
            yield Block(distances, slice(q, q + len(x)), slice(b, b + len(y)))


def squares(rows: np.ndarray) -> np.ndarray:
    """rows [N, D] -> squared lengths [N] in float64."""
    rows = rows.astype(np.float64)
    return np.einsum("nd,nd->n", rows, rows)


def nearest(
    queries: np.ndarray, base: np.ndarray, k: int = 1, skip_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """queries [N, D], base [M, D] -> distances float32 [N, k], nearest first, and their rows of the base, int64 [N, k].

    skip_self: queries and base are the same rows, and none is its own neighbor (a duplicate in another row is).
    Raises UserError where the base has fewer than k other rows or a value is not finite.
    """
    if queries.ndim != 2 or base.ndim != 2 or queries.shape[1] != base.shape[1]:
        raise ValueError(f"queries {queries.shape} and base {base.shape} are not vectors of one length")
    if skip_self and len(queries) != len(base):
        raise ValueError("skip_self needs queries and base to be the same rows")
    if len(base) < k + skip_self:
        raise UserError(
            "too_few_images",
            f"{k} nearest neighbors need at least {k + skip_self} images, and there are {len(base)}.",
            "Sample or import more images.",
        )
    check_features(queries, base, at_least=0)
    distances = np.full((len(queries), k), np.inf, np.float32)
    rows = np.full((len(queries), k), -1, np.int64)
    for block in distance_blocks(queries, base):
        q, d = block.queries, block.distances
        if skip_self:
            forget_self(d, q, block.base)
        few = (
            np.argpartition(d, k - 1, axis=1)[:, :k]
            if k < d.shape[1]
            else np.arange(d.shape[1])[None].repeat(len(d), 0)
        )
        found = np.concatenate([distances[q], np.take_along_axis(d, few, axis=1)], axis=1)
        found_rows = np.concatenate([rows[q], few + block.base.start], axis=1)
        order = np.lexsort((found_rows, found), axis=1)[:, :k]  # by distance, equal ones by row
        distances[q] = np.take_along_axis(found, order, axis=1)
        rows[q] = np.take_along_axis(found_rows, order, axis=1)
    return distances, rows


def few_nearest(
    queries: np.ndarray, base: np.ndarray, squares: np.ndarray, k: int, should_stop: ShouldStop = None
) -> tuple[np.ndarray, np.ndarray]:
    """queries [n, D], base [m, D] with squared lengths [m] -> distances float64 [n, k], nearest first, and rows int64 [n, k].

    Found in single precision with SPARE more, measured in double: a copy must not look some levels away because of rounding.
    Faster than `nearest` where the same base is searched often; fewer than k where the base is smaller. Raises Stopped.
    """
    searched, k = min(k + SPARE, len(base)), min(k, len(base))
    distances, rows = np.empty((len(queries), k)), np.empty((len(queries), k), np.int64)
    step = max(1, BLOCK_VALUES // len(base))
    for start in range(0, len(queries), step):
        if should_stop and should_stop():
            raise Stopped
        block = np.asarray(queries[start : start + step], np.float32)
        order = squares - 2 * block @ base.T  # |x - y|^2 but for |x|^2
        near = (
            np.argpartition(order, searched - 1, axis=1)[:, :searched]
            if searched < len(base)
            else np.tile(np.arange(len(base)), (len(block), 1))
        )
        exact = np.stack([np.linalg.norm(base[column].astype(np.float64) - block, axis=1) for column in near.T], axis=1)
        first = np.lexsort((near, exact), axis=1)[:, :k]  # by distance, equal ones by row
        distances[start : start + step] = np.take_along_axis(exact, first, axis=1)
        rows[start : start + step] = np.take_along_axis(near, first, axis=1)
    return distances, rows


def forget_self(distances: np.ndarray, queries: slice, base: slice) -> None:
    """In a block between a set and itself, put every row infinitely far from itself."""
    own = np.arange(max(queries.start, base.start), min(queries.stop, base.stop))
    distances[own - queries.start, own - base.start] = np.inf


def radii(rows: np.ndarray, k: int, should_stop: ShouldStop = None) -> np.ndarray:
    """rows [N, D] -> float32 [N], the distance to the k-th nearest other row; as `nearest`, with half the products.

    Raises UserError where there are fewer than k others or a value is not finite; Stopped.
    """
    check_features(rows, rows, at_least=k + 1)
    best = np.full((len(rows), k), np.inf, np.float32)

    def take(own: slice, distances: np.ndarray) -> None:
        """distances [len(own), m] may hold the k nearest of the rows `own`."""
        near = np.partition(distances, k - 1, axis=1)[:, :k] if k < distances.shape[1] else distances
        best[own] = np.partition(np.concatenate([best[own], near], axis=1), k - 1, axis=1)[:, :k]

    for d, q, b in distance_blocks(rows, rows, upper_half=True, should_stop=should_stop):
        forget_self(d, q, b)
        take(q, d)
        # The rows that come later do not meet these again: they take their side of the pairs now.
        if b.stop > q.stop:
            beyond = slice(max(b.start, q.stop), b.stop)
            take(beyond, np.ascontiguousarray(d[:, beyond.start - b.start :].T))
    return best.max(axis=1)
