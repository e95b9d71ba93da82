"""A new dataset from an existing one: without some of its images, or with its objects cut out on a flat background.

The parent stays as it is, since runs and scores point at it. items.jsonl keeps the lines of what stayed, each with the row it had
in the parent. The same request makes the same bytes.
"""

import dataclasses
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_core.data import import_report
from gan_core.data.dataset import DatasetInfo, load, read_info, write_info
from gan_core.data.dataset_files import known_items, write_items, write_split
from gan_core.data.split_names import SPLITS, Split
from gan_core.dataset_health import findings
from gan_core.dataset_health.foreground import alpha, on_color
from gan_core.errors import UserError
from gan_core.evaluation.inputs import Progress
from gan_core.text import and_more

CUT_AT_ONCE = 64  # images between two reports of the progress
WRITTEN_AT_ONCE = 512
CUTTING = 0.9  # share of the time, where objects are cut out


class Part(NamedTuple):
    """What stays of a split, [n] each. rows: in the parent; labels: the parent's, later the new ones; cut: was an object cut out?

    images: where the pixels lie, and `at` which of them.
    """

    rows: np.ndarray
    labels: np.ndarray
    images: np.ndarray
    at: np.ndarray
    cut: np.ndarray

    def where(self, chosen: np.ndarray) -> "Part":
        return Part(self.rows[chosen], self.labels[chosen], self.images, self.at[chosen], self.cut[chosen])


class Curation(NamedTuple):
    """left_out: (split, row) by the finding that named them. background: RGB behind the cut-out objects, None for images as they
    are. keep_without_object: an image in which no object is found stays as it is, else it is left out. name, source: of the new
    dataset.
    """

    left_out: Mapping[str, Sequence[tuple[str, int]]]
    name: str
    source: dict[str, Any]
    background: tuple[int, int, int] | None = None
    keep_without_object: bool = True


def curate(
    parent: Path,
    folder: Path,
    curation: Curation,
    progress: Progress = Progress(),  # noqa: B008  it is immutable
) -> DatasetInfo:
    """Fill `folder` (existing, empty) with what stays of the dataset in `parent`.

    Raises UserError nothing_left where no training image would stay, and Stopped.
    """
    info, notices = read_info(parent), excluded_notice(curation.left_out)
    gone = {place for places in curation.left_out.values() for place in places}
    parts = {split: staying(parent, split, gone) for split in SPLITS}
    if curation.background is not None:
        parts = cut_out(folder, parts, in_mode(curation.background, info.channels), progress.part(0, CUTTING))
        notices += missed_notice(parts, curation.keep_without_object)
        if not curation.keep_without_object:
            parts = {split: part.where(part.cut) for split, part in parts.items()}
    parts, classes = relabelled(parts, info.classes, notices)
    progress(CUTTING, f"Writing {sum(len(part.rows) for part in parts.values()):,} images")
    counts = {}
    for split, part in parts.items():
        counts[split] = np.bincount(part.labels, minlength=len(classes)).tolist()
        write_split(folder, split, chunks(part, progress), part.images.shape[1:], part.labels.tolist())
        (folder / f"{split}.tmp").unlink(missing_ok=True)
    kept = KeptItems()
    write_items(folder, kept.counted(renumbered(parent, parts, curation.background is not None)))
    write_sheets(folder, counts["train"], progress)
    new = dataclasses.replace(
        info,
        name=curation.name,
        classes=classes,
        train_counts=counts["train"],
        validation_counts=counts["validation"],
        test_counts=counts["test"],
        source=curation.source,
        health=kept.health(info, classes, np.sum(list(counts.values()), axis=0)),
        rejected=[],
        notices=notices,
    )
    write_info(folder, new)
    return new


def staying(parent: Path, split: Split, gone: set[tuple[str, int]]) -> Part:
    found = load(parent, split)
    images, labels = found.images, np.asarray(found.labels)
    rows = np.array([row for row in range(len(labels)) if (split, row) not in gone], np.int64)
    return Part(rows, labels[rows], images, rows, np.zeros(len(rows), bool))


def excluded_notice(left_out: Mapping[str, Sequence[tuple[str, int]]]) -> list[str]:
    counts = [f"{len(rows):,} {findings.NAMES.get(kind, kind)}" for kind, rows in left_out.items() if rows]
    return [f"Left out of the dataset that this was made of: {', '.join(counts)}."] if counts else []


def missed_notice(parts: Mapping[Split, Part], kept: bool) -> list[str]:
    missed, total = sum(map(uncut, parts.values())), sum(len(part.rows) for part in parts.values())
    did = "stayed as they are" if kept else "were left out"
    return [f"No object was found in {missed:,} of {total:,} images: they {did}."] if missed else []


def relabelled(
    parts: Mapping[Split, Part], classes: Sequence[str], notices: list[str]
) -> tuple[dict[Split, Part], list[str]]:
    """Without the classes that have no training image left, their test images too; labels close up."""
    present = np.unique(parts["train"].labels)
    if not len(present):
        raise UserError("nothing_left", "Without these images no training image is left.", "Exclude fewer images.")
    if vanished := [name for label, name in enumerate(classes) if label not in present]:
        notices.append(f"No training image is left of {and_more(vanished)}: removed from the classes.")
    new_label = np.full(len(classes), -1, np.int64)
    new_label[present] = np.arange(len(present))
    kept = {split: part.where(new_label[part.labels] >= 0) for split, part in parts.items()}
    return (
        {split: part._replace(labels=new_label[part.labels]) for split, part in kept.items()},
        [classes[label] for label in present],
    )


