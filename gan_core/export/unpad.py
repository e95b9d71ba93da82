"""Cuts off the padding that an import added: exactly for real images, whose sizes are known, and by its colour for drawn ones."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageColor

from gan_core.data.dataset import ImageSet
from gan_core.data.dataset_files import known_items
from gan_core.errors import UserError
from gan_core.export.contents import Group

ALIKE = 12  # levels by which a padded pixel may differ from the background colour, since a GAN does not draw it exactly
PADDED_SHARE = 0.98  # of a line's pixels that are alike


class Unpad:
    """Call it with (group, number, pixels): the same pixels without their padding."""

    def __init__(self, folder: Path, sets: dict[str, ImageSet], background: str, makers: dict[str, Any]):
        """folder: of the dataset; sets: its splits; makers: of contents.Contents. Raises UserError unknown_shapes where it has
        no source sizes."""
        mode = "RGB" if sets["train"].images.shape[3] == 3 else "L"  # luma, as the import has it
        self.background = np.atleast_1d(np.array(ImageColor.getcolor(background, mode), np.int16))
        self.makers, self.sets = makers, sets
        self.shares = {split: np.zeros((len(part.labels), 2)) for split, part in self.sets.items()}
        for item in known_items(folder):
            width, height = item.get("width", 0), item.get("height", 0)
            if width and height:
                self.shares[item["split"]][item["row"]] = width / max(width, height), height / max(width, height)
        if not all(shares.all() for shares in self.shares.values()):
            raise UserError(
                "unknown_shapes",
                "This dataset does not know the shapes that its images came with.",
                "Import them again, or keep the padding.",
            )

    def __call__(self, group: Group, number: int, pixels: np.ndarray) -> np.ndarray:
        if group.kind == "real":
            return inner(pixels, *self.shares[group.split][self.sets[group.split].rows_of_class[group.label][number]])
        if group.kind == "gan":
            least = self.shares["train"][self.sets["train"].rows_of_class[group.label]].min(axis=0, initial=1.0)
            return trimmed(pixels, self.background, *least)
        entry = self.makers[group.kind].entry(group.label, number)
        background = entry.get("background_row")
        return inner(pixels, *self.shares["train"][entry["source_row"] if background is None else background])


def inner(pixels: np.ndarray, width_share: float, height_share: float) -> np.ndarray:
    """uint8 [S, S, C] -> what decode.fit_square laid into the square: shares of the side, one of them 1."""
    side = pixels.shape[0]
    width, height = max(1, round(side * width_share)), max(1, round(side * height_share))
    left, top = (side - width) // 2, (side - height) // 2
    return pixels[top : top + height, left : left + width]


def trimmed(pixels: np.ndarray, background: np.ndarray, width_share: float, height_share: float) -> np.ndarray:
    """uint8 [S, S, C] without equal margins of the background above and below, or left and right, whichever are wider.

    width_share, height_share: the least of the side that stays, as the narrowest and the flattest real image of the class has.
    """
    alike = (np.abs(pixels.astype(np.int16) - background) <= ALIKE).all(axis=2)
    side = pixels.shape[0]
    down, across = (
        min(margin(alike.mean(axis=axis) >= PADDED_SHARE), int(side * (1 - share) / 2))
        for axis, share in ((1, height_share), (0, width_share))
    )
    return pixels[down : side - down] if down >= across else pixels[:, across : side - across]


def margin(padded: Iterable[Any]) -> int:
    """Lines of padding at the end that has fewer of them."""
    lines = list(padded)
    first = next((at for at, line in enumerate(lines) if not line), 0)
    last = next((at for at, line in enumerate(reversed(lines)) if not line), 0)
    return min(first, last)
