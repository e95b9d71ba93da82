"""A loose folder of images as an array: the same decoding and the same fit as an import, without a dataset."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from gan_core.data.decoder_pool import DecodeSettings, decode_all
from gan_core.data.pixel_arrays import to_mode
from gan_core.data.sources import check_folder, list_folder
from gan_core.errors import UserError

MOST_BYTES = 8 << 30  # of decoded pixels, on disk


class Pictures(NamedTuple):
    """images uint8 [N, S, S, C], a memory map; names of their files; rejected: (name, reason)."""

    images: np.ndarray
    names: list[str]
    rejected: list[tuple[str, str]]


def read_pictures(
    folder: Path,
    scratch: Path,
    settings: DecodeSettings,
    mode: Literal["L", "RGB"],
    should_stop: Callable[[], bool],
) -> Pictures:
    """Every image below `folder`, in the order of its name. scratch: an existing folder that gets the pixels.

    Raises UserError where the folder is not one to read or holds no image, and Stopped.
    """
    check_folder(folder, scratch)
    listing = list_folder(folder)
    wanted = sorted(
        (name, job) for name, job in zip(listing.names, listing.jobs, strict=True) if isinstance(job, tuple)
    )
    rejected = [(name, job) for name, job in zip(listing.names, listing.jobs, strict=True) if isinstance(job, str)]
    size = settings.size
    stride = 3 * size * size
    if len(wanted) * stride > MOST_BYTES:
        raise UserError(
            "too_many_files", f"The folder holds {len(wanted):,} files, too many at once.", "Score a part of it."
        )
    if shutil.disk_usage(scratch).free < 3 * len(wanted) * stride:
        raise UserError("disk_full", "There is too little free disk space for the pixels.", "Free some and try again.")
    pixels = scratch / "images.tmp"
    with open(pixels, "xb") as file:
        file.truncate(len(wanted) * stride)
    channels = 3 if mode == "RGB" else 1
    found: dict[int, int] = {}
    jobs = [job for _, job in wanted]
    for answer in decode_all(jobs, pixels, settings, should_stop=should_stop):
        if answer.channels:
            found[answer.position] = answer.channels
        else:
            rejected.append((wanted[answer.position][0], answer.reason))
    if not found:
        raise UserError(
            "no_images", f"No image in {os.fspath(folder)!r} could be read.", "Use PNG, JPEG, WebP, BMP, GIF or TIFF."
        )
    raw = np.memmap(pixels, np.uint8, "r", shape=(len(wanted), stride))
    images = np.lib.format.open_memmap(scratch / "images.npy", "w+", np.uint8, (len(found), size, size, channels))
    order = sorted(found)
    for row, position in enumerate(order):
        picture = raw[position, : found[position] * size * size].reshape(size, size, -1)
        images[row] = to_mode(picture[..., 0] if found[position] == 1 else picture, mode)
    return Pictures(images, [wanted[position][0] for position in order], sorted(rejected))
