"""What stands beside the scores in words: what each is called by its network, and what one must know to read it."""

from typing import NamedTuple

from gan_core.errors import UserError
from gan_core.evaluation.features.extractors import Extractor
from gan_core.evaluation.vocabulary import published

FEW_IMAGES = 2048  # below the feature count of Inception-v3 the covariance is singular


class Counts(NamedTuple):
    """How many images: that there are, compared on each side, on each side of the floor, of the held-out floor."""

    real: int
    fake: int
    n: int
    floor: int
    held_out: int


def parts(n: int) -> int:
    """Into how many parts the Inception Score's images fall: 10 as is usual, fewer where that leaves less than 50 in one.

    Raises UserError below 50.
    """
    if n < 50:
        what = f"The Inception Score needs at least 50 images, and there are {n}."
        raise UserError("too_few_images", what, "Sample more images.")
    return min(10, n // 50)


def own_eyes(extractor: str, family: str, guided: bool) -> list[str]:
    """Sentences where the D of a run learnt with the eyes that judge it. extractor: its name; guided: by a classifier."""
    told = []
    if family == "projected" and extractor == "efficientnet-lite0":
        told.append(
            "The discriminator of this run learnt with EfficientNet-Lite0 itself, which flatters these scores: compare it "
            "with other recipes by the referee or by Inception-v3."
        )
    if guided:
        told.append(
            "The discriminator of this run was guided by a classifier of the same kind as the referee, which flatters label "
            "agreement: whether the images help a classifier on real ones is free of that."
        )
    return told


def caveats(extractor: Extractor, counts: Counts, draws: int) -> list[str]:
    """Plain sentences that belong beside the scores."""
    n, is_inception = counts.n, published(extractor.name)
    name, kernel = ("FID", "KID") if is_inception else ("Frechet distance", "kernel distance")
    told = [f"The {name} falls as more images are compared: set it only beside scores from {n:,} images."]
    if n < FEW_IMAGES:
        told.append(
            f"Fewer than {FEW_IMAGES:,} images were compared, so the covariance is singular: read the {kernel} first."
        )
    if draws < 2:
        told.append("One draw of images was made, so only the kernel distance has an interval: ask for more draws.")
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
    if extractor.name == "referee":
        told.append(
            "The referee knows your classes and little else: it sees a wrong class, but hardly a wrong texture."
        )
    else:
        told.append(
            "The Inception Score judges by the 1,000 classes of ImageNet, not by yours, and sees no real image."
        )
    if 50 <= n < 500:
        told.append(
            f"With {n:,} images the Inception Score is taken over {parts(n)} instead of 10 parts, and lies low."
        )
    if not is_inception:
        told.append(f"These scores use {extractor.title}, not Inception-v3: they cannot be set beside published ones.")
    if extractor.note:
        told.append(extractor.note)
    return told
