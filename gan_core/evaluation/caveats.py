"""The caveats of an evaluation: sentences on what limits its scores."""

from typing import NamedTuple

from gan_core.errors import UserError
from gan_core.evaluation.features.extractors import Extractor
from gan_core.evaluation.names_and_thresholds import DATASET_CLASSIFIER, published

FEW_IMAGES = 2048  # below the feature count of Inception-v3 the covariance is singular
LEAST_OF_PART, MOST_PARTS = 50, 10  # of the images of an Inception Score


class Counts(NamedTuple):
    """How many images: available, compared on each side, on each side of the floor, of the held-out floor."""

    real: int
    fake: int
    n: int
    floor: int
    held_out: int


def parts(n: int) -> int:
    """Into how many parts the images of an Inception Score are split: 10 as is usual, fewer where a part had less than 50.

    Raises UserError below 50.
    """
    if n < LEAST_OF_PART:
        what = f"The Inception Score needs at least {LEAST_OF_PART} images, and there are {n}."
        raise UserError("too_few_images", what, "Sample more images.")
    return min(MOST_PARTS, n // LEAST_OF_PART)


def same_network(extractor: str, family: str, guided: bool) -> list[str]:
    """Where the D of a run learned with the network that scores it. extractor: its name; guided: by a classifier."""
    found = []
    if family == "projected" and extractor == "efficientnet-lite0":
        found.append(
            "The discriminator of this run was trained with EfficientNet-Lite0 itself, so these scores are too good: "
            "compare it with other recipes by the dataset classifier or by Inception-v3."
        )
    if guided:
        found.append(
            "The discriminator of this run was guided by a classifier like the dataset classifier, so label agreement is "
            "too good; the utility of the images for a classifier of real ones is not affected."
        )
    return found


def caveats(extractor: Extractor, counts: Counts, draws: int) -> list[str]:
    """Plain sentences that belong beside the scores."""
    n, is_inception = counts.n, published(extractor.name)
    name, kernel = ("FID", "KID") if is_inception else ("Frechet distance", "kernel distance")
    found = [f"The {name} falls as more images are compared: compare it only with scores from {n:,} images."]
    if n < FEW_IMAGES:
        found.append(
            f"Fewer than {FEW_IMAGES:,} images were compared, so the covariance is singular: read the {kernel} first."
        )
    if draws < 2:
        found.append(
            "One draw of images was made, so only the kernel distance has an interval: set 'Independent draws' to 2 or more."
        )
    if counts.floor < n:
        found.append(
            f"There are too few real images for a floor of {n:,} on each side: it compares {counts.floor:,} "
            f"with {counts.floor:,} and is therefore higher; the ratio to the floor uses that many on each side."
        )
    if n < max(counts.real, counts.fake):
        found.append(
            f"Of {counts.real:,} real and {counts.fake:,} generated images, {n:,} of each were compared, "
            "drawn at random."
        )
    if 0 < counts.held_out < n:
        found.append(f"The held-out floor compares {counts.held_out:,} images a side, so its {name} is higher.")
    if extractor.name == DATASET_CLASSIFIER:
        found.append(
            "The dataset classifier only separates your classes: it detects a wrong class, but hardly a wrong texture."
        )
    else:
        found.append(
            "The Inception Score uses the 1,000 classes of ImageNet, not yours, and compares with no real image."
        )
    if LEAST_OF_PART <= n < LEAST_OF_PART * MOST_PARTS:
        found.append(f"With {n:,} images the Inception Score is taken over {parts(n)} instead of 10 parts, and is low.")
    if not is_inception:
        found.append(
            f"These scores use {extractor.title}, not Inception-v3: they cannot be compared with published ones."
        )
    if extractor.note:
        found.append(extractor.note)
    return found
