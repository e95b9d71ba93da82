"""A fast reader of plain PNG files: 8-bit grey or RGB, not interlaced, with nothing in them but pixels.

It takes a third of Pillow's time, most of which goes into walking through the chunks of a small file. Here the walk is one loop,
and the pixels come from Pillow's own decoder, so they are the same. Any other or damaged file is left to Pillow, which says why.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
HEADER = struct.Struct(">LLBBBBBL")  # width, height, bits, colour, compression, filter, interlace, checksum
CHUNK = struct.Struct(">L4s")
MODES = {0: "L", 2: "RGB"}
HARMLESS = {b"pHYs": 9, b"gAMA": 4, b"sRGB": 1}  # chunks that an import does not need, with their lengths


class Plain(NamedTuple):
    """A plain PNG of which every checksum is right. packed: what its IDAT chunks hold together."""

    mode: str
    width: int
    height: int
    packed: bytes

    @property
    def row_bytes(self) -> int:
        return self.width * len(self.mode)


def find(data: bytes, max_pixels: int) -> Plain | None:
    """None where it is not a plain PNG of at most max_pixels."""
    if not data.startswith(START) or len(data) < 57:
        return None
    width, height, bits, color, *rest, checksum = HEADER.unpack_from(data, 16)
    if bits != 8 or color not in MODES or any(rest) or not 0 < width * height <= max_pixels:
        return None
    if zlib.crc32(data[12:29]) != checksum:
        return None
    packed = _packed_pixels(data)
    return None if packed is None else Plain(MODES[color], width, height, packed)


def read(data: bytes, max_pixels: int) -> Image.Image | None:
    """The image in mode L or RGB, loaded; None where it is not a plain PNG of at most max_pixels."""
    plain = find(data, max_pixels)
    return plain and _decoded(plain.mode, (plain.width, plain.height), plain.packed)


def read_together(pictures: Sequence[Plain]) -> list[Image.Image | None]:
    """Each as `read` gives it, but those of one shape by one call of the decoder: of a small image the call costs the most.

    They are stacked, each with a row of zeros below it: that is what the first row of a PNG has above it. None where an image
    is not whole and right to the last byte, so that it has to be read alone.
    """
    alike: dict[tuple[str, int, int], list[tuple[int, bytes]]] = {}
    for at, plain in enumerate(pictures):
        inflate, wanted = zlib.decompressobj(), plain.height * (1 + plain.row_bytes)
        try:
            rows = inflate.decompress(plain.packed, wanted + 1)
        except zlib.error:
            continue
        if len(rows) == wanted and inflate.eof and not inflate.unused_data:
            alike.setdefault((plain.mode, plain.width, plain.height), []).append((at, rows))
    images: list[Image.Image | None] = [None] * len(pictures)
    for (mode, width, height), stack in alike.items():
        zeros = bytes(1 + width * len(mode))
        packed = zlib.compress(b"".join([part for _, rows in stack for part in (rows, zeros)]), 0)
        whole = _decoded(mode, (width, (height + 1) * len(stack)), packed)
        if whole is not None:
            for number, (at, _) in enumerate(stack):
                top = number * (height + 1)
                images[at] = whole.crop((0, top, width, top + height))
    return images


def _decoded(mode: str, size: tuple[int, int], packed: bytes) -> Image.Image | None:
    try:
        return Image.frombytes(mode, size, packed, "zip", mode)
    except ValueError:  # too few, or not to be unpacked
        return None


def _packed_pixels(data: bytes) -> bytes | None:
    """What the IDAT chunks hold together; None where a chunk is damaged, missing, or of a kind that matters."""
    at, pieces, ended = 33, list[bytes](), False
    while at + 12 <= len(data):
        length, kind = CHUNK.unpack_from(data, at)
        end = at + 8 + length
        if end + 4 > len(data) or zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4]):
            return None
        if kind == b"IDAT" and not ended:
            pieces.append(data[at + 8 : end])
        elif kind == b"IEND" and not length and pieces:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        elif HARMLESS.get(kind) == length:
            ended = bool(pieces)
        else:
            return None
        at = end + 4
    return None
