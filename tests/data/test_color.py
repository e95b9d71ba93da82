"""color.py: golden pixels for inks, profiles and backgrounds."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from gan_core.data.color import flatten
from gan_core.data.decode import decode, fit_square
from gan_core.data.pixel_arrays import to_mode
from gan_core.errors import UserError
from gan_core.requests.import_dataset import rgb
from tests.builders.odd_pictures import (
    COLOURS,
    CYAN_LAB,
    SIDE,
    encoded,
    ink_profile,
    nearly_srgb,
    swapped_profile,
    ycck,
)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def pixel(data: bytes) -> list[int]:
    return np.asarray(flatten(opened(data)).convert("RGB"))[SIDE // 2, SIDE // 2].tolist()


def near(found, golden, steps: int = 3) -> bool:
    return np.abs(np.asarray(found, float) - np.asarray(golden, float)).max() <= steps


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_profile_is_used(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    red = Image.new("RGB", (SIDE, SIDE), (255, 0, 0))
    assert near(pixel(encoded(red, kind, icc_profile=swapped_profile(), **options)), (0, 255, 0), 6)
    assert near(pixel(encoded(red, kind, **options)), (255, 0, 0), 6)


def test_transparency_and_palettes_keep_their_profile():
    half = Image.new("RGBA", (SIDE, SIDE), (255, 0, 0, 128))
    assert near(pixel(encoded(half, icc_profile=swapped_profile())), (127, 255, 127))
    palette = Image.new("P", (SIDE, SIDE), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert near(pixel(encoded(palette, icc_profile=swapped_profile())), (0, 255, 0))


def test_srgb_by_another_name_leaves_every_pixel():
    image, profile = Image.fromarray(COLOURS), nearly_srgb()
    by_lcms = ImageCms.profileToProfile(image, io.BytesIO(profile), ImageCms.createProfile("sRGB"))
    moved = np.abs(np.asarray(by_lcms, int) - COLOURS)
    assert moved.any() and np.quantile(moved, 0.99) <= 2  # it would move some, and nobody could see it
    assert np.array_equal(np.asarray(flatten(opened(encoded(image, icc_profile=profile)))), COLOURS)


def test_inks_are_converted_by_their_profile_and_plainly_without():
    cyan, golden = Image.new("CMYK", (SIDE, SIDE), (255, 0, 0, 0)), Image.new("LAB", (1, 1), CYAN_LAB).convert("RGB")
    for kind, steps in (("TIFF", 3), ("JPEG", 6)):
        assert near(pixel(encoded(cyan, kind, icc_profile=ink_profile())), golden.getpixel((0, 0)), steps)
        assert near(pixel(encoded(cyan, kind)), (0, 255, 255), 6)
    paper = Image.new("CMYK", (SIDE, SIDE), (0, 0, 0, 0))
    assert near(pixel(encoded(paper, "TIFF", icc_profile=ink_profile())), (255, 255, 255))


@pytest.mark.parametrize("profile", [b"nonsense", swapped_profile()[:200], bytes(500), ink_profile()])
def test_a_bad_profile_is_ignored(profile):
    image = Image.fromarray(COLOURS)
    assert np.array_equal(np.asarray(flatten(opened(encoded(image, "TIFF", icc_profile=profile)))), COLOURS)
    cmyk = Image.new("CMYK", (SIDE, SIDE), (255, 0, 0, 0))
    if profile != ink_profile():
        assert near(pixel(encoded(cmyk, "TIFF", icc_profile=profile)), (0, 255, 255))


@pytest.mark.parametrize("value", [(255, 128, 128, 255), (120, 100, 160, 255), (200, 90, 110, 128), (76, 85, 255, 255)])
def test_ycck(value):
    """Y, Cb, Cr as JFIF has them give R, G, B; Photoshop stores all four planes inverted; K darkens."""
    Y, blue, red, key = value
    rgb = np.clip(
        (Y + 1.402 * (red - 128), Y - 0.344136 * (blue - 128) - 0.714136 * (red - 128), Y + 1.772 * (blue - 128)),
        0,
        255,
    )
    golden = (255 - rgb) * key / 255
    picture = decode(ycck(value), SIDE - 8, "crop")
    assert picture.mode == "CMYK" and near(to_mode(np.asarray(picture.image), "RGB")[5, 5], golden, 4)


def test_backgrounds():
    clear = Image.new("RGBA", (SIDE, SIDE), (255, 0, 0, 0))
    half = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 128))
    for name, golden in (("white", 255), ("black", 0), ("grey", 128)):
        behind = np.asarray(decode(encoded(clear), 32, "crop", rgb(name)).image)
        assert behind.shape == (32, 32) and (behind == golden).all()
    assert near(np.asarray(decode(encoded(half), 32, "crop", rgb("#ff8000")).image)[0, 0], (127, 64, 0), 1)
    assert (np.asarray(decode(encoded(clear), 32, "crop", rgb("#0A141E")).image) == (10, 20, 30)).all()


def test_padding_takes_the_background():
    wide = Image.new("L", (40, 20), 7)
    grey = np.asarray(fit_square(wide, 40, "pad", rgb("black")))
    assert grey.shape == (40, 40) and (grey[:9] == 0).all() and (grey[12:28] == 7).all()
    coloured = np.asarray(fit_square(wide, 40, "pad", rgb("#ff0000")))
    assert (coloured[0, 0] == (255, 0, 0)).all() and (coloured[20, 20] == 7).all()
    assert (np.asarray(fit_square(Image.new("RGB", (20, 40)), 40, "pad", rgb("#00ff00")))[0, 0] == (0, 255, 0)).all()


@pytest.mark.parametrize("text", ["", "red", "#fff", "#ggffff", "#1234567", None, 7])
def test_what_is_no_colour_is_refused(text):
    with pytest.raises(UserError) as caught:
        rgb(text)
    assert caught.value.code == "bad_background"
