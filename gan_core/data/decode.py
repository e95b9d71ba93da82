"""Any picture to square uint8 pixels: one function from bytes, and the steps it is made of.

Runs inside a limited child process (pool.py), since the bytes come from strangers. What Pillow's plain `convert("RGB")`
gets wrong is done here by hand: 16-bit values are scaled and not clipped, transparency is laid on white, not dropped.
Metadata never leaves this file.
"""

import io
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin, WebPImagePlugin  # noqa: F401  (the last two register formats)

Fit = Literal["crop", "pad", "stretch"]
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 50_000_000
MAX_SIDE = 16_384
MIN_SIDE = 4
DRAFT_GAP = 3  # a JPEG may be decoded small, but stays this many times larger than what is kept

MAGIC = (
    (b"%PDF", "a PDF"),
    (b"%!PS", "a PostScript file"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\3\4", "a zip"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x1f\x8b", "a gzip file"),
    (b"Rar!", "a rar archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
)
DAMAGED = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8", "JPEG"),
    (b"RIFF", "WebP"),
    (b"BM", "BMP"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)


class NotReadable(ValueError):
    """A file that gives no picture; the text is a short plain reason."""


class Picture(NamedTuple):
    """pixels: uint8, [H, W] of a grey picture (also when stored as RGB), else [H, W, 3]. The rest: the source."""

    pixels: np.ndarray
    width: int
    height: int
    mode: str


def decode(data: bytes, size: int, fit: Fit) -> Picture:
    """The first frame of a picture file as size x size pixels. Raises NotReadable, whatever is wrong with the bytes."""
    if not data:
        raise NotReadable("the file is empty")
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except MemoryError:
        raise NotReadable("it needs too much memory to read") from None
    except Exception as error:  # Pillow lets many types escape from damaged headers
        if isinstance(error, Image.DecompressionBombError):
            raise NotReadable("too large: at most 50 megapixels are read") from None
        raise NotReadable(_what_it_is(data)) from None
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise NotReadable(f"too large: {width:,} × {height:,} pixels, at most 50 megapixels are read")
    if min(width, height) < MIN_SIDE:
        raise NotReadable(f"too small: {width} × {height} pixels")
    mode = image.mode
    try:
        if image.format == "JPEG" and min(width, height) > size * DRAFT_GAP:
            image.draft(None, (size * DRAFT_GAP, size * DRAFT_GAP))  # type: ignore[arg-type]
        image.load()
        image = fit_square(flatten(_upright(image)), size, fit)
    except NotReadable:
        raise
    except MemoryError:
        raise NotReadable("it needs too much memory to read") from None
    except Exception as error:
        cut = isinstance(error, EOFError) or "truncated" in str(error)
        raise NotReadable("cut off: the file is incomplete" if cut else "the picture is damaged") from None
    return Picture(grey_if_grey(np.asarray(image)), width, height, mode)


def flatten(image: Image.Image) -> Image.Image:
    """The same picture in mode L or RGB: deep values scaled linearly to 0..255, transparency laid on white."""
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_to_8_bits(np.asarray(image), declared_16=image.mode.startswith("I;16")))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def fit_square(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """An L or RGB picture as size x size: middle square cut out, padded with white, or stretched. Antialiased."""
    width, height = image.size
    if fit == "pad" and width != height:
        scale = size / max(width, height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        square = Image.new(image.mode, (size, size), "white")
        square.paste(_resize(image, inner, (0, 0, width, height)), ((size - inner[0]) // 2, (size - inner[1]) // 2))
        return square
    box: tuple[float, float, float, float] = (0, 0, width, height)
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
    return _resize(image, (size, size), box)


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


def _resize(image: Image.Image, to: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    if box == (0, 0, *image.size) and to == image.size:
        return image
    shrinks = box[2] - box[0] > to[0] or box[3] - box[1] > to[1]
    return image.resize(to, Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC, box=box)


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says. Asked only where there may be EXIF (parsing costs as much as a small PNG)."""
    names = " ".join(map(str, image.info)).lower()
    if image.format != "TIFF" and "exif" not in names and "xmp" not in names:
        return image
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken metadata is no reason to lose a whole picture
        return image


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


def _what_it_is(data: bytes) -> str:
    """A reason for bytes that no allowed format recognises."""
    head = data[:512].lstrip().lower()
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"avif"):
        return "a HEIC or AVIF photo, which is not read: save it as JPEG or PNG"
    if b"<svg" in head:
        return "not a picture made of pixels: an SVG drawing, save it as PNG"
    if head.startswith((b"<!doctype", b"<html")):
        return "not a picture: it looks like a web page"
    kind = next((kind for magic, kind in MAGIC if data.startswith(magic)), None)
    if kind:
        return f"not a picture: it looks like {kind}"
    kind = next((kind for magic, kind in DAMAGED if data.startswith(magic)), None)
    if kind:
        return f"a damaged or unusual {kind} file"
    try:
        data[:512].decode("ascii")
        return "not a picture: it looks like text"
    except UnicodeDecodeError:
        return "not a picture: PNG, JPEG, WebP, BMP, GIF and TIFF are read"
