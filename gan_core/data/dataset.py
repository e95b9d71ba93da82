"""A dataset on disk: square uint8 images and labels in three splits: train, validation and test, cut before any training.

dataset.json                        DatasetInfo
{train,validation,test}_images.npy  uint8 [N, H, W, C], sorted by class
{train,validation,test}_labels.npy  int64 [N]
items.jsonl                         per image: split, row, label; of its source the name, SHA-256 of the bytes, width, height, mode
contact/<class index>.webp          up to 40 training images of a class at a glance
source.zip                          the zip it was made from, if it was uploaded
splits/                             of a dataset that was written without a validation split: see older_dataset.py
"""

import dataclasses
import functools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gan_core.data.dataset_files import images_file, place
from gan_core.data.older_dataset import cut_validation
from gan_core.data.split_names import Split
from gan_core.errors import UserError
from gan_core.storage.workspace import read_json, write_json

KEPT_ZIP = "source.zip"  # in the folder of a dataset that was made from an upload
SCHEMA = 2  # of dataset.json; 1, and what was written before it had a number, had no validation split


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
    validation_counts: list[int] = field(default_factory=list)  # none: of an older dataset, until it is used

    def __post_init__(self) -> None:
        if not self.validation_counts:
            object.__setattr__(self, "validation_counts", [0] * len(self.classes))

    @property
    def channels(self) -> int:
        return 1 if self.mode == "L" else 3

    @property
    def counts(self) -> dict[Split, list[int]]:
        """Images of each class by split."""
        return {"train": self.train_counts, "validation": self.validation_counts, "test": self.test_counts}

    @property
    def totals(self) -> list[int]:
        """Images of each class in all splits."""
        return [sum(each) for each in zip(*self.counts.values(), strict=True)]

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def read_info(folder: Path) -> DatasetInfo:
    """The description of the dataset in `folder`.

    Raises UserError: no_dataset where there is none, damaged_dataset, newer_dataset.
    """
    damaged = UserError(
        "damaged_dataset", "The description of this dataset cannot be read.", "Import the dataset again."
    )
    try:
        value = read_json(place(folder) / "dataset.json")
    except ValueError:
        raise damaged from None
    if value is None:
        raise UserError("no_dataset", "This dataset is not there any more.", "Pick another one from the list.")
    if not isinstance(value, dict):
        raise damaged
    schema = value.pop("schema", 0)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise UserError(
            "newer_dataset",
            "This dataset was written by a newer version of Ganvas.",
            "Update Ganvas, or import it again.",
        )
    try:
        return DatasetInfo(**value)
    except TypeError:  # something that it must have is missing
        raise damaged from None


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


def load(folder: Path, split: Split, whole: bool = False) -> ImageSet:
    """One split, its images as a read-only memory map. Raises UserError no_dataset.

    An older dataset gets its validation split first. whole: "train" as it was before that, for runs that began then; of any
    other dataset the same as train.
    """
    if split != "test" and not whole:
        cut_validation(folder)
    info = read_info(folder)
    if not any(info.counts[split]):
        none = np.empty((0, info.size, info.size, info.channels), np.uint8)
        return ImageSet(none, np.empty(0, np.int64), info.classes)
    at = images_file(folder, split) if not whole else Path(folder) / f"{split}_images.npy"
    images = np.load(at, mmap_mode="r", allow_pickle=False)
    labels = np.load(at.with_name(f"{split}_labels.npy"), allow_pickle=False)
    return ImageSet(images, labels, info.classes)
