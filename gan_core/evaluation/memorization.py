"""Does a generator copy its training images? Nearest training images of generated images, against those of held-out images.

A good generator draws typical images, and typical images lie closer to the training set than held-out ones do: a small distance
alone proves nothing. So near copies are counted first (near_copies.py). A shift of all distances only counts where it is large and
sure. The thresholds stand in names_and_thresholds.py:

near_copies, beyond the held-out share  1 % by construction, and data sets hold near duplicates themselves
median_ratio d(fake) / d(held-out)      typical, but new, images (means of 2 to 4 held-out ones) reach .73
with ct_z                               Mann-Whitney z per cell of the space, arXiv:2004.05675 (data copying)
and authenticity below held-out's by    share of fakes that are further from their training neighbor than it is from other
                                        training images, arXiv:2102.08921

Verdict: red if near copies are red in pixels, or in another space while pixels are amber; or if the shift is red in two spaces.
Amber if anything else is red, near copies are amber, or the shift is amber in two spaces. Shares must differ beyond chance
(CHANCE) for the number of *different* training images that the fakes lie next to: a generator of ten images has ten independent
images, however often it repeats them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.names_and_thresholds import AUTHENTICITY, CT_Z, MEDIAN_RATIO, NEAR_COPIES, Threshold, severity
from gan_core.evaluation.near_copies import LEAST_IMAGES, TRAIN_SAMPLE, Neighbors, PixelSpace, ShouldStop, TrainingSpace
from gan_core.evaluation.neighbors import nearest

PAIRS, BINS = 16, 30
CHANCE = 1e-4
CELL_IMAGES = 20  # of each side in a cell of the space


class Side(NamedTuple):
    """Generated or held-out images in one space: vectors [N, D] and their two nearest training images."""

    vectors: np.ndarray
    near: Neighbors

    @property
    def distance(self) -> np.ndarray:
        return self.near.distance[:, 0]


class Comparison(NamedTuple):
    """What one space says: numbers for JSON, the levels of its two alarms, and what they are taken from."""

    numbers: dict[str, float | None]
    copies: str
    shift: str
    fake: Side
    held_out: Side


class KnownPixels(NamedTuple):
    """What was found of the generated images already: the space of the training images and their two nearest in it."""

    space: PixelSpace
    near: Neighbors


def copying(
    fake_images: np.ndarray,
    train_images: np.ndarray,
    held_out_images: np.ndarray,
    *,
    spaces: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    seed: int,
    known: KnownPixels | None = None,
    on_progress: Callable[[float, str], None] = lambda share, message: None,
    should_stop: ShouldStop = None,
) -> dict[str, Any]:
    """Images uint8 [*, H, W, C] -> verdict, sentence, todo, and the numbers for each space, as JSON; besides three arrays.

    spaces: name -> features [*, D] of the same fakes, training and held-out images. Pixels are always compared, mirrored too.
    known: the search in pixels, where it was made before. "nearest" int64, "distance" float64 and "flipped" bool [n_fake] are
    arrays, in pixels: take them out before writing JSON. Raises UserError too_few_images, bad_features, and Stopped.
    """
    if min(len(fake_images), len(train_images)) < LEAST_IMAGES:
        what = f"Copies are searched among at least {LEAST_IMAGES} generated and {LEAST_IMAGES} training images."
        raise UserError("too_few_images", what, "Sample or import more images.")
    # Without enough held-out images, training images say how near a new one would come; none is its own neighbor.
    stand_ins = None
    if len(held_out_images) < LEAST_IMAGES:
        stand_ins = np.sort(np.random.default_rng(seed).permutation(len(train_images))[:TRAIN_SAMPLE])
    space = known.space if known else PixelSpace(train_images, should_stop)
    found = {"pixels": compare(space, fake_images, held_out_images, stand_ins, seed, known.near if known else None)}
    on_progress(1 / (1 + len(spaces)), "Looking for copies")
    for name, (fake, train, held) in spaces.items():
        if should_stop and should_stop():
            raise Stopped
        found[name] = compare(TrainingSpace(train, should_stop=should_stop), fake, held, stand_ins, seed)
        on_progress(len(found) / (1 + len(spaces)), "Looking for copies")
    verdict, sentence, todo = verdict_of(found, len(fake_images))
    if stand_ins is not None:
        sentence = sentence.replace("held-out real images", "other training images")
    pixels = found["pixels"]
    near = pixels.fake.near
    return {
        "verdict": verdict,
        "sentence": sentence,
        "todo": todo,
        "n_fake": len(fake_images),
        "n_train": len(train_images),
        "n_held_out": len(held_out_images),
        "beside": "held-out" if stand_ins is None else "training",  # whose distances the fakes' are compared with
        "spaces": {name: one.numbers for name, one in found.items()},
        "histogram": histogram(pixels),
        "pairs": closest_pairs(pixels),
        "nearest": near.row[:, 0],
        "distance": near.distance[:, 0],
        "flipped": near.flipped[:, 0],
    }


def compare(
    space: TrainingSpace,
    fake: np.ndarray,
    held: np.ndarray,
    stand_ins: np.ndarray | None,
    seed: int,
    known: Neighbors | None = None,
) -> Comparison:
    """One space: fake and held as its `neighbors` takes them; stand_ins: rows of training images in the place of held-out ones."""
    fakes = Side(space.points(fake), space.neighbors(fake) if known is None else known)
    if stand_ins is None:
        held_out = Side(space.points(held), space.neighbors(held))
    else:
        held_out = Side(space.vectors[stand_ins], space.neighbors_of(stand_ins))
    rows = np.unique(np.concatenate([fakes.near.row[:, 0], held_out.near.row[:, 0]]))
    own = space.own_distance(rows)
    different = len(np.unique(fakes.near.row[:, 0]))

    def shares(side: Side) -> tuple[float, float, float]:
        """(near copies, authenticity, copies to the last bit)."""
        other = own[np.searchsorted(rows, side.near.row[:, 0])]
        shares = space.copies(side.near), side.distance > other, side.distance <= space.equal
        return float(shares[0].mean()), float(shares[1].mean()), float(shares[2].mean())

    (copies, authentic, exact), (held_copies, held_authentic, held_exact) = shares(fakes), shares(held_out)
    medians = float(np.median(fakes.distance)), float(np.median(held_out.distance))
    ratio = medians[0] / medians[1] if medians[1] > 0 else None
    z = data_copying_z(fakes, held_out, space.vectors, seed) * float(np.sqrt(different / len(fake)))
    level = "ok"
    # Where no held-out image equals a training image, no chance makes fakes that do, be they three different ones.
    if differ(copies, different, held_copies, len(held_out.distance)) or (
        exact > NEAR_COPIES.amber and held_exact == 0
    ):
        level = level_of(copies - held_copies, NEAR_COPIES)
    shift = "ok"
    sure = (
        z < CT_Z and different >= LEAST_IMAGES and differ(held_authentic, len(held_out.distance), authentic, different)
    )
    if ratio is not None and sure:
        closer = level_of(-ratio, Threshold(-MEDIAN_RATIO.amber, -MEDIAN_RATIO.red))
        shift = min(closer, level_of(held_authentic - authentic, AUTHENTICITY), key=severity)
    numbers = {
        "median_ratio": ratio,
        "ct_z": z,
        "authenticity": authentic,
        "authenticity_held_out": held_authentic,
        "near_copies": copies,
        "near_copies_held_out": held_copies,
    }
    return Comparison(numbers, level, shift, fakes, held_out)


def verdict_of(found: dict[str, Comparison], n: int) -> tuple[str, str, str]:
    """(verdict, sentence, todo) over all spaces, of n generated images."""
    pixels = found["pixels"]
    todo = "Look at the closest pairs. To copy less: train for a shorter time, augment more, or import more images."
    copied = max(found.values(), key=lambda one: (severity(one.copies), one is pixels))
    confirmed = copied is pixels or pixels.copies != "ok" or pixels.shift != "ok"
    if copied.copies != "ok":
        share, usual = copied.numbers["near_copies"] or 0.0, copied.numbers["near_copies_held_out"] or 0.0
        sentence = f"{share:.0%} of the generated images are near copies of a training image"
        sentence += f"; of held-out real images {usual:.0%} are."
        return ("red" if copied.copies == "red" and confirmed else "amber"), sentence, todo
    shifts = [one for one in found.values() if one.shift != "ok"]
    reds = sum(one.shift == "red" for one in shifts)
    if len(shifts) >= 2 or reds:
        ratio = min(one.numbers["median_ratio"] or 1.0 for one in shifts)
        sentence = f"Generated images lie {ratio:.2f} times as far from their nearest training image as held-out real images do."
        return ("red" if reds >= 2 else "amber"), sentence, todo
    return "ok", f"No sign of copied training images among {n:,} generated ones.", ""


def histogram(pixels: Comparison) -> dict[str, Any]:
    """Images by their distance to the nearest training image, the largest ones in the last bin."""
    sides = pixels.fake.distance, pixels.held_out.distance
    top = float(np.percentile(np.concatenate(sides), 99.5))
    edges = np.linspace(0, top * 1.0001 or 1.0, BINS + 1)
    fake, held_out = (np.histogram(distance.clip(max=top), edges)[0].tolist() for distance in sides)
    return {"space": "pixels", "edges": edges.tolist(), "fake": fake, "held_out": held_out}


def closest_pairs(pixels: Comparison) -> list[dict[str, Any]]:
    """The PAIRS closest of a fake and a training image, each training image once, so that a repeated copy hides no other."""
    near, usual = pixels.fake.near, float(np.median(pixels.held_out.distance))
    order = np.argsort(near.distance[:, 0], kind="stable")
    _, first = np.unique(near.row[order, 0], return_index=True)
    return [
        {
            "fake": fake,
            "train": int(near.row[fake, 0]),
            "distance": float(near.distance[fake, 0]),
            "ratio": float(near.distance[fake, 0]) / usual if usual > 0 else None,
            "flipped": bool(near.flipped[fake, 0]),
        }
        for fake in order[np.sort(first)[:PAIRS]].tolist()
    ]


def data_copying_z(fake: Side, held: Side, train: np.ndarray, seed: int) -> float:
    """C_T of arXiv:2004.05675: z of the Mann-Whitney test of d(fake) against d(held-out) in each cell of a k-means of the
    training set, averaged by the held-out images in it. Cells with too few images do not count; with none left, all is one cell.
    """
    from sklearn.cluster import KMeans

    cells = min(10, len(held.vectors) // 50)
    zs, weights = [], []
    if cells >= 2:
        sample = train[np.random.default_rng(seed).permutation(len(train))[:2000]].astype(np.float32)
        means = KMeans(cells, n_init=1, max_iter=20, random_state=seed % 2**32).fit(sample).cluster_centers_
        cell_fake, cell_held = (nearest(side.vectors, means, k=1)[1][:, 0] for side in (fake, held))
        for cell in range(cells):
            a, b = fake.distance[cell_fake == cell], held.distance[cell_held == cell]
            if min(len(a), len(b)) >= CELL_IMAGES:
                zs.append(mann_whitney_z(a, b))
                weights.append(len(b))
    return float(np.average(zs, weights=weights)) if zs else mann_whitney_z(fake.distance, held.distance)


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


def level_of(value: float, threshold: Threshold) -> str:
    return "red" if value > threshold.red else "amber" if value > threshold.amber else "ok"
