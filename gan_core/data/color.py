"""Every mode of an image as 8-bit grey or sRGB: depth, palettes, transparency, inks and colour profiles.

What Pillow's plain `convert("RGB")` gets wrong is done here by hand: 16-bit values are scaled and not clipped, transparency
is laid on a background and not dropped, and a colour profile that can be used is used.
"""

import functools
import io
import itertools

from PIL import Image, ImageChops, ImageCms

Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
PROFILED = ("RGB", "RGBA", "CMYK")  # LAB needs no profile: it is one
PROFILES_KEPT = 8  # transforms of that many profiles
SAME_STEPS = 2  # a profile that moves no colour by more than this is sRGB by another name


def flatten(image: Image.Image, background: Color = WHITE) -> Image.Image:
    """The same image in mode L or sRGB: deeper values are scaled to 8 bits, transparency is laid on the background."""
    if image.mode == "F" or image.mode.startswith("I"):
        from gan_core.data.pixel_arrays import to_8_bits  # needs numpy, which takes longer to import than all the rest

        return Image.fromarray(to_8_bits(image, declared_16=image.mode.startswith("I;16")))
    profile = image.info.get("icc_profile")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = to_srgb(image.convert("RGBA"), profile)
        return without_transparency(image, background)
    if image.mode == "L":
        return image
    if image.mode == "1":
        return image.convert("L")
    return to_srgb(image if image.mode in PROFILED else image.convert("RGB"), profile)


def without_transparency(image: Image.Image, background: Color) -> Image.Image:
    """An RGBA image laid on the background, mode RGB."""
    return Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), image).convert("RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An RGB, RGBA or CMYK image in sRGB (RGB or RGBA). A profile that is damaged or of another kind is ignored."""
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
        colors = _color_cube()
        moved = ImageChops.difference(transform.apply(colors.convert(mode)).convert("RGB"), colors)
        return transform if max(most for _, most in moved.getextrema()) > SAME_STEPS else None  # type: ignore[misc]
    except Exception:  # a profile from a stranger: lcms has many ways to say no
        return None


@functools.cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _color_cube() -> Image.Image:
    """125 colours, five steps of each channel."""
    steps = (0, 64, 128, 191, 255)
    return Image.frombytes("RGB", (25, 5), bytes(itertools.chain(*itertools.product(steps, repeat=3))))


def grey_if_grey(image: Image.Image) -> Image.Image:
    """An image of mode RGB with three equal channels in mode L; anything else unchanged."""
    if image.mode == "RGB":
        pixels = image.tobytes()
        if pixels[::3] == pixels[1::3] == pixels[2::3]:
            return image.getchannel(0)
    return image
