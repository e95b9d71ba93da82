"""The images of an export, in groups of one split, class and kind, and where their pixels come from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gan_core.data.dataset import ImageSet
from gan_core.data.split_names import Split
from gan_core.evaluation.utility.found import Found
from gan_core.export.plan import Shares
from gan_core.requests.export import METHODS

# maker(class index, count, start) -> uint8 [count, H, W, C]: images start, start + 1, ... of that class, the same at every call.
# One with entry(class index, number) -> dict tells the manifest more of each image.
Maker = Callable[[int, int, int], np.ndarray]


FOLDERS: dict[Split, str] = {"train": "train", "validation": "val", "test": "test"}  # of each split in the zip


class Group(NamedTuple):
    """The images of one kind in one class; files, metadata and manifest are all written from the same list of groups."""

    split: Split
    label: int
    kind: str  # real, or one of METHODS
    images: int

    def file_name(self, number: int, folders: list[str], ending: str) -> str:
        """Of image `number`, counted from 0, where each class has a folder."""
        return f"{FOLDERS[self.split]}/{folders[self.label]}/{self.kind}_{number + 1:06d}.{ending}"


@dataclass(frozen=True)
class Contents:
    """shares: images to make by class name and method; makers: by method. Validation and test split are copied as they are.

    soft_labels(uint8 [n, H, W, C]) -> float32 [n, K]: those of synthetic images; None where all have the label of their folder.
    """

    train: ImageSet
    test: ImageSet | None
    shares: Shares
    makers: dict[str, Any]
    originals: bool = True  # the real training images are in the zip
    validation: ImageSet | None = None
    soft_labels: Callable[[np.ndarray], np.ndarray] | None = None

    def groups(self) -> list[Group]:
        """Training images by class, the real ones first, then the validation and the test images."""
        groups: list[Group] = []
        for label, name in enumerate(self.train.classes):
            real = len(self.train.rows_of_class[label]) if self.originals else 0
            groups.append(Group("train", label, "real", real))
            groups += [Group("train", label, method, self.shares[name].get(method, 0)) for method in METHODS]
        for split, images in self.held_out().items():
            groups += [Group(split, label, "real", len(rows)) for label, rows in enumerate(images.rows_of_class)]
        return groups

    def held_out(self) -> dict[Split, ImageSet]:
        """The splits beside `train` that the zip has."""
        splits: dict[Split, ImageSet | None] = {"validation": self.validation, "test": self.test}
        return {split: images for split, images in splits.items() if images is not None}

    def pixels(self, group: Group, start: int, count: int) -> np.ndarray:
        """Images start, start + 1, ... of a group, uint8 [count, H, W, C]."""
        if group.kind == "real":
            split = self.held_out().get(group.split, self.train)
            return np.asarray(split.images[split.rows_of_class[group.label][start : start + count]])
        made = self.makers[group.kind](group.label, count, start)
        if made.dtype != np.uint8 or made.shape != (count, *self.train.images.shape[1:]):
            raise ValueError(f"{group.kind} made {made.dtype} {made.shape} where {count} images were asked for")
        return made


@dataclass(frozen=True)
class Provenance:
    """Where the images come from, for the manifest and the dataset card; the defaults are those of an export without a run."""

    dataset: str
    run: str = ""
    recipe: str = ""
    seed: int = 0
    checkpoint_sha256: str = ""
    notes: tuple[str, ...] = ()  # sentences on classes that are filled in another way than was asked for
    copying: str = "not checked"  # what the check for copied training images found
    quality_filter: dict[str, Any] | None = None  # report and summary of what the drawn images passed through
    kept: str = "nothing was drawn."
    background: str = "white"  # of the padding of the dataset
    splits: dict[str, str] = field(default_factory=dict)  # by split: given (by who made the dataset) or cut (by Ganvas)
    duplicates: int | None = (
        None  # images that the import left out because others are the same; None where that is not known
    )
    evidence: dict[str, Any] = field(default_factory=dict)  # what was measured of the drawn images and of their use
    found: Found | None = None  # by the search `improve`

    def of_group(self, group: Group, classes: list[str]) -> dict[str, Any]:
        """What the metadata says of every image of a group."""
        return {
            "split": group.split,
            "label": classes[group.label],
            "is_synthetic": group.kind != "real",
            "method": group.kind,
            "run": self.run if group.kind == "gan" else "-",
            "seed": -1 if group.kind == "real" else self.seed,
        }
