"""Last step of an import: from decoded images to the files of a dataset, without duplicates and in three splits."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from gan_core.data import import_report
from gan_core.data.dataset import DatasetInfo, write_info
from gan_core.data.dataset_files import write_items, write_split
from gan_core.data.decode_source import DecodedSource, Progress
from gan_core.data.decoder_pool import most_children
from gan_core.data.file_names import shown
from gan_core.data.import_report import Record
from gan_core.data.near_groups import cells, near_groups
from gan_core.data.pixel_file import chunks
from gan_core.data.split_names import SPLITS, Split
from gan_core.data.splits import LEAST_TO_VALIDATE, TEST, VALIDATION, cut, large_enough, torn_classes
from gan_core.errors import UserError
from gan_core.requests import ImportRequest
from gan_core.text import and_more

GREY_SHARE = 0.95  # mode auto: this much grey makes a grey dataset
REJECTED_KEPT = 1000
Mode = Literal["L", "RGB"]


class Pixels(NamedTuple):
    """The pixel file of an import, and how its images are read from it."""

    path: Path
    size: int
    mode: Mode


class Selected(NamedTuple):
    """What of a source becomes the dataset. duplicates, leaked: images, as import_report.Deduplicated has them.

    conflicts: SHA-256 of images in several classes. given: the splits that came so.
    """

    splits: dict[Split, list[Record]]
    classes: list[str]
    given: frozenset[Split]
    duplicates: int
    conflicts: set[str]
    leaked: int
    notices: list[str]

    @property
    def records(self) -> list[Record]:
        return [record for split in self.splits.values() for record in split]


def build_dataset(
    source: DecodedSource,
    folder: Path,
    pixels: Path,
    request: ImportRequest,
    origin: dict[str, Any],
    progress: Progress,
) -> DatasetInfo:
    """Select the images, write them and their contact sheets into folder, then dataset.json last.

    request: with the name of the dataset; origin: DatasetInfo.source, but for the splits. Raises UserError no_images.
    """
    selected = select(source)
    mode = mode_of(selected.records, request.mode)
    at = Pixels(pixels, request.size, mode)
    selected = cut_splits(selected, at, request, progress)
    counts = write_pixels(folder, at, selected, progress)
    info = DatasetInfo(
        request.name,
        request.size,
        mode,
        request.fit,
        selected.classes,
        counts["train"],
        counts["test"],
        {**origin, **came_from(selected.given)},
        request.seed,
        import_report.health(
            selected.records,
            selected.classes,
            duplicates=selected.duplicates + selected.leaked,
            conflicts=len(selected.conflicts),
            ignored=source.ignored,
            rejected=len(source.rejected),
            channels=1 if mode == "L" else 3,
        ),
        [{"file": shown(file, 200), "reason": reason} for file, reason in sorted(source.rejected)[:REJECTED_KEPT]],
        [
            *selected.notices,
            *import_report.notices(
                selected.records, selected.classes, request.size, len(selected.conflicts), selected.leaked
            ),
            *import_report.file_type_notices(selected.records, mode, request.mode),
        ],
        counts["validation"],
    )
    write_info(folder, info)
    return info


def select(source: DecodedSource) -> Selected:
    """Without empty classes and duplicates, in the splits that came with them. Raises UserError no_images."""
    # Before anything is compared: a class that only the test part has must not take images from the training part with it.
    records, classes, empty = drop_empty(source.records, source.classes)
    found = import_report.deduplicate(records)
    records, classes, emptied = drop_empty(found.records, classes)
    notices = [*source.notices]
    notices += [
        f"Left out, since no image to train on could be read: {and_more(names)}." for names in (empty, emptied) if names
    ]
    if not records:
        raise no_images(source.rejected)
    splits: dict[Split, list[Record]] = {
        split: [record for record in records if record.split == split] for split in SPLITS
    }
    given = frozenset(split for split in source.given if splits[split])
    notices += [
        f"No image of the {split} folder could be used, so the {split} split was cut from the training images."
        for split in sorted(source.given - given)
    ]
    return Selected(splits, classes, given, found.duplicates, found.conflicts, found.leaked, notices)


def cut_splits(selected: Selected, pixels: Pixels, request: ImportRequest, progress: Progress) -> Selected:
    """Test and validation cut from train, each where it was not given."""
    if {"validation", "test"} <= selected.given:
        return selected
    train = selected.splits["train"]
    progress(0.9, "Looking for near duplicates", always=True)
    labels = np.array([record.label for record in train])
    small = cells(chunks(pixels.path, train, pixels.size, pixels.mode))
    groups = near_groups(small, labels, lambda: progress(0.9, "Looking for near duplicates"))
    # The same image under two labels must not lie on both sides.
    may_leave = np.array([record.sha256 not in selected.conflicts for record in train])
    of = np.array(["train"] * len(train), dtype=object)
    if "test" not in selected.given:
        of[cut(labels, may_leave, groups, request.test_fraction, request.seed, TEST)] = "test"
    notices = [*selected.notices]
    if "validation" not in selected.given:
        totals = np.bincount([record.label for record in selected.records], minlength=len(selected.classes))
        left = np.flatnonzero(of == "train")
        may = may_leave[left] & large_enough(labels[left], totals)
        share = request.validation_fraction
        of[left[cut(labels[left], may, groups[left], share, request.seed, VALIDATION)]] = "validation"
        notices += no_validation_notice(selected.classes, totals, share)
    notices += torn_notice([selected.classes[label] for label in torn_classes(labels, groups, of)])
    splits: dict[Split, list[Record]] = {
        split: selected.splits[split] + [record for record, where in zip(train, of, strict=True) if where == split]
        for split in SPLITS
        if split != "train"
    }
    kept = [record for record, where in zip(train, of, strict=True) if where == "train"]
    return selected._replace(splits={"train": kept, **splits}, notices=notices)


def no_validation_notice(classes: Sequence[str], totals: np.ndarray, share: float) -> list[str]:
    """The classes without a validation image, and what that means."""
    if share == 0:
        return [
            "The validation share is 0, so there is no validation split: thresholds and choices that need one are left out."
        ]
    small = [f"{name} ({total})" for name, total in zip(classes, totals, strict=True) if total < LEAST_TO_VALIDATE]
    if not small:
        return []
    return [
        f"Fewer than {LEAST_TO_VALIDATE} images in {and_more(small)}: no validation image was cut from so small a class, so "
        "nothing that is measured on validation images says anything about it."
    ]


def torn_notice(classes: Sequence[str]) -> list[str]:
    """The classes whose near duplicates could not be kept on one side."""
    if not classes:
        return []
    return [
        f"Nearly all images of {and_more(classes)} are near duplicates of each other, so some of them lie in two splits: what "
        "is measured on the held-out images comes out too good there."
    ]


def came_from(given: frozenset[Split]) -> dict[str, str]:
    """Where each split is from, as DatasetInfo.source has it."""
    return {f"{split}_split": "given" if split in given else "cut" for split in ("validation", "test")}


def drop_empty(records: Sequence[Record], classes: Sequence[str]) -> tuple[list[Record], list[str], list[str]]:
    """(records, classes, names left out): without the classes that have no image to train on; labels are renumbered."""
    present = sorted({record.label for record in records if record.split == "train"})
    new_label = {label: number for number, label in enumerate(present)}
    kept = [record._replace(label=new_label[record.label]) for record in records if record.label in new_label]
    gone = [name for label, name in enumerate(classes) if label not in new_label]
    return kept, [classes[label] for label in present], gone


def no_images(rejected: list[tuple[str, str]]) -> UserError:
    """Why nothing is left, by the first reason."""
    reason = rejected[0][1] if rejected else ""
    small = bool(rejected) and all(why.startswith("too small") for _, why in rejected)
    todo = "Choose a smaller size, or take larger images." if small else "Use PNG, JPEG, WebP, BMP, GIF or TIFF."
    return UserError("no_images", f"No image could be read{reason and f': {reason}'}.", todo)


def mode_of(records: Sequence[Record], wanted: str) -> Mode:
    """Of the dataset. wanted: L, RGB, or auto: grey where nearly all images are."""
    if wanted == "auto":
        wanted = "L" if sum(record.channels == 1 for record in records) >= GREY_SHARE * len(records) else "RGB"
    return "L" if wanted == "L" else "RGB"


def write_pixels(folder: Path, pixels: Pixels, selected: Selected, progress: Progress) -> dict[Split, list[int]]:
    """The splits, items.jsonl and the contact sheets; returns the images of each class by split."""
    counts: dict[Split, list[int]] = {}
    shape = (pixels.size, pixels.size, 1 if pixels.mode == "L" else 3)
    threads = ThreadPoolExecutor(most_children())
    try:  # the sheets are drawn while the disk is waited for
        sheets = draw_sheets(threads, folder, pixels, selected.splits["train"], len(selected.classes))
        for number, (split, rows) in enumerate(selected.splits.items()):
            progress(0.92 + 0.02 * number, f"Writing {len(rows):,} images", always=True)
            labels = [record.label for record in rows]
            write_split(folder, split, chunks(pixels.path, rows, pixels.size, pixels.mode), shape, labels)
            counts[split] = np.bincount(labels, minlength=len(selected.classes)).tolist()
        write_items(folder, items(selected.splits))
        for sheet in sheets:
            progress(0.98, "Drawing contact sheets")
            sheet.result()
    finally:
        threads.shutdown(cancel_futures=True)
    return counts


def items(splits: Mapping[Split, Sequence[Record]]) -> Iterator[dict[str, Any]]:
    """The lines of items.jsonl."""
    for split, rows in splits.items():
        for row, record in enumerate(rows):
            yield {
                "split": split,
                "row": row,
                "label": record.label,
                "name": shown(record.name, 200),
                "sha256": record.sha256,
                "width": record.width,
                "height": record.height,
                "mode": record.mode,
            }


def draw_sheets(
    threads: ThreadPoolExecutor, folder: Path, pixels: Pixels, rows: Sequence[Record], classes: int
) -> list[Future[None]]:
    """Begin contact/<label>.webp of every class, from the training rows, which are sorted by class."""
    ends = np.searchsorted([record.label for record in rows], np.arange(classes), side="right").tolist()

    def draw(label: int, start: int, end: int) -> None:
        picked = [rows[start + at] for at in import_report.picks(end - start)]
        images = np.concatenate(list(chunks(pixels.path, picked, pixels.size, pixels.mode)))
        import_report.write_contact_sheet(folder / "contact" / f"{label}.webp", images)

    return [threads.submit(draw, *each) for each in zip(range(classes), [0, *ends], ends, strict=False)]
