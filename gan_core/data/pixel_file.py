"""The pixel file of an import: decoded images on their way into a dataset, read in pieces and never whole.

Each image has 3 * size * size bytes at its position; a grey one uses a third of them. It is read and written as a plain file: the
pages of a memory map would count as this process's memory, all of them in the end.
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
WASTE = 4  # images are read in one piece where that is no more than so many times what is wanted of it


def create(path: Path, count: int, size: int) -> None:
    """A new file with room for so many images. Raises UserError disk_full."""
    wanted = count * 3 * size * size
    if shutil.disk_usage(path.parent).free < 2 * wanted:
        raise disk_full()
    with open(path, "xb") as file:
        file.truncate(wanted)


def disk_full() -> UserError:
    return UserError("disk_full", "There is too little free disk space for the pixels.", "Free some and import again.")


def chunks(path: Path, rows: Sequence[Record], size: int, mode: Literal["L", "RGB"]) -> Iterator[np.ndarray]:
    """The images of rows, in their order, as chunks uint8 [n, size, size, C] of a few megabytes."""
    channels, picture_bytes = 1 if mode == "L" else 3, 3 * size * size
    most = max(1, min(CHUNK_IMAGES, CHUNK_BYTES // picture_bytes))
    with open(path, "rb") as file:
        for start in range(0, len(rows), most):
            chunk = rows[start : start + most]
            found = read(file.fileno(), [record.position for record in chunk], picture_bytes)
            if all(record.channels == channels for record in chunk):  # nothing to convert
                yield found[:, : channels * size * size].reshape(-1, size, size, channels)
                continue
            yield np.stack(
                [to_mode(_picture(pixels, record, size), mode) for pixels, record in zip(found, chunk, strict=True)]
            )


def read(file: int, wanted: Sequence[int], picture_bytes: int) -> np.ndarray:
    """uint8 [n, picture_bytes] of an open file, by positions. In one read where they lie near each other, as after sorting."""
    first, last = min(wanted), max(wanted)
    if last - first < WASTE * len(wanted):
        piece = np.frombuffer(os.pread(file, (last - first + 1) * picture_bytes, first * picture_bytes), np.uint8)
        return piece.reshape(-1, picture_bytes)[np.asarray(wanted) - first]
    pieces = b"".join(os.pread(file, picture_bytes, position * picture_bytes) for position in wanted)
    return np.frombuffer(pieces, np.uint8).reshape(-1, picture_bytes)


def _picture(pixels: np.ndarray, record: Record, size: int) -> np.ndarray:
    shape = (size, size) if record.channels == 1 else (size, size, 3)
    return pixels[: record.channels * size * size].reshape(shape)