# -- objects on a flat ground --------------------------------------------------------------------------------------------


def cut_out(
    folder: Path,
    parts: Mapping[Split, Part],
    color: np.ndarray,
    progress: Progress,
) -> dict[Split, Part]:
    """The same images with their objects on a color [C], in files of `folder`.

    Threads share the work: OpenCV computes outside of Python's lock, and each cut starts from the same random numbers.
    """

    def one(image: np.ndarray) -> tuple[np.ndarray, bool]:
        mask = alpha(image)
        return (image, False) if mask is None else (on_color(image, mask, color), True)

    made, done, total = {}, 0, sum(len(part.rows) for part in parts.values())
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for split, part in parts.items():
            found: list[bool] = []
            path, shape = folder / f"{split}.tmp", (len(part.rows), *part.images.shape[1:])
            with open(path, "xb") as file:  # not into a memory map: a full disk would be a signal there
                for start in range(0, len(part.rows), CUT_AT_ONCE):
                    progress.check()
                    for image, cut in pool.map(one, part.images[part.at[start : start + CUT_AT_ONCE]]):
                        file.write(np.ascontiguousarray(image).data)
                        found.append(cut)
                    progress.report((done + len(found)) / total, "Cutting out objects")
            images = np.memmap(path, np.uint8, "r", shape=shape) if found else np.empty(shape, np.uint8)
            made[split] = part._replace(images=images, at=np.arange(len(found)), cut=np.array(found, bool))
            done += len(found)
    return made


def uncut(part: Part) -> int:
    return int((~part.cut).sum())


def in_mode(color: tuple[int, ...], channels: int) -> np.ndarray:
    """uint8 [C]: an RGB color in the mode of a dataset; grey by its luma (ITU-R 601)."""
    if channels == 3:
        return np.array(color, np.uint8)
    return np.array([round(float(np.dot(color, (0.299, 0.587, 0.114))))], np.uint8)


# -- files -------------------------------------------------------------------------------------------------------------


def chunks(part: Part, progress: Progress) -> Iterator[np.ndarray]:
    """The images of a part, WRITTEN_AT_ONCE at a time."""
    for start in range(0, len(part.at), WRITTEN_AT_ONCE):
        progress.check()
        yield part.images[part.at[start : start + WRITTEN_AT_ONCE]]


def renumbered(parent: Path, parts: Mapping[Split, Part], cut: bool) -> Iterator[dict[str, Any]]:
    """The parent's items of what stays, with new row and label and the row in the parent; cut: and whether one was cut out."""
    new_row = {split: {int(old): new for new, old in enumerate(part.rows)} for split, part in parts.items()}
    for item in known_items(parent):
        part = parts[item["split"]]
        if (new := new_row[item["split"]].get(item["row"])) is not None:
            moved = {"row": new, "label": int(part.labels[new]), "parent_row": item["row"]}
            yield {**item, **moved, **({"cut_out": bool(part.cut[new])} if cut else {})}


class KeptItems:
    """Counts for the health report, taken of the items on their way to the file."""

    def __init__(self) -> None:
        self.sides: list[tuple[int, int]] = []
        self.modes: Counter[str] = Counter()
        self.labels: dict[str, set[int]] = {}

    def counted(self, items: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for item in items:
            if item.get("width") and item.get("height"):
                self.sides.append((item["width"], item["height"]))
            if item.get("mode"):
                self.modes[item["mode"]] += 1
            if item.get("sha256"):
                self.labels.setdefault(item["sha256"], set()).add(item["label"])
            yield item

    def health(self, parent: DatasetInfo, classes: Sequence[str], counts: np.ndarray) -> dict[str, Any]:
        """The health dict of DatasetInfo; sizes and modes of the parent where its items do not tell them."""
        known, sides = parent.health, np.array(self.sides)
        sizes = {
            name: [int(side) for side in measure(sides, axis=0)]
            for name, measure in (("min", np.min), ("median", np.median), ("max", np.max))
            if len(sides)
        }
        return {
            **known,
            "images": int(counts.sum()),
            "classes": {name: int(count) for name, count in zip(classes, counts, strict=True)},
            "source_sizes": sizes or known.get("source_sizes", {}),
            "source_modes": dict(sorted(self.modes.items())) or known.get("source_modes", {}),
            "duplicates": 0,
            "conflicts": sum(len(labels) > 1 for labels in self.labels.values()),
            "ignored": 0,
            "rejected": 0,
            "imbalance": round(float(counts.max() / counts.min()), 2),
        }


def write_sheets(folder: Path, train_counts: Sequence[int], progress: Progress) -> None:
    images = np.load(folder / "train_images.npy", mmap_mode="r", allow_pickle=False)
    ends = np.cumsum(train_counts)
    for label, (end, count) in enumerate(zip(ends, train_counts, strict=True)):
        progress.check()
        import_report.write_contact_sheet(folder / "contact" / f"{label}.webp", images[end - count : end])
