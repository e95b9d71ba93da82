"""The balanced dataset as one zip: train/<class>/*.png, test/<class>/*.png, metadata in each, manifest.json, README.md.

The same inputs give the same bytes: members are stored, not deflated (a PNG already is), with a fixed time and mode.
"""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped
from gan_core.export.card import dataset_card
from gan_core.export.manifest import (
    Group,
    csv_lines,
    facts_of,
    looks_like_no_text,
    manifest_lines,
    metadata_rows,
    tally,
)
from gan_core.export.plan import FORMATS, METHODS
from gan_core.export.safe_names import folder_names
from gan_core.export.shards import Shards, write_shards

SCHEMA_VERSION = 3
QUALITY: dict[str, dict[str, Any]] = {"jpeg": {"quality": 95, "subsampling": 0}, "webp": {"quality": 95}}
BATCH_IMAGES = 64  # so many pictures are in memory at a time
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say


class Encoding(NamedTuple):
    """How pictures are written. format: of plan.FORMATS; side: px to resize the longer side to, None as they are."""

    format: str = "png"
    side: int | None = None

    @property
    def ending(self) -> str:
        return FORMATS[self.format]

    def __call__(self, picture: np.ndarray) -> bytes:
        """picture uint8 [H, W, 1 or 3], square or not -> the bytes of a file."""
        image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
        longer = max(image.size)
        if self.side is not None and longer != self.side:
            size = [max(1, round(length * self.side / longer)) for length in image.size]
            image = image.resize(size, Image.Resampling.LANCZOS if self.side < longer else Image.Resampling.BICUBIC)
        file = io.BytesIO()
        image.save(file, self.format.upper(), **QUALITY.get(self.format, {}))
        return file.getvalue()


AS_PNG = Encoding()


