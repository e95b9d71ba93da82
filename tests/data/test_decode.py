"""decode.py: golden pixels for every kind of picture, and a plain reason for every other kind of file."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gan_core.data.decode import decode, fit_square
from gan_core.data.file_types import NotReadable
from gan_core.data.pixel_arrays import to_mode


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(image: Image.Image, kind: str = "PNG", size: int = 32, fit="crop", **options) -> np.ndarray:
    return np.asarray(decode(encoded(image, kind, **options), size, fit).image)


def reason(data: bytes) -> str:
    with pytest.raises(NotReadable) as caught:
        decode(data, 32, "crop")
    assert len(str(caught.value)) < 100 and "\n" not in str(caught.value)
    return str(caught.value)


RAMP = np.arange(32 * 32, dtype=np.uint32).reshape(32, 32)
COLOURS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_pixels_of_the_right_size_are_untouched(kind):
    assert np.array_equal(pixels(Image.fromarray(COLOURS), kind), COLOURS)
    grey = COLOURS[..., 0].copy()
    assert np.array_equal(pixels(Image.fromarray(grey), kind), grey)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_lossy_kinds_come_out_near(kind):
    flat = Image.new("RGB", (32, 32), (200, 30, 60))
    assert np.abs(pixels(flat, kind).astype(int) - (200, 30, 60)).max() <= 6


def test_16_bits_are_scaled_and_not_clipped():
    values = (RAMP * 64).astype(np.uint16)
    golden = np.rint(values / 257).astype(np.uint8)
    for kind in ("PNG", "TIFF"):
        assert np.array_equal(pixels(Image.fromarray(values), kind), golden)
    assert golden.max() == 255 and len(np.unique(golden)) == 256


@pytest.mark.parametrize(
    ("values", "golden"),
    [
        ((RAMP * 64).astype(np.int32), np.rint(RAMP * 64 / 257)),
        ((RAMP % 256).astype(np.int32), RAMP % 256),
        ((RAMP / 1023).astype(np.float32), np.rint(RAMP / 1023 * 255)),
        ((RAMP % 256).astype(np.float32), RAMP % 256),
        ((RAMP * 2.0 - 1023).astype(np.float32), np.rint(RAMP / 1023 * 255)),
        (np.zeros((32, 32), np.float32), np.zeros((32, 32))),
        ((RAMP / 1000).astype(np.float32), np.minimum(RAMP / 1000 * 255, 255)),  # a little over the top: cut there
        ((RAMP / 4 + 0.5).astype(np.float32), np.minimum(RAMP / 4 + 0.5, 255)),
        ((RAMP % 2).astype(np.int32), RAMP % 2),
    ],
)
def test_deep_pictures_are_scaled_linearly(values, golden):
    assert np.abs(pixels(Image.fromarray(values), "TIFF").astype(int) - golden).max() <= 1


def test_values_that_are_not_numbers_are_refused():
    assert "not numbers" in reason(encoded(Image.fromarray(np.full((8, 8), np.nan, np.float32)), "TIFF"))


def test_transparency_is_laid_on_white():
    hidden = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    assert (pixels(hidden) == 255).all()
    half = Image.new("RGBA", (32, 32), (0, 0, 0, 128))
    assert np.abs(pixels(half).astype(int) - 127).max() <= 1 and pixels(half).ndim == 2
    palette = Image.new("P", (32, 32), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert (pixels(palette, transparency=1) == 255).all()
    assert np.array_equal(pixels(palette)[0, 0], [255, 0, 0])
    assert (pixels(Image.new("LA", (32, 32), (0, 0))) == 255).all()
    assert (pixels(Image.new("RGB", (32, 32), (1, 2, 3)), transparency=(1, 2, 3)) == 255).all()


def test_other_modes():
    assert np.array_equal(pixels(Image.new("1", (32, 32), 1)), np.full((32, 32), 255))
    cmyk = decode(encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG"), 32, "crop")
    assert cmyk.mode == "CMYK" and np.abs(np.asarray(cmyk.image, int) - (255, 0, 0)).max() <= 6
    lab = Image.new("LAB", (32, 32), (255, 128, 128))
    assert pixels(lab, "TIFF").min() > 240


def test_grey_stored_as_rgb_is_grey():
    grey = np.repeat(COLOURS[..., :1], 3, axis=2)
    assert pixels(Image.fromarray(grey)).shape == (32, 32)
    assert pixels(Image.fromarray(COLOURS)).shape == (32, 32, 3)


def test_exif_turns_the_picture():
    image = Image.fromarray(COLOURS)
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("PNG", "TIFF"):
        assert np.array_equal(pixels(image, kind, exif=exif), np.rot90(COLOURS, -1))
    assert pixels(image, "PNG", exif=b"Exif\0\0nonsense").shape == (32, 32, 3)  # bad EXIF loses no picture


def test_the_first_frame_counts():
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        first = pixels(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert np.array_equal(first[5, 5], [255, 0, 0])


def test_fits():
    wide = Image.new("RGB", (96, 32), "red")
    wide.paste("blue", (32, 0, 64, 32))
    crop, pad, stretch = (np.asarray(fit_square(wide, 32, fit)) for fit in ("crop", "pad", "stretch"))
    assert (crop == (0, 0, 255)).all()
    assert (pad[[0, -1]] == 255).all() and np.array_equal(pad[16, 2], [255, 0, 0])
    assert np.array_equal(stretch[16, 2], [255, 0, 0]) and np.array_equal(stretch[16, 16], [0, 0, 255])
    for fit in ("crop", "pad", "stretch"):
        for width, height in ((1000, 3), (3, 1000), (8, 8), (33, 31)):
            assert fit_square(Image.new("L", (width, height)), 28, fit).size == (28, 28)


def test_resizing_is_antialiased_both_ways():
    board = np.indices((256, 256)).sum(0) % 2 * 255
    assert np.abs(pixels(Image.fromarray(board.astype(np.uint8))).astype(int) - 127).max() <= 2
    step = np.zeros((8, 8), np.uint8)
    step[:, 4:] = 255
    assert len(np.unique(pixels(Image.fromarray(step)))) > 2  # bicubic and not nearest


def test_a_jpeg_decoded_small_stays_near_the_full_decode():
    y, x = np.mgrid[0:1024, 0:1024]
    image = Image.fromarray((127 + 120 * np.sin(x / 90) * np.cos(y / 70)).astype(np.uint8))
    assert np.abs(pixels(image, "JPEG", quality=95).astype(int) - pixels(image)).max() <= 6


def test_to_mode():
    grey, colour = COLOURS[..., 0], COLOURS
    assert to_mode(grey, "L").shape == (32, 32, 1) and to_mode(colour, "L").shape == (32, 32, 1)
    assert np.array_equal(to_mode(grey, "RGB"), np.repeat(grey[..., None], 3, 2)) and to_mode(colour, "RGB") is colour
    red = to_mode(np.full((2, 2, 3), (255, 0, 0), np.uint8), "L")
    assert (red == round(255 * 0.299)).all()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello, I am text" * 9, "text"),
        (b"<!DOCTYPE html><p>", "web page"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF", "PostScript"),
        (b'<?xml version="1.0"?><svg>', "SVG"),
        (b"\0\0\0\x18ftypheic\0\0", "HEIC"),
        (b"PK\3\4" + bytes(40), "zip"),
        (b"8BPS" + bytes(40), "Photoshop"),
        (bytes(range(128, 256)), "not an image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9), "PNG"),
        (b"RIFF1234WEBPnothing", "WebP"),
    ],
)
def test_what_is_no_picture_is_told_by_kind(data, words):
    assert words in reason(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_a_cut_off_file_is_refused(kind):
    data = encoded(Image.fromarray(COLOURS), kind)
    assert reason(data[: int(len(data) * 0.6)])


@pytest.mark.slow
def test_sizes_are_checked_before_the_pixels_exist():
    assert "too large: 8,000 × 7,000" in reason(encoded(Image.new("1", (8000, 7000))))
    assert "too large" in reason(encoded(Image.new("1", (16_385, 4))))
    assert "too large" in reason(encoded(Image.new("1", (20_000, 20_000))))  # Pillow itself calls this a bomb
    assert "too small: 1 × 1" in reason(encoded(Image.new("L", (1, 1))))


@pytest.mark.parametrize(("side", "size"), [(7, 32), (15, 64), (63, 256), (4, 28)])
def test_less_than_a_quarter_of_the_size_is_too_little(side, size):
    for image in (Image.new("L", (side + 2, side)), Image.new("RGBA", (side, side + 90))):
        with pytest.raises(NotReadable) as caught:
            decode(encoded(image), size, "crop")
        assert "too small" in str(caught.value) and f"{image.width} × {image.height}" in str(caught.value)
    assert decode(encoded(Image.new("L", (size // 4, 99))), size, "crop").image.size == (size, size)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_frames_are_told(kind):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    several = decode(encoded(frames[0], kind, save_all=True, append_images=frames[1:]), 32, "crop")
    assert several.animated and np.abs(np.asarray(several.image, int)[5, 5] - (255, 0, 0)).max() <= 6
    assert not decode(encoded(frames[0], kind), 32, "crop").animated


@settings(max_examples=150, deadline=None)
@given(st.data())
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on broken TIFF tags
def test_mutants_give_pixels_or_a_reason(data):
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"]))
    original = bytearray(encoded(Image.fromarray(COLOURS), kind))
    for _ in range(data.draw(st.integers(1, 3))):
        original[data.draw(st.integers(0, len(original) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode(bytes(original), 28, "crop").image.size == (28, 28)
    except NotReadable:
        pass
