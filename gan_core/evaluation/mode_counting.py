"""Counts modes exactly where they are known: labeled images and stacked digits.

Stacked digits follow arXiv:1611.02163 and arXiv:1712.04086: three digits as R, G and B, 1,000 modes, KL in nats.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gan_core.errors import UserError
from gan_core.evaluation.near_copies import in_pixels, pixel_side
from gan_core.evaluation.neighbors import nearest

REJECT_TIMES = 1.2  # a fake further from every labeled real than this times the furthest real counts for no mode
BORDER_NOISE = 24  # grey levels; a border is never quite even
MOST_LABELED = 4000  # labeled channels that a digit is compared with


@dataclass(frozen=True)
class KnownModes:
    """A data set whose modes are known. kind: 'kinds' or 'stacked-digits'.

    images: its training images uint8 [N, H, W, C]; names: of its modes; modes int64 [N]: the mode of each image, for
    'stacked-digits' the number that its three digits make.
    """

    kind: str
    images: np.ndarray
    modes: np.ndarray
    names: list[str]

    @cached_property
    def count(self) -> Callable[[np.ndarray], dict[str, Any]]:
        """count(fakes uint8 [M, H, W, C]) -> {"kind", "found", "of", "kl", "counts", "rejected", "sentence"}.

        The real images are examined at the first access.
        """
        if self.kind == "stacked-digits":
            classify = digit_classifier(self.images, self.modes)
            return lambda fakes: stacked_digits_modes(fakes, classify)
        return labeled_mode_counter(self.images, self.modes, self.names)


def summary(kind: str, modes: np.ndarray, names: list[str], rejected: int) -> dict[str, Any]:
    """modes int64 [n]: of each image that shows one -> the counts and KL(p || uniform) in nats, None where none does."""
    counts = np.bincount(modes, minlength=len(names))
    p = counts[counts > 0] / max(1, counts.sum())
    found, of, n = int((counts > 0).sum()), len(names), int(counts.sum()) + rejected
    sentence = f"{found:,} of {of:,} known modes appear in {n:,} images"
    missing = [name for name, count in zip(names, counts, strict=True) if not count]
    if 0 < len(missing) <= 5:
        sentence += f"; missing: {', '.join(missing)}"
    if rejected:
        sentence += f"; {rejected:,} images show none of them"
    return {
        "kind": kind,
        "found": found,
        "of": of,
        "kl": float((p * np.log(p * of)).sum()) if len(p) else None,
        "counts": {name: int(count) for name, count in zip(names, counts, strict=True) if count},
        "rejected": rejected,
        "sentence": sentence + ".",
    }


def labeled_mode_counter(
    real_images: np.ndarray, real_modes: np.ndarray, names: list[str]
) -> Callable[[np.ndarray], dict[str, Any]]:
    """Each fake counts for the mode of the nearest labeled real in pixels, unless it is too far from all of them.

    Where an object lies is no part of its mode, so every image is centered first. real_images and fakes uint8 [*, H, W, C];
    real_modes int64 [N] index names. The largest distance of a real image to the others of its mode sets the limit.
    Raises UserError too_few_images where a mode has fewer than 2 reals.
    """
    counts = np.bincount(real_modes, minlength=len(names))
    if counts.min() < 2:
        raise UserError("too_few_images", "A known mode has fewer than 2 training images.", "Import more images of it.")
    side = pixel_side(real_images)
    real = in_pixels(centered(real_images), side)
    limit = 0.0
    for mode in range(len(names)):
        mine = real[real_modes == mode]
        limit = max(limit, float(nearest(mine, mine, k=1, skip_self=True)[0].max()))

    def count(fakes: np.ndarray) -> dict[str, Any]:
        distance, row = nearest(in_pixels(centered(fakes), side), real, k=1)
        shown = distance[:, 0] <= REJECT_TIMES * limit
        return summary("kinds", np.asarray(real_modes)[row[shown, 0]], names, int((~shown).sum()))

    return count


def centered(images: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C], moved around the edges so that what differs from the border's color lies in the center."""
    out = np.empty_like(images)
    for number, image in enumerate(images):
        border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        weight = np.abs(image - np.median(border, axis=0)).sum(axis=2)
        weight[weight < BORDER_NOISE * image.shape[2]] = 0
        if not weight.any():
            weight[:] = 1
        height, width = weight.shape
        y, x = weight.sum(axis=1) @ np.arange(height), weight.sum(axis=0) @ np.arange(width)
        move = [round((side - 1) / 2 - at / weight.sum()) for side, at in ((height, y), (width, x))]
        out[number] = np.roll(image, move, axis=(0, 1))
    return out


def digit_classifier(images: np.ndarray, numbers: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Stacks uint8 [N, H, W, 3] and the numbers that they show -> classify(uint8 [M, H, W]) -> digits int64 [M].

    By the nearest of up to MOST_LABELED labeled channels: for small digits as good as a network, and nothing to train.
    """
    side = pixel_side(images)
    digits = np.stack([numbers // 100, numbers // 10 % 10, numbers % 10], axis=1).reshape(-1)  # [3 N]
    rows = np.random.default_rng(0).permutation(len(digits))[:MOST_LABELED]
    labeled = in_pixels(np.stack([images[row // 3][..., row % 3] for row in rows.tolist()])[..., None], side)

    def classify(channels: np.ndarray) -> np.ndarray:
        return digits[rows][nearest(in_pixels(channels[..., None], side), labeled, k=1)[1][:, 0]]

    return classify


def stacked_digits_modes(images: np.ndarray, classify_digit: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """uint8 [N, H, W, 3] -> which of the 1,000 numbers appear. classify_digit: uint8 [N, H, W] -> digits int64 [N], 0 to 9."""
    red, green, blue = (classify_digit(images[..., channel]) for channel in range(3))
    return summary("stacked-digits", 100 * red + 10 * green + blue, [f"{number:03d}" for number in range(1000)], 0)
