"""Any image to square uint8 pixels: one function from bytes, and the steps it is made of.

Runs inside a limited child process (decoder_pool.py), since the bytes come from strangers. Metadata never leaves this file.
"""

import io
from typing import Literal, NamedTuple

from PIL import Image, ImageOps, TiffImagePlugin, WebPImagePlugin  # noqa: F401  (the last two register formats)

from gan_core.data import png_reader
from gan_core.data.color import WHITE, Color, flatten, grey_if_grey
from gan_core.data.file_types import NotReadable, what_it_is

Fit = Literal["crop", "pad", "stretch"]
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 50_000_000
MAX_SIDE = 16_384
MIN_SIDE = 4
MOST_ENLARGED = 4  # times; what is smaller still has too little to show
DRAFT_GAP = 3  # a JPEG may be decoded small, but stays this many times larger than what is kept


class Picture(NamedTuple):
    """image: mode L of a grey image (also when stored as RGB), else RGB. The rest: the source.

    animated: the file holds more images than this one: frames or pages.
    """

    image: Image.Image
    width: int
    height: int
    mode: str
    animated: bool = False


def decode(data: bytes, size: int, fit: Fit, background: Color = WHITE) -> Picture:
    """The first frame of an image file as size x size pixels. Raises NotReadable, whatever is wrong with the bytes.

    background: what lies behind transparency and beside a padded image.
    """
    if not data:
        raise NotReadable("the file is empty")
    image: Image.Image | None
    try:
        image = png_reader.read(data, MAX_PIXELS)
    except MemoryError:
        raise NotReadable("it needs too much memory to read") from None
    return _decode_any(data, size, fit, background) if image is None else fitted(image, size, fit, background)


def fitted(image: Image.Image, size: int, fit: Fit, background: Color = WHITE) -> Picture:
    """decode of an image that is there already, L or RGB. Raises NotReadable where its sides are out of bounds."""
    check_sides(*image.size, size)
    return Picture(grey_if_grey(fit_square(image, size, fit, background)), *image.size, image.mode)


def _decode_any(data: bytes, size: int, fit: Fit, background: Color) -> Picture:
    """decode by way of Pillow's own readers."""
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except MemoryError:
        raise NotReadable("it needs too much memory to read") from None
    except Exception as error:  # Pillow lets many types escape from damaged headers
        if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
            raise NotReadable("too large: at most 50 megapixels are read") from None
        raise NotReadable(what_it_is(data)) from None
    width, height = image.size
    check_sides(width, height, size)
    mode, kind = image.mode, image.format
    try:
        if kind == "JPEG" and min(width, height) > size * DRAFT_GAP:
            image.draft(None, (size * DRAFT_GAP, size * DRAFT_GAP))  # type: ignore[arg-type]
        image.load()
        image = fit_square(flatten(_upright(image), background), size, fit, background)
    except NotReadable:
        raise
    except MemoryError:
        raise NotReadable("it needs too much memory to read") from None
    except Exception as error:
        cut = isinstance(error, EOFError) or "truncated" in str(error)
        raise NotReadable("cut off: the file is incomplete" if cut else "the image is damaged") from None
    animated = kind in ("PNG", "WEBP", "GIF", "TIFF") and _is_animated(data)
    return Picture(grey_if_grey(image), width, height, mode, animated)


def check_sides(width: int, height: int, size: int) -> None:
    """Raises NotReadable where the sides are out of bounds for images of size x size."""
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise NotReadable(f"too large: {width:,} × {height:,} pixels, at most 50 megapixels are read")
    if min(width, height) < MIN_SIDE:
        raise NotReadable(f"too small: {width} × {height} pixels")
    if min(width, height) * MOST_ENLARGED < size:
        raise NotReadable(f"too small: {width} × {height} pixels for {size} px")


def fit_square(image: Image.Image, size: int, fit: Fit, background: Color = WHITE) -> Image.Image:
    """An L or RGB image as size x size: middle square cut out, padded, or stretched. Antialiased.

    Padding in a colour makes a grey image RGB.
    """
    width, height = image.size
    if fit == "pad" and width != height:
        scale = size / max(width, height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = len(set(background)) == 1
        image = image if grey or image.mode == "RGB" else image.convert("RGB")
        square = Image.new(image.mode, (size, size), background if image.mode == "RGB" else background[0])
        square.paste(_resize(image, inner, (0, 0, width, height)), ((size - inner[0]) // 2, (size - inner[1]) // 2))
        return square
    box: tuple[float, float, float, float] = (0, 0, width, height)
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
    return _resize(image, (size, size), box)


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
    except Exception:  # broken metadata is no reason to lose a whole image
        return image


def _is_animated(data: bytes) -> bool:
    """Does the file hold another frame or page? Opened anew, since looking for it moves a reader on."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # what follows the first image is damaged, and is not read
        return False
