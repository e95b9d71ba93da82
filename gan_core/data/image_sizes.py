"""The usual size of the images of a source, from the first bytes of a few of them; nothing is decoded."""

import statistics
import struct
from pathlib import Path

from gan_core.data.sources import Listing, read_beginning

LOOKED_AT = 24  # images, evenly spread
START_BYTES = 1 << 18  # a camera may put a preview of itself before the size
NO_FRAME = {0xC4, 0xC8, 0xCC}  # JPEG markers among those of frames that start none
BARE = {0x01, *range(0xD0, 0xDA)}  # JPEG markers without a length


def usual_shorter_side(listing: Listing, indices: list[int], zip_path: Path | None) -> int | None:
    """The median of the shorter sides of a few PNG and JPEG files in px; None where the first bytes of none of them say it."""
    step = -(-len(indices) // LOOKED_AT) or 1
    starts = (read_beginning(listing, index, zip_path, START_BYTES) for index in indices[::step])
    sides = [side for start in starts if start and (side := shorter_side(start))]
    return round(statistics.median(sides)) if sides else None


def shorter_side(start: bytes) -> int | None:
    """Of a PNG or JPEG that begins so, in px; None for other bytes."""
    if start[:8] == b"\x89PNG\r\n\x1a\n" and start[12:16] == b"IHDR" and len(start) >= 24:
        return min(struct.unpack_from(">II", start, 16)) or None
    if start[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(start) and start[at] == 0xFF:
        marker = start[at + 1]
        if marker == 0xFF or marker in BARE:  # a fill byte, or a marker that stands alone
            at += 1 if marker == 0xFF else 2
        elif 0xC0 <= marker <= 0xCF and marker not in NO_FRAME:
            return min(struct.unpack_from(">HH", start, at + 5)) or None
        else:
            at += 2 + struct.unpack_from(">H", start, at + 2)[0]
    return None
