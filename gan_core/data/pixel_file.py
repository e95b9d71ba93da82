"""Decoded pixels on their way into a data set: a file with one slot per picture, read in pieces and never whole.

Read and written as a plain file: the pages of a memory map would count as this process's memory, all of them in the end.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from gan_core.data.import_report import Record
from gan_core.data.pixel_arrays import to_mode
from gan_core.errors import UserError

CHUNK_BYTES = 8 << 20
CHUNK_IMAGES = 512
WASTE = 4  # slots are read in one piece where that is no more than so many times what is wanted of it


def make_slots(path: Path, count: int, size: int) -> None:
    """An empty file with a slot of 3 * size * size bytes per picture; grey pictures leave two thirds a hole."""
    slot_bytes = count * 3 * size * size
    if shutil.disk_usage(path.parent).free < 2 * slot_bytes:
        raise disk_full()
    with open(path, "xb") as file:
        file.truncate(slot_bytes)


def disk_full() -> UserError:
    return UserError("disk_full", "There is too little free disk space for the pixels.", "Free some and import again.")


def chunks(path: Path, rows: Sequence[Record], size: int, mode: Literal["L", "RGB"]) -> Iterator[np.ndarray]:
    """The pictures of rows, in their order, as chunks uint8 [n, size, size, C] of a few megabytes."""
    channels, slot_bytes = 1 if mode == "L" else 3, 3 * size * size
    most = max(1, min(CHUNK_IMAGES, CHUNK_BYTES // slot_bytes))
    with open(path, "rb") as file:
        for start in range(0, len(rows), most):
            chunk = rows[start : start + most]
            slots = read_slots(file.fileno(), [record.slot for record in chunk], slot_bytes)
            if all(record.channels == channels for record in chunk):  # nothing to convert
                yield slots[:, : channels * size * size].reshape(-1, size, size, channels)
                continue
            yield np.stack(
                [to_mode(_picture(pixels, record, size), mode) for pixels, record in zip(slots, chunk, strict=True)]
            )


def read_slots(file: int, wanted: Sequence[int], slot_bytes: int) -> np.ndarray:
    """uint8 [n, slot_bytes] of an open file. In one read where the slots lie near each other, as after sorting."""
    first, last = min(wanted), max(wanted)
    if last - first < WASTE * len(wanted):
        piece = np.frombuffer(os.pread(file, (last - first + 1) * slot_bytes, first * slot_bytes), np.uint8)
        return piece.reshape(-1, slot_bytes)[np.asarray(wanted) - first]
    pieces = b"".join(os.pread(file, slot_bytes, slot * slot_bytes) for slot in wanted)
    return np.frombuffer(pieces, np.uint8).reshape(-1, slot_bytes)


def _picture(pixels: np.ndarray, record: Record, size: int) -> np.ndarray:
    shape = (size, size) if record.channels == 1 else (size, size, 3)
    return pixels[: record.channels * size * size].reshape(shape)
