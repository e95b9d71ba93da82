"""Cuts off again what an import padded to a square: exactly for real images, whose sizes are known, by looking for others."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageColor

from gan_core.data.dataset import ImageSet, read_items
from gan_core.export.tables import Group

ALIKE = 12  # levels by which a padded pixel may differ from the background: drawn ones are not exact
PADDED_SHARE = 0.98  # of a line's pixels that are alike
LEAST_SHARE = 0.2  # of the side that stays


class Unpad:
    """picture(group, number, pixels) -> the same pixels without their padding."""

    def __init__(self, folder: Path, train: ImageSet, test: ImageSet, background: str):
        """folder: of the dataset. Raises ValueError for a colour that is none."""
        rgb = np.array(ImageColor.getrgb(background), np.int16)
        self.background = rgb if train.images.shape[3] == 3 else rgb.mean(keepdims=True).astype(np.int16)
        self.shares = {"train": np.ones((len(train.labels), 2)), "test": np.ones((len(test.labels), 2))}
        for item in read_items(folder):
            if "width" in item and item["split"] in self.shares:
                width, height = item["width"], item["height"]
                self.shares[item["split"]][item["row"]] = width / max(width, height), height / max(width, height)
        self.rows = {
            (split, label): np.flatnonzero(part.labels == label)
            for split, part in (("train", train), ("test", test))
            for label in range(len(train.classes))
        }

    def __call__(self, group: Group, number: int, pixels: np.ndarray) -> np.ndarray:
        if group.kind == "real":
            return inner(pixels, *self.shares[group.split][self.rows[group.split, group.label][number]])
        return trimmed(pixels, self.background)


def inner(pixels: np.ndarray, width_share: float, height_share: float) -> np.ndarray:
    """uint8 [S, S, C] -> what decode.fit_square laid into the square: shares of the side, one of them 1."""
    side = pixels.shape[0]
    width, height = max(1, round(side * width_share)), max(1, round(side * height_share))
    left, top = (side - width) // 2, (side - height) // 2
    return pixels[top : top + height, left : left + width]


def trimmed(pixels: np.ndarray, background: np.ndarray) -> np.ndarray:
    """uint8 [S, S, C] without equal margins of the background above and below, or left and right, whichever are wider."""
    alike = (np.abs(pixels.astype(np.int16) - background) <= ALIKE).all(axis=2)
    down, across = (margin(alike.mean(axis=axis) >= PADDED_SHARE) for axis in (1, 0))
    side = pixels.shape[0]
    most = int(side * (1 - LEAST_SHARE) / 2)
    if max(down, across) == 0 or min(max(down, across), most) == 0:
        return pixels
    if down >= across:
        return pixels[min(down, most) : side - min(down, most)]
    return pixels[:, min(across, most) : side - min(across, most)]


def margin(padded: Iterable[Any]) -> int:
    """How many lines are padding on both ends."""
    lines = list(padded)
    first = next((at for at, line in enumerate(lines) if not line), 0)
    last = next((at for at, line in enumerate(reversed(lines)) if not line), 0)
    return min(first, last)
