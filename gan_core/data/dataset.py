"""A dataset on disk: square uint8 images, labels, and a test split that was held out before any training.

dataset.json                        DatasetInfo
{train,test}_images.npy             uint8 [N, H, W, C], sorted by class
{train,test}_labels.npy             int64 [N]
items.jsonl                         per image: split, row, label; of its source the name, SHA-256 of the bytes, width, height, mode
contact/<class index>.webp          up to 40 images of a class at a glance
source.zip                          the zip it was made from, if it was uploaded
"""

import contextlib
import dataclasses
import functools
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from gan_core.errors import UserError
from gan_core.storage.workspace import atomic_write, read_json, write_json

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
KEPT_FOR_TRAINING = 5  # a class gives none of its first so many to the test split: training needs them
ENCODER = json.JSONEncoder(ensure_ascii=False)  # made once: json.dumps would make one per line
KEPT_ZIP = "source.zip"  # in the folder of a dataset that was made from an upload
SCHEMA = 1  # of dataset.json; what was written before it had a number reads the same


@dataclass(frozen=True)
class ImageSet:
    """images uint8 [N, H, W, C], C is 1 or 3, perhaps a memory map; labels int64 [N] index classes."""

    images: np.ndarray
    labels: np.ndarray
    classes: list[str]

    @functools.cached_property
    def rows_of_class(self) -> list[np.ndarray]:
        """Of each class the rows of its images, ascending."""
        ends = np.cumsum(np.bincount(self.labels, minlength=len(self.classes)))
        return np.split(np.argsort(self.labels, kind="stable"), ends[:-1])


@dataclass(frozen=True)
class DatasetInfo:
    """What dataset.json says. size: side in pixels. rejected: the first 1,000 files left out: {"file", "reason"}."""

    name: str
    size: int
    mode: Literal["L", "RGB"]
    fit: Literal["crop", "pad", "stretch"]
    classes: list[str]
    train_counts: list[int]
    test_counts: list[int]
    source: dict[str, Any]
    seed: int
    health: dict[str, Any]
    rejected: list[dict[str, str]]
    notices: list[str]
    validation_counts: list[int] = field(default_factory=list)  # of an older dataset: of none yet

    def __post_init__(self) -> None:
        if not self.validation_counts:
            object.__setattr__(self, "validation_counts", [0] * len(self.classes))

    @property
    def channels(self) -> int:
        return 1 if self.mode == "L" else 3

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def read_info(folder: Path) -> DatasetInfo:
    """The description of the dataset in `folder`. Raises UserError no_dataset where there is none, and newer_dataset."""
    value = read_json(Path(folder) / "dataset.json")
    if value is None:
        raise UserError("no_dataset", "This dataset is not there any more.", "Pick another one from the list.")
    schema = value.pop("schema", 0)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise UserError(
            "newer_dataset",
            "This dataset was written by a newer version of Ganvas.",
            "Update Ganvas, or import it again.",
        )
    return DatasetInfo(**value)


def write_info(folder: Path, info: DatasetInfo) -> None:
    """Writes dataset.json; last of all, so that its presence says that the dataset is whole."""
    write_json(folder / "dataset.json", {"schema": SCHEMA, **info.to_json()})


def origin(folder: Path) -> str:
    """The source that the dataset in `folder` was imported from: 'demo:<ready set>', or the path of its zip or folder.

    Raises UserError: no_dataset, original_gone.
    """
    source = read_info(folder).source
    if source.get("kind") == "demo":
        return f"demo:{source['name']}"
    path = str(folder / KEPT_ZIP) if source.get("kept") else str(source.get("path", ""))
    if not path or not os.path.exists(path):
        raise UserError(
            "original_gone",
            "The zip or folder that this dataset was made from is not there any more.",
            "Import it from where it is now.",
        )
    return path


def load(folder: Path, split: Split) -> ImageSet:
    """One split, its images as a read-only memory map. Raises UserError no_dataset."""
    info = read_info(folder)
    if split == "validation" and not (Path(folder) / "validation_images.npy").exists():
        none = np.empty((0, info.size, info.size, info.channels), np.uint8)
        return ImageSet(none, np.empty(0, np.int64), info.classes)
    images = np.load(Path(folder) / f"{split}_images.npy", mmap_mode="r", allow_pickle=False)
    labels = np.load(Path(folder) / f"{split}_labels.npy", allow_pickle=False)
    return ImageSet(images, labels, info.classes)


def cut_test_split(labels: Sequence[int], may_be_tested: Sequence[bool], fraction: float, seed: int) -> np.ndarray:
    """bool [N]: which images are held out. A pure function of its arguments.

    Per class of n images round(n * fraction), at least one where that leaves 5 to train on, never so many that fewer than
    5 are left; only among those that may be tested. fraction 0 cuts nothing.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    all_labels, candidates = np.asarray(labels), np.asarray(may_be_tested, dtype=bool)
    held_out = np.zeros(len(all_labels), dtype=bool)
    for label in np.unique(all_labels):
        rows = np.flatnonzero(all_labels == label)
        allowed = generator.permutation(rows[candidates[rows]])
        if fraction > 0 and len(rows) > KEPT_FOR_TRAINING:
            wanted = max(round(len(rows) * fraction), 1)
            held_out[allowed[: min(wanted, len(rows) - KEPT_FOR_TRAINING)]] = True
    return held_out


def write_split(
    folder: Path, split: Split, images: Iterable[np.ndarray], shape: tuple[int, int, int], labels: Sequence[int]
) -> None:
    """Write one split from chunks of uint8 images [n, H, W, C] that add up to [len(labels), *shape]."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(labels), *shape)}

    def write(file: BinaryIO) -> None:
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in images:
            file.write(np.ascontiguousarray(chunk).data)

    atomic_write(folder / f"{split}_images.npy", write)
    values = np.asarray(labels, dtype=np.int64)
    atomic_write(folder / f"{split}_labels.npy", lambda file: np.save(file, values, allow_pickle=False))


def write_items(folder: Path, items: Iterable[dict[str, Any]]) -> None:
    """One JSON object per line into items.jsonl."""
    atomic_write(
        folder / "items.jsonl",
        lambda file: file.writelines(ENCODER.encode(item).encode() + b"\n" for item in items),
    )


def read_items(folder: Path) -> Iterable[dict[str, Any]]:
    """The lines of items.jsonl, in the order train rows, then test rows."""
    with open(os.path.join(folder, "items.jsonl"), encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def known_items(folder: Path) -> Iterable[dict[str, Any]]:
    """read_items as far as the file goes: none where there is no file, and nothing after a torn line."""
    with contextlib.suppress(OSError, ValueError):
        yield from read_items(folder)
