"""A large export as WebDataset shards: tar files of SHARD_IMAGES images in random order, so that a reader can stream them.

Of each image there is KEY.png (or jpg, webp), KEY.cls (the number of its class) and KEY.json (what metadata.csv says elsewhere).
"""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gan_core.data.split_names import Split
from gan_core.export.contents import FOLDERS, Group
from gan_core.export.zip_file import member

SHARD_IMAGES = 10_000
FIXED_SECONDS = 315_532_800  # 1980-01-01, as in the zip


class Shards:
    """Which shard and key each image of a split gets."""

    def __init__(self, groups: list[Group], seed: int, ending: str):
        self.ending, self.groups, self.firsts = ending, groups, dict[Group, int]()
        self.splits = list(dict.fromkeys(group.split for group in groups if group.images))
        self.orders: dict[Split, np.ndarray] = {}  # split -> the number of the image at each place
        self.places: dict[Split, np.ndarray] = {}  # and the other way round
        for at, split in enumerate(self.splits):
            total = 0
            for group in groups:
                if group.split == split:
                    self.firsts[group] = total
                    total += group.images
            self.orders[split] = np.random.default_rng([seed, at]).permutation(total)
            self.places[split] = np.argsort(self.orders[split])

    def file_name(self, group: Group, number: int) -> str:
        """Where an image of a group lies: shard/key.ending."""
        place = int(self.places[group.split][self.firsts[group] + number])
        return f"{shard_name(group.split, place)}/{key(place)}.{self.ending}"

    def items(self, split: Split) -> Iterator[tuple[Group, int]]:
        """(group, number in it) of each image of a split, in the order of its shards."""
        mine = [group for group in self.groups if group.split == split and group.images]
        ends = np.cumsum([group.images for group in mine])
        for number in self.orders[split].tolist():
            at = int(np.searchsorted(ends, number, side="right"))
            yield mine[at], number - int(ends[at]) + mine[at].images

    def write(
        self,
        archive: zipfile.ZipFile,
        files: Callable[[Group, int, int], Iterator[bytes]],
        facts: Callable[[Group, int], dict[str, Any]],
        on_images: Callable[[int], None],
    ) -> None:
        """files(group, start, count) -> the bytes of image files; facts(group, number) -> the JSON of each, after its file."""
        for split in self.splits:
            items, total = self.items(split), len(self.orders[split])
            for first in range(0, total, SHARD_IMAGES):
                with (
                    archive.open(member(shard_name(split, first)), "w", force_zip64=True) as out,
                    tarfile.open(fileobj=out, mode="w|", format=tarfile.USTAR_FORMAT) as tar,
                ):
                    for place in range(first, min(total, first + SHARD_IMAGES)):
                        group, number = next(items)
                        add(tar, f"{key(place)}.{self.ending}", next(files(group, number, 1)))
                        add(tar, f"{key(place)}.cls", str(group.label).encode())
                        add(tar, f"{key(place)}.json", json.dumps(facts(group, number)).encode())
                        on_images(1)


def shard_name(split: Split, place: int) -> str:
    return f"{FOLDERS[split]}-{place // SHARD_IMAGES:05d}.tar"


def key(place: int) -> str:
    return f"{place:09d}"


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(data), FIXED_SECONDS, 0o644
    tar.addfile(info, io.BytesIO(data))
