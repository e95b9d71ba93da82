"""Last step of an import: from decoded images to the files of a dataset, without duplicates and with a test split."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from gan_core.data import import_report
from gan_core.data.dataset import DatasetInfo, Split, cut_test_split, write_info, write_items, write_split
from gan_core.data.decode_source import DecodedSource, Progress
from gan_core.data.decoder_pool import most_children
from gan_core.data.file_names import shown
from gan_core.data.import_report import Record
from gan_core.data.pixel_file import chunks
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
    """What of a source becomes the dataset. duplicates, conflicts, leaked: images, as import_report.Deduplicated has them."""

    splits: dict[Split, list[Record]]
    classes: list[str]
    test_given: bool
    duplicates: int
    conflicts: int
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

    request: with the name of the dataset; origin: DatasetInfo.source, but for the test split. Raises UserError no_images.
    """
    selected = select(source, request)
    mode = mode_of(selected.records, request.mode)
    counts = write_pixels(folder, Pixels(pixels, request.size, mode), selected, progress)
    info = DatasetInfo(
        request.name,
        request.size,
        mode,
        request.fit,
        selected.classes,
        counts["train"],
        counts["test"],
        {**origin, "test_split": "given" if selected.test_given else "cut"},
        request.seed,
        import_report.health(
            selected.records,
            selected.classes,
            duplicates=selected.duplicates + selected.leaked,
            conflicts=selected.conflicts,
            ignored=source.ignored,
            rejected=len(source.rejected),
            channels=1 if mode == "L" else 3,
        ),
        [{"file": shown(file, 200), "reason": reason} for file, reason in sorted(source.rejected)[:REJECTED_KEPT]],
        [
            *selected.notices,
            *import_report.notices(
                selected.records, selected.classes, request.size, selected.conflicts, selected.leaked
            ),
            *import_report.file_type_notices(selected.records, mode, request.mode),
        ],
    )
    write_info(folder, info)
    return info


def select(source: DecodedSource, request: ImportRequest) -> Selected:
    """Without empty classes and duplicates, and with a test split, given or cut. Raises UserError no_images."""
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
    test_given = source.test_given and any(record.held_out for record in records)
    if source.test_given and not test_given:
        notices.append("No image of the test folder could be used, so the test split was cut from the others.")
    if test_given:
        held_out = np.array([record.held_out for record in records])
    else:  # the same image under two labels must not lie on both sides
        may_be_tested = [record.sha256 not in found.conflicts for record in records]
        labels = [record.label for record in records]
        held_out = cut_test_split(labels, may_be_tested, request.test_fraction, request.seed)
    splits: dict[Split, list[Record]] = {
        "train": [record for record, out in zip(records, held_out, strict=True) if not out],
        "test": [record for record, out in zip(records, held_out, strict=True) if out],
    }
    return Selected(splits, classes, test_given, found.duplicates, len(found.conflicts), found.leaked, notices)


def drop_empty(records: Sequence[Record], classes: Sequence[str]) -> tuple[list[Record], list[str], list[str]]:
    """(records, classes, names left out): without the classes that have no image to train on; labels are renumbered."""
    present = sorted({record.label for record in records if not record.held_out})
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
    """Both splits, items.jsonl and the contact sheets; returns the images of each class by split."""
    counts: dict[Split, list[int]] = {}
    shape = (pixels.size, pixels.size, 1 if pixels.mode == "L" else 3)
    threads = ThreadPoolExecutor(most_children())
    try:  # the sheets are drawn while the disk is waited for
        sheets = draw_sheets(threads, folder, pixels, selected.splits["train"], len(selected.classes))
        for number, (split, rows) in enumerate(selected.splits.items()):
            progress(0.9 + 0.04 * number, f"Writing {len(rows):,} images", always=True)
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
