"""Pixels as arrays: grey or colour, and values of more than 8 bits scaled to 8. Apart from color.py, which works without numpy."""

from typing import Literal

import numpy as np
from PIL import Image

from gan_core.data.file_types import NotReadable

RANGES = (1, 255, 65_535)  # the tops of the usual ranges; the first one only of floating-point values
SPILL = 2  # times a top: floating-point values that far above it are its own, and cut there, as after sharpening or resizing


def grey_if_grey(pixels: np.ndarray) -> np.ndarray:
    """pixels [H, W, 3] with three equal channels as [H, W]; anything else unchanged."""
    if pixels.ndim == 3:
        red = pixels[..., 0]
        if np.array_equal(red, pixels[..., 1]) and np.array_equal(red, pixels[..., 2]):
            return red
    return pixels


def to_mode(pixels: np.ndarray, mode: Literal["L", "RGB"]) -> np.ndarray:
    """pixels [H, W] or [H, W, 3] as [H, W, 1] (luma, ITU-R 601) or [H, W, 3]."""
    if mode == "RGB":
        return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return (np.asarray(Image.fromarray(pixels).convert("L")) if pixels.ndim == 3 else pixels)[..., None]


def to_8_bits(image: Image.Image, declared_16: bool) -> np.ndarray:
    """An image of mode F, I or I;16 as uint8 [H, W], linearly. The range is the declared one for 16 bits, else the smallest
    usual one that holds all values.
    """
    values = np.asarray(image)
    if declared_16:
        return ((values.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8)
    if not np.isfinite(values).all():
        raise NotReadable("it holds values that are not numbers")
    low, high = float(values.min()), float(values.max())
    ranges, spill = (RANGES, SPILL) if values.dtype.kind == "f" else (RANGES[1:], 1)
    tops = [top for top in ranges if low >= 0 and high <= top * spill]
    bottom, top = (0.0, float(tops[0])) if tops else (low, high)
    scaled = (values.astype(np.float64) - bottom) * (255 / (top - bottom))
    return np.rint(np.minimum(scaled, 255)).astype(np.uint8)
