"""Every mode of a picture as 8-bit grey or sRGB: depth, palettes, transparency, inks and colour profiles.

What Pillow's plain `convert("RGB")` gets wrong is done here by hand: 16-bit values are scaled and not clipped, transparency
is laid on a background and not dropped, and a colour profile that can be used is used.
"""

import functools
import io
from typing import Literal

import numpy as np
from PIL import Image, ImageCms

from gan_core.data.choices import Colour

WHITE: Colour = (255, 255, 255)
PROFILED = ("RGB", "RGBA", "CMYK")  # LAB needs no profile: it is one
PROFILES_KEPT = 8  # transforms of that many profiles
SAME_STEPS = 2  # a profile that moves no colour by more than this is sRGB by another name


class NotReadable(ValueError):
    """A file that gives no picture; the text is a short plain reason."""


def flatten(image: Image.Image, background: Colour = WHITE) -> Image.Image:
    """The same picture in mode L or sRGB: deep values scaled linearly to 0..255, transparency laid on the background."""
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_to_8_bits(np.asarray(image), declared_16=image.mode.startswith("I;16")))
    profile = image.info.get("icc_profile")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = to_srgb(image.convert("RGBA"), profile)
        return laid_on(image, background)
    if image.mode == "L":
        return image
    if image.mode == "1":
        return image.convert("L")
    return to_srgb(image if image.mode in PROFILED else image.convert("RGB"), profile)


def laid_on(image: Image.Image, background: Colour) -> Image.Image:
    """An RGBA picture without its transparency, mode RGB."""
    return Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), image).convert("RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An RGB, RGBA or CMYK picture in sRGB (RGB or RGBA). A profile that is damaged or of another kind is ignored."""
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    transform = _transform(bytes(profile), image.mode, target) if profile else None
    if transform is not None:
        return transform.apply(image)
    return image if image.mode == target else image.convert(target)


@functools.lru_cache(maxsize=PROFILES_KEPT)
def _transform(profile: bytes, mode: str, target: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile to sRGB; None where it cannot be used or changes nothing."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.ImageCmsTransform(source, _srgb(), mode, target)
        if mode == "CMYK":
            return transform
        colours = _colour_cube()
        moved = np.asarray(transform.apply(colours.convert(mode)).convert("RGB"), np.int16) - np.asarray(colours)
        return transform if np.abs(moved).max() > SAME_STEPS else None
    except Exception:  # a profile from a stranger: lcms has many ways to say no
        return None


@functools.cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _colour_cube() -> Image.Image:
    """125 colours, five steps of each channel."""
    steps = np.linspace(0, 255, 5).round().astype(np.uint8)
    return Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(5, 25, 3))


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


def _to_8_bits(values: np.ndarray, declared_16: bool) -> np.ndarray:
    """Linear to uint8. The range is the declared one for 16 bits, else the smallest usual one that holds all values."""
    if declared_16:
        return ((values.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8)
    if not np.isfinite(values).all():
        raise NotReadable("it holds values that are not numbers")
    low, high = float(values.min()), float(values.max())
    tops = [top for top in (1, 255, 65_535) if low >= 0 and high <= top and (top > 1 or values.dtype.kind == "f")]
    bottom, top = (0.0, float(tops[0])) if tops else (low, high)
    return np.rint((values.astype(np.float64) - bottom) * (255 / (top - bottom))).astype(np.uint8)
