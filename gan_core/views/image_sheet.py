"""Several images as one PNG: row by row, small ones enlarged without smoothing."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

LEAST_SIDE = 56  # px; smaller images are enlarged by a whole factor


def sheet(images: Sequence[np.ndarray] | np.ndarray, columns: int, gap: int = 2) -> Image.Image:
    """One picture of images uint8 [n, H, W, C], n at least 1, row by row; small ones enlarged without smoothing.

    RGBA: what lies between the images is transparent, so that it fits a light page and a dark one.
    """
    cells = [enlarge(np.asarray(image)) for image in images]
    height, width = cells[0].shape[:2]
    columns = max(1, min(columns, len(cells)))
    lines = -(-len(cells) // columns)
    canvas = np.zeros((lines * (height + gap) - gap, columns * (width + gap) - gap, 4), np.uint8)
    for number, cell in enumerate(cells):
        y, x = number // columns * (height + gap), number % columns * (width + gap)
        opaque = canvas[y : y + height, x : x + width]
        opaque[..., :3] = cell[..., :3]  # [H, W, 1 or 3]
        opaque[..., 3] = cell[..., 3] if cell.shape[2] == 4 else 255
    return Image.fromarray(canvas)


def enlarge(image: np.ndarray) -> np.ndarray:
    """uint8 [H, W, C] with each pixel repeated until the side is LEAST_SIDE or more."""
    times = max(1, -(-LEAST_SIDE // image.shape[0]))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
