"""How close fakes come to training images in one feature space, beside held-out images; the verdict is in memorisation.py.

The lines and their reasons stand in the table there.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import stats

from gan_core.errors import Stopped
from gan_core.evaluation.neighbors import nearest
from gan_core.evaluation.vocabulary import AUTHENTICITY, CT_Z, MEDIAN_RATIO, NEAR_COPIES

CHANCE = 1e-4
COPY_PERCENTILE = 1.0
NEXT_TIMES = (
    0.75  # a copy is a copy of one image: the next one, unless it is a twin of the first, is further than 1 / this
)
TRAIN_SAMPLE = 1000  # training images whose own nearest neighbours say what close is
LEAST_IMAGES = 20  # fakes, and training images; with fewer held-out images training images stand in, see held_out_of
CELL_IMAGES = 20  # of each side in a cell of the space
SIDE_PIXELS = 32
MOST_VALUES = 30_000_000  # floats of the training set in pixels; a larger one is shrunk further


class Near(NamedTuple):
    """Nearest training images of a set: distance [N], that of the next one [N], row of the training set [N], flipped bool [N]."""

    distance: np.ndarray
    second: np.ndarray
    row: np.ndarray
    flipped: np.ndarray


class Space(NamedTuple):
    """What one feature space says; levels of its two alarms, see the table above."""

    numbers: dict[str, float | None]
    copies: str
    shift: str
    fake: Near
    held_out: Near


def pixel_side(images: np.ndarray) -> int:
    """The side that images are shrunk to: SIDE_PIXELS, or less where the training set is large."""
    side = min(images.shape[1], SIDE_PIXELS)
    while side > 8 and len(images) * side * side * images.shape[3] > MOST_VALUES:
        side //= 2
    return side


def in_pixels(images: np.ndarray, side: int) -> np.ndarray:
    """uint8 [N, H, W, C] -> float32 [N, side * side * C]: means of equal blocks, what is left over at the border cut off."""
    step, channels = images.shape[1] // side, images.shape[3]
    out = np.empty((len(images), side * side * channels), np.float32)
    for start in range(0, len(images), 1000):
        block = np.asarray(images[start : start + 1000, : side * step, : side * step], np.float32)
        block = block.reshape(len(block), side, step, side, step, channels).mean(axis=(2, 4))
        out[start : start + len(block)] = block.reshape(len(block), -1)
    return out


def mirrored(side: int, channels: int) -> np.ndarray:
    """The order of the values of a mirrored image [side * side * C]."""
    return np.arange(side * side * channels).reshape(side, side, channels)[:, ::-1].reshape(-1)


def nearest_train(queries: np.ndarray, train: np.ndarray, own: np.ndarray | None, mirror: np.ndarray | None) -> Near:
    """own: rows of train that the queries are, so that none is its own neighbour. mirror: look at mirrored queries too."""
    near = two_nearest(queries, train, own)
    if mirror is None:
        return near
    other = two_nearest(queries[:, mirror], train, own)
    flipped = other.distance < near.distance
    distance, second, row = (np.where(flipped, b, a) for a, b in zip(near[:3], other[:3], strict=True))
    return Near(distance, second, row, flipped)


def two_nearest(queries: np.ndarray, train: np.ndarray, own: np.ndarray | None) -> Near:
    distances, rows = nearest(queries, train, k=2 if own is None else 3)
    first = np.zeros(len(rows), np.int64)
    second = first + 1
    if own is not None:  # an equal image may come before it
        first = (rows[:, 0] == own).astype(np.int64)
        second = np.where((rows[:, 0] == own) | (rows[:, 1] == own), 2, 1)
    each = np.arange(len(rows))
    return Near(distances[each, first], distances[each, second], rows[each, first], np.zeros(len(rows), bool))


def look(
    fake: np.ndarray,
    train: np.ndarray,
    held: np.ndarray,
    held_rows: np.ndarray | None,
    mirror: np.ndarray | None,
    seed: int,
    should_stop: Callable[[], bool] | None,
) -> Space:
    """One space: fake [N, D], train [M, D], held [H, D]; held_rows: the rows of train that held is, where it stands in."""
    near_fake = nearest_train(fake, train, None, mirror)
    if should_stop and should_stop():
        raise Stopped
    near_held = nearest_train(held, train, held_rows, mirror)
    sample = np.random.default_rng(seed).permutation(len(train))[:TRAIN_SAMPLE]
    rows = np.unique(np.concatenate([sample, near_fake.row, near_held.row]))
    own = dict(zip(rows.tolist(), two_nearest(train[rows], train, rows).distance.tolist(), strict=True))
    among = np.array([own[row] for row in sample.tolist()])
    limit = max(float(np.percentile(among, COPY_PERCENTILE)), float(np.median(among)) / 1000)
    witnesses = len(np.unique(near_fake.row))

    def share(near: Near) -> tuple[float, float, float]:
        """(near copies, authenticity, copies to the last bit)."""
        other = np.array([own[row] for row in near.row.tolist()])
        alone = (near.distance < NEXT_TIMES * near.second) | (other <= limit)
        exact = near.distance <= np.median(among) / 1000
        return (
            float(((near.distance <= limit) & alone).mean()),
            float((near.distance > other).mean()),
            float(exact.mean()),
        )

    (copies, authentic, exact), (held_copies, held_authentic, held_exact) = share(near_fake), share(near_held)
    medians = float(np.median(near_fake.distance)), float(np.median(near_held.distance))
    ratio = medians[0] / medians[1] if medians[1] > 0 else None
    z = data_copying_z(fake, held, train, near_fake, near_held, seed) * float(np.sqrt(witnesses / len(fake)))
    level = "ok"
    # Where no held-out image equals a training image, no chance makes fakes that do, be they three different ones.
    if differ(copies, witnesses, held_copies, len(held)) or (exact > NEAR_COPIES[0] and held_exact == 0):
        level = level_of(copies - held_copies, NEAR_COPIES)
    shift = "ok"
    if (
        ratio is not None
        and z < CT_Z
        and witnesses >= LEAST_IMAGES
        and differ(held_authentic, len(held), authentic, witnesses)
    ):
        near, forged = (
            level_of(-ratio, (-MEDIAN_RATIO[0], -MEDIAN_RATIO[1])),
            level_of(held_authentic - authentic, AUTHENTICITY),
        )
        shift = "ok" if "ok" in (near, forged) else "red" if near == forged == "red" else "amber"
    numbers = {
        "median_ratio": ratio,
        "ct_z": z,
        "authenticity": authentic,
        "authenticity_held_out": held_authentic,
        "near_copies": copies,
        "near_copies_held_out": held_copies,
    }
    return Space(numbers, level, shift, near_fake, near_held)


def data_copying_z(
    fake: np.ndarray, held: np.ndarray, train: np.ndarray, near_fake: Near, near_held: Near, seed: int
) -> float:
    """C_T of arXiv:2004.05675: z of the Mann-Whitney test of d(fake) against d(held-out) in each cell of a k-means of the
    training set, averaged by the held-out images in it. Cells with too few images do not count; with none left, all is one cell.
    """
    from sklearn.cluster import KMeans

    cells = min(10, len(held) // 50)
    zs, weights = [], []
    if cells >= 2:
        sample = train[np.random.default_rng(seed).permutation(len(train))[:2000]]
        means = KMeans(cells, n_init=1, max_iter=20, random_state=seed % 2**32).fit(sample).cluster_centers_
        cell_fake, cell_held = (nearest(side, means, k=1)[1][:, 0] for side in (fake, held))
        for cell in range(cells):
            a, b = near_fake.distance[cell_fake == cell], near_held.distance[cell_held == cell]
            if min(len(a), len(b)) >= CELL_IMAGES:
                zs.append(mann_whitney_z(a, b))
                weights.append(len(b))
    return float(np.average(zs, weights=weights)) if zs else mann_whitney_z(near_fake.distance, near_held.distance)


def mann_whitney_z(a: np.ndarray, b: np.ndarray) -> float:
    """Below 0 where a is smaller than b; ties corrected."""
    ranks = stats.rankdata(np.concatenate([a, b]))
    n, m = len(a), len(b)
    u = ranks[:n].sum() - n * (n + 1) / 2
    _, ties = np.unique(ranks, return_counts=True)
    spread = n * m / 12 * (n + m + 1 - (ties.astype(float) ** 3 - ties).sum() / ((n + m) * (n + m - 1)))
    return float((u - n * m / 2) / np.sqrt(spread)) if spread > 0 else 0.0


def differ(high: float, n_high: int, low: float, n_low: int) -> bool:
    """Whether the share `high` of n_high lies above the share `low` of n_low beyond chance (Fisher's exact test)."""
    a, b = round(high * n_high), round(low * n_low)
    return bool(stats.hypergeom.sf(a - 1, n_high + n_low, a + b, n_high) < CHANCE)


def level_of(value: float, lines: tuple[float, float]) -> str:
    return "red" if value > lines[1] else "amber" if value > lines[0] else "ok"
