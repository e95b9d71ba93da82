"""The balanced dataset as one zip: train/<class>/*.png, test/<class>/*.png, metadata in each, manifest.json, README.md.

A large one holds WebDataset shards instead of folders. The same inputs give the same bytes.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gan_core.errors import Stopped
from gan_core.export.card import dataset_card
from gan_core.export.contents import Contents, Group, Provenance
from gan_core.export.manifest import csv_lines, looks_like_no_text, manifest_lines, tally
from gan_core.export.plan import FORMATS
from gan_core.export.safe_names import folder_names
from gan_core.export.shards import Shards
from gan_core.export.zip_file import member, new_zip, write_text

SCHEMA_VERSION = 3
QUALITY: dict[str, dict[str, Any]] = {"jpeg": {"quality": 95, "subsampling": 0}, "webp": {"quality": 95}}
BATCH_IMAGES = 64  # in memory at a time


class Encoding(NamedTuple):
    """How images are written. format: of plan.FORMATS; side: px to resize the longer side to, None as they are."""

    format: str = "png"
    side: int | None = None

    @property
    def ending(self) -> str:
        return FORMATS[self.format]

    def __call__(self, pixels: np.ndarray) -> bytes:
        """uint8 [H, W, 1 or 3], square or not -> the bytes of a file."""
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        longer = max(image.size)
        if self.side is not None and longer != self.side:
            size = [max(1, round(length * self.side / longer)) for length in image.size]
            image = image.resize(size, Image.Resampling.LANCZOS if self.side < longer else Image.Resampling.BICUBIC)
        file = io.BytesIO()
        image.save(file, self.format.upper(), **QUALITY.get(self.format, {}))
        return file.getvalue()


class FileOptions(NamedTuple):
    """layout: imagefolder or webdataset. unpad: an unpad.Unpad, None where padding stays."""

    encoding: Encoding = Encoding()
    layout: str = "imagefolder"
    unpad: Callable[[Group, int, np.ndarray], np.ndarray] | None = None


def write_zip(
    path: Path,
    contents: Contents,
    provenance: Provenance,
    options: FileOptions = FileOptions(),  # noqa: B008  it is immutable
    on_progress: Callable[[float, str], None] = lambda share, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Write the zip to path, which must not exist, and return its manifest without the list of synthetic files.

    Raises Stopped as soon as should_stop() says so. Whatever is raised, no half-written file stays.
    """
    groups, folders, ending = contents.groups(), folder_names(contents.train.classes), options.encoding.ending
    layout: Shards | Folders
    if options.layout == "webdataset":
        layout = Shards(groups, provenance.seed, ending)
    else:
        layout = Folders(groups, folders, ending)
    manifest = manifest_of(contents, provenance, options, tally(groups, contents.train.classes, folders))

    def files(group: Group, start: int, count: int) -> Iterator[bytes]:
        for number, pixels in enumerate(contents.pixels(group, start, count), start):
            yield options.encoding(options.unpad(group, number, pixels) if options.unpad else pixels)

    facts = lambda group: provenance.of_group(group, contents.train.classes)
    with new_zip(path) as archive:
        layout.write(archive, files, facts, counter(groups, on_progress, should_stop))
        write_text(archive, "manifest.json", manifest_lines(manifest, groups, contents, layout.file_name))
        write_text(archive, "README.md", [dataset_card(manifest)])
    return manifest


def manifest_of(
    contents: Contents, provenance: Provenance, options: FileOptions, counts: dict[str, Any]
) -> dict[str, Any]:
    """The manifest without its list of files. counts: of manifest.tally."""
    *sides, channels = contents.train.images.shape[1:]
    return {
        "schema": SCHEMA_VERSION,
        "dataset": provenance.dataset,
        "run": provenance.run,
        "recipe": provenance.recipe,
        "seed": provenance.seed,
        "checkpoint_sha256": provenance.checkpoint_sha256,
        "originals": contents.originals,
        "notes": list(provenance.notes),
        "copying": provenance.copying,
        "gate": provenance.quality_filter,
        "gate_said": provenance.kept,
        "layout": options.layout,
        "format": options.encoding.format,
        "unpadded": options.unpad is not None,
        "image_shape": [*[options.encoding.side or side for side in sides], channels],
        **counts,
    }


def counter(
    groups: list[Group], on_progress: Callable[[float, str], None], should_stop: Callable[[], bool]
) -> Callable[[int], None]:
    """A function to be called with how many images were just written. It raises Stopped."""
    total, done = max(1, sum(group.images for group in groups)), 0

    def count(written: int) -> None:
        nonlocal done
        done += written
        if should_stop():
            raise Stopped
        if done % BATCH_IMAGES < written or done == total:
            on_progress(done / total, f"Writing {done:,} of {total:,} images")

    return count


class Folders:
    """A folder per class in each split, as torchvision's ImageFolder and Hugging Face's `imagefolder` read it."""

    def __init__(self, groups: list[Group], folders: list[str], ending: str):
        self.groups, self.folders, self.ending = groups, folders, ending

    def file_name(self, group: Group, number: int) -> str:
        return group.file_name(number, self.folders, self.ending)

    def write(
        self,
        archive: zipfile.ZipFile,
        files: Callable[[Group, int, int], Iterator[bytes]],
        facts: Callable[[Group], dict[str, Any]],
        on_images: Callable[[int], None],
    ) -> None:
        """files(group, start, count) -> the bytes of image files; facts(group) -> what the metadata says of each."""
        for group in self.groups:
            for start in range(0, group.images, BATCH_IMAGES):
                count = min(BATCH_IMAGES, group.images - start)
                for number, data in enumerate(files(group, start, count), start):
                    archive.writestr(member(self.file_name(group, number)), data)
                on_images(count)
        for split in dict.fromkeys(group.split for group in self.groups if group.images):
            self.write_metadata(archive, [group for group in self.groups if group.split == split], facts)

    def write_metadata(
        self, archive: zipfile.ZipFile, groups: list[Group], facts: Callable[[Group], dict[str, Any]]
    ) -> None:
        """Of one split, file names from its folder on; as JSON where a CSV reader could take a label for a number or for none."""
        rows = (
            {"file_name": self.file_name(group, number).removeprefix(f"{group.split}/"), **facts(group)}
            for group in groups
            for number in range(group.images)
        )
        if any(looks_like_no_text(facts(group)["label"]) for group in groups):
            write_text(archive, f"{groups[0].split}/metadata.jsonl", (json.dumps(row) + "\n" for row in rows))
        else:
            write_text(archive, f"{groups[0].split}/metadata.csv", csv_lines(rows))
