"""Every score of a set of fakes, with the floor that real images reach among themselves and what to keep in mind."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gan_core.errors import UserError
from gan_core.metrics.extractors import Extractor, Features
from gan_core.metrics.fid import frechet_distance
from gan_core.metrics.inception_score import inception_score
from gan_core.metrics.kid import kernel_distance

FEW_IMAGES = 2048  # below the feature count of Inception-v3 the covariance is singular


class Counts(NamedTuple):
    """How many images: that there are, compared on each side, on each side of the floor, of the held-out floor."""

    real: int
    fake: int
    n: int
    floor: int
    held_out: int


def scores(
    extractor: Extractor,
    real_images: np.ndarray,
    fake_images: np.ndarray,
    held_out_images: np.ndarray | None,
    seed: int,
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """Images uint8 [*, H, W, 1 or 3] -> a dict for JSON; nothing is rounded.

    A score that cannot be computed is None and "absent" says why. n = min(real, fake) images are compared on each side,
    as the bias of the Frechet distance depends on n; the floor compares two disjoint parts of the reals, of n images
    where there are enough, else of half of them. "times_floor" is the ratio at the floor's n. seed: which images.
    """
    held_out_images = real_images[:0] if held_out_images is None else held_out_images
    n = min(len(real_images), len(fake_images))
    counts = Counts(len(real_images), len(fake_images), n, min(n, len(real_images) // 2), min(n, len(held_out_images)))
    real, fake, held_out = extract_all(
        extractor,
        seed,
        device,
        on_progress,
        should_stop,
        [
            ("real images", real_images, max(n, 2 * counts.floor)),
            ("generated images", fake_images, n),
            ("held-out images", held_out_images, counts.held_out),
        ],
    )

    distance, formula = NAMES.get(extractor.name, ("frechet_distance", "inception_score_formula"))
    absent: dict[str, str] = {}

    def attempt(key: str, compute: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return compute()
        except UserError as error:
            absent[key] = error.what
            return otherwise

    def compare(prefix: str, a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
        return {
            distance: attempt(prefix + distance, lambda: frechet_distance(a, b), None),
            **attempt(prefix + "kid", lambda: kernel_distance(a, b, seed), {"kid": None, "kid_ci": None}),
        }

    whole = compare("", real.features[:n], fake.features)
    spread = attempt(
        formula, lambda: inception_score(fake.logits, splits=parts(n)), {"inception_score": None, "std": None}
    )
    half, other_half = real.features[: counts.floor], real.features[counts.floor : 2 * counts.floor]
    floor = {"n": counts.floor, **compare("floor.", half, other_half), "held_out": None}
    if counts.held_out:
        beside = compare("floor.held_out.", real.features[: counts.held_out], held_out.features)
        floor["held_out"] = {"n": counts.held_out, **beside}
    times_floor = None
    if floor[distance] and whole[distance] is not None:
        at_n = whole[distance] if counts.floor == n else frechet_distance(half, fake.features[: counts.floor])
        times_floor = at_n / floor[distance]
    else:
        absent["times_floor"] = "The ratio needs both a score and a floor above 0."
    return {
        "extractor": extractor.name,
        "extractor_title": extractor.title,
        "weights": extractor.weights_hash,
        "resize": extractor.resize,
        "seed": seed,
        "n_real": n,
        "n_fake": n,
        "n_real_available": counts.real,
        "n_fake_available": counts.fake,
        **whole,
        formula: spread["inception_score"],
        f"{formula}_std": spread["std"],
        "floor": floor,
        "times_floor": times_floor,
        "labels": labels(extractor),
        "caveats": caveats(extractor, counts),
        "absent": absent,
    }


# Only the network of the papers gives the scores of the papers' names.
NAMES = {"inception-v3": ("fid", "inception_score")}


def extract_all(
    extractor: Extractor,
    seed: int,
    device: str,
    on_progress: Callable[[float, str], None] | None,
    should_stop: Callable[[], bool] | None,
    parts: list[tuple[str, np.ndarray, int]],
) -> list[Features]:
    """The features of a random draw without replacement from each part (name, images, how many), in random order."""
    rng = np.random.default_rng(seed)
    total, done, result = max(1, sum(count for *_, count in parts)), 0, []
    for name, images, count in parts:

        def tell(share: float, name: str = name, count: int = count, done: int = done) -> None:
            if on_progress:
                on_progress((done + share * count) / total, f"Looking at {name}")

        rows = rng.permutation(len(images))[:count]
        if count:
            result.append(extractor.extract(images, device, tell, should_stop, rows))
        else:
            result.append(Features(np.zeros((0, 1), np.float32), np.zeros((0, 1), np.float32)))
        done += count
    return result


def labels(extractor: Extractor) -> dict[str, str]:
    """Display names by key."""
    title = extractor.title
    if extractor.name in NAMES:
        network = f", {title}" if extractor.note else ""
        return {"fid": f"FID{network}", "kid": f"KID{network}", "inception_score": f"Inception Score{network}"}
    return {
        "frechet_distance": f"Frechet distance, {title}",
        "kid": f"Kernel distance, {title}",
        "inception_score_formula": f"Inception Score formula, {title}",
    }


def parts(n: int) -> int:
    """Into how many parts the Inception Score's images fall: 10 as is usual, fewer where that leaves less than 50 in one.

    Raises UserError below 50.
    """
    if n < 50:
        what = f"The Inception Score needs at least 50 images, and there are {n}."
        raise UserError("too_few_images", what, "Sample more images.")
    return min(10, n // 50)


def caveats(extractor: Extractor, counts: Counts) -> list[str]:
    """Plain sentences that belong beside the scores."""
    n, is_inception = counts.n, extractor.name in NAMES
    name, kernel = ("FID", "KID") if is_inception else ("Frechet distance", "kernel distance")
    told = [f"The {name} falls as more images are compared: set it only beside scores from {n:,} images."]
    if n < FEW_IMAGES:
        told.append(
            f"Fewer than {FEW_IMAGES:,} images were compared, so the covariance is singular: read the {kernel} first."
        )
    if counts.floor < n:
        told.append(
            f"There are too few real images for a floor of {n:,} on each side: it compares {counts.floor:,} "
            f"with {counts.floor:,} and so lies higher; the ratio to the floor uses that many on each side."
        )
    if n < max(counts.real, counts.fake):
        told.append(
            f"Of {counts.real:,} real and {counts.fake:,} generated images, {n:,} of each were compared, "
            "drawn at random."
        )
    if 0 < counts.held_out < n:
        told.append(f"The held-out floor compares {counts.held_out:,} images a side, so its {name} lies higher.")
    told.append("The Inception Score judges by the 1,000 classes of ImageNet, not by yours, and sees no real image.")
    if 50 <= n < 500:
        told.append(
            f"With {n:,} images the Inception Score is taken over {parts(n)} instead of 10 parts, and lies low."
        )
    if not is_inception:
        told.append(f"These scores use {extractor.title}, not Inception-v3: they cannot be set beside published ones.")
    if extractor.note:
        told.append(extractor.note)
    return told