def write_zip(
    path: Path,
    *,
    train: ImageSet,
    test: ImageSet | None,
    makers: dict[str, Callable[[int, int, int], np.ndarray]],
    shares: dict[str, dict[str, int]],
    run_id: str,
    seed: int,
    checkpoint_sha256: str,
    dataset_name: str,
    recipe: str,
    originals: bool = True,
    encode: Encoding = AS_PNG,
    layout: str = "imagefolder",
    unpad: Callable[[Group, int, np.ndarray], np.ndarray] = lambda group, number, pixels: pixels,
    unpadded: bool = False,
    notes: list[str] | None = None,
    copying: str = "not checked",
    gate: dict[str, Any] | None = None,
    gate_said: str = "nothing was drawn.",
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Write the zip to path, which must not exist, and return its manifest without the list of synthetic files.

    makers: by method, maker(class index, count, start) -> uint8 [count, H, W, C]: the images start, start + 1, ... of that
    class, the same at every call; a maker with entry(class index, number) tells the manifest more of each. shares: class name ->
    how many images each method makes. The test split is copied as it is. layout: of plan.LAYOUTS. unpad: of unpad.Unpad,
    and unpadded says that it is.
    copying: what the check for copied training images said; gate, gate_said: what the drawn images passed through. Raises Stopped
    as soon as should_stop() says so. Whatever is raised, no half-written file stays.
    """
    groups = list(train_groups(train, shares, originals)) + (list(test_groups(test)) if test is not None else [])
    folders = folder_names(train.classes)
    shards = Shards(groups, seed, encode.ending) if layout == "webdataset" else None
    manifest = {
        "schema": SCHEMA_VERSION,
        "dataset": dataset_name,
        "run": run_id,
        "recipe": recipe,
        "seed": seed,
        "checkpoint_sha256": checkpoint_sha256,
        "originals": originals,
        "notes": notes or [],
        "copying": copying,
        "gate": gate,
        "gate_said": gate_said,
        "layout": layout,
        "format": encode.format,
        "unpadded": unpadded,
        "image_shape": [*[encode.side or side for side in train.images.shape[1:3]], train.images.shape[3]],
        **tally(groups, train.classes, folders),
    }
    total, done = max(1, sum(group.images for group in groups)), 0
    pictures = Pictures(train, test, makers)

    def count(written: int) -> None:
        nonlocal done
        done += written
        if should_stop and should_stop():
            raise Stopped
        if on_progress and (done % BATCH_IMAGES < written or done == total):
            on_progress(done / total, f"Writing {done:,} of {total:,} images")

    path = Path(path)
    with open(path, "xb") as file:
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                if shards:
                    one = lambda group, number: encode(unpad(group, number, pictures(group, number, 1)[0]))
                    facts = lambda group: facts_of(group, train.classes, run_id, seed)
                    write_shards(archive, shards, member, one, facts, count)
                else:
                    write_folders(archive, groups, folders, encode, pictures, unpad, count)
                    write_metadata(archive, groups, train.classes, folders, run_id, seed, encode.ending)
                as_folder = lambda group, number: group.file_name(number, folders, encode.ending)
                name_of = shards.file_name if shards else as_folder
                lines = manifest_lines(manifest, groups, train, makers, name_of)
                write_text(archive, "manifest.json", lines)
                write_text(archive, "README.md", iter([dataset_card(manifest)]))
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise
    return manifest


def write_folders(
    archive: zipfile.ZipFile,
    groups: list[Group],
    folders: list[str],
    encode: Encoding,
    pictures: "Pictures",
    unpad: Callable[[Group, int, np.ndarray], np.ndarray],
    on_pictures: Callable[[int], None],
) -> None:
    """A folder per class in each split."""
    for group in groups:
        names = group.file_names(folders, encode.ending)
        for start in range(0, group.images, BATCH_IMAGES):
            some = pictures(group, start, min(BATCH_IMAGES, group.images - start))
            for number, picture in enumerate(some, start):
                archive.writestr(member(next(names)), encode(unpad(group, number, picture)))
            on_pictures(len(some))


def write_metadata(
    archive: zipfile.ZipFile,
    groups: list[Group],
    classes: list[str],
    folders: list[str],
    run_id: str,
    seed: int,
    ending: str,
) -> None:
    """A reader guesses the types of a CSV; labels that it could take for numbers or for nothing need JSON."""
    for split in dict.fromkeys(group.split for group in groups if group.images):
        mine = [group for group in groups if group.split == split]
        rows = metadata_rows(mine, classes, folders, run_id, seed, ending)
        if any(map(looks_like_no_text, classes)):
            write_text(archive, f"{split}/metadata.jsonl", (json.dumps(row) + "\n" for row in rows))
        else:
            write_text(archive, f"{split}/metadata.csv", csv_lines(rows))


def write_files(path: Path, texts: dict[str, str], files: list[Path]) -> None:
    """A zip of texts and files, which must not exist; the same inputs give the same bytes."""
    with open(path, "xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, text in texts.items():
            archive.writestr(member(name), text)
        for each in files:
            with archive.open(member(each.name), "w", force_zip64=True) as out, open(each, "rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)


def train_groups(train: ImageSet, shares: dict[str, dict[str, int]], originals: bool) -> Iterator[Group]:
    for label, name in enumerate(train.classes):
        real = int(np.count_nonzero(train.labels == label)) if originals else 0
        yield Group("train", label, "real", real)
        for method in METHODS:
            yield Group("train", label, method, shares[name].get(method, 0))


def test_groups(test: ImageSet) -> Iterator[Group]:
    for label in range(len(test.classes)):
        yield Group("test", label, "real", int(np.count_nonzero(test.labels == label)))


class Pictures:
    """The pictures of any group, from the splits or from what makes them."""

    def __init__(
        self, train: ImageSet, test: ImageSet | None, makers: dict[str, Callable[[int, int, int], np.ndarray]]
    ):
        self.train, self.test, self.makers = train, test, makers
        self.rows: dict[tuple[str, int], np.ndarray] = {}

    def __call__(self, group: Group, start: int, count: int) -> np.ndarray:
        """Pictures start, start + 1, ... of a group, uint8 [count, H, W, C]."""
        if group.kind == "real":
            split = self.test if group.split == "test" and self.test is not None else self.train
            at = group.split, group.label
            if at not in self.rows:
                self.rows[at] = np.flatnonzero(split.labels == group.label)
            return np.asarray(split.images[self.rows[at][start : start + count]])
        made = self.makers[group.kind](group.label, count, start)
        if made.dtype != np.uint8 or made.shape != (count, *self.train.images.shape[1:]):
            raise ValueError(f"{group.kind} made {made.dtype} {made.shape} where {count} pictures were asked for")
        return made


def write_text(archive: zipfile.ZipFile, name: str, parts: Iterator[str]) -> None:
    with archive.open(member(name), "w") as file:
        for part in parts:
            file.write(part.encode(errors="replace"))


def member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, FIXED_TIME)
    info.create_system, info.external_attr = 3, 0o100644 << 16  # Unix, rw-r--r--, whatever this computer runs
    return info
