"""From decoded pictures to the files of a data set: duplicates out, test split cut, pixels in place, health told."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from gan_core.data import import_report
from gan_core.data.dataset import DatasetInfo, Split, cut_test_split, write_info, write_items, write_split
from gan_core.data.decode import Fit
from gan_core.data.decode_source import Decoded, Progress
from gan_core.data.decoder_pool import most_children
from gan_core.data.file_names import shown
from gan_core.data.import_report import Record
from gan_core.data.pixel_file import chunks
from gan_core.errors import UserError
from gan_core.text import and_more

GREY_SHARE = 0.95  # mode auto: this much grey makes a grey set
REJECTED_KEPT = 1000


class Plan(NamedTuple):
    """What was asked for and where it came from: all that finish needs besides the pictures."""

    name: str
    size: int
    fit: Fit
    mode: str
    seed: int
    test_fraction: float
    source: dict[str, Any]


def finish(pool: Decoded, folder: Path, slots: Path, plan: Plan, progress: Progress) -> DatasetInfo:
    """Clean, split, write. dataset.json comes last."""
    # Before anything is compared: a class that only the test part has must not take pictures from the training part with it.
    records, classes, notices = _drop_empty(pool.records, pool.classes, list(pool.notices))
    cleaned = import_report.clean(records)
    records, classes, notices = _drop_empty(cleaned.records, classes, notices)
    test_given = pool.test_given and any(record.held_out for record in records)
    if pool.test_given and not test_given:
        notices.append("No picture of the test folder could be used, so the test split was cut from the others.")
    if not records:
        raise _no_images(pool.rejected)
    mode = _mode(records, plan.mode)
    if test_given:
        held_out = np.array([record.held_out for record in records])
    else:  # the same picture under two labels must not lie on both sides
        may_be_tested = [record.sha256 not in cleaned.conflicts for record in records]
        held_out = cut_test_split([record.label for record in records], may_be_tested, plan.test_fraction, plan.seed)
    splits: dict[Split, list[Record]] = {
        "train": [record for record, out in zip(records, held_out, strict=True) if not out],
        "test": [record for record, out in zip(records, held_out, strict=True) if out],
    }
    shape = (plan.size, plan.size, 1 if mode == "L" else 3)
    counts = {}
    threads = ThreadPoolExecutor(most_children())
    try:  # the sheets are drawn while the disk is waited for
        sheets = _draw_sheets(threads, folder, slots, splits["train"], len(classes), plan.size, mode)
        for at, (split, rows) in enumerate(splits.items()):
            progress(0.9 + 0.04 * at, f"Writing {len(rows):,} pictures", always=True)
            labels = [record.label for record in rows]
            write_split(folder, split, chunks(slots, rows, plan.size, mode), shape, labels)
            counts[split] = np.bincount(labels, minlength=len(classes)).tolist()
        write_items(folder, _items(splits))
        for sheet in sheets:
            progress(0.98, "Drawing contact sheets")
            sheet.result()
    finally:
        threads.shutdown(cancel_futures=True)
    notices += import_report.notices(records, classes, plan.size, len(cleaned.conflicts), cleaned.leaked)
    notices += import_report.of_kinds(records, mode, plan.mode)
    report = import_report.measure(
        records,
        classes,
        duplicates=cleaned.duplicates + cleaned.leaked,
        conflicts=len(cleaned.conflicts),
        ignored=pool.ignored,
        rejected=len(pool.rejected),
        channels=shape[2],
    )
    rejected = [{"file": shown(file, 200), "reason": reason} for file, reason in sorted(pool.rejected)[:REJECTED_KEPT]]
    info = DatasetInfo(
        plan.name,
        plan.size,
        mode,
        plan.fit,
        classes,
        counts["train"],
        counts["test"],
        {**plan.source, "test_split": "given" if test_given else "cut"},
        plan.seed,
        report,
        rejected,
        notices,
    )
    write_info(folder, info)
    return info


def _no_images(rejected: list[tuple[str, str]]) -> UserError:
    """Why nothing is left, by the first reason."""
    reason = rejected[0][1] if rejected else ""
    small = bool(rejected) and all(why.startswith("too small") for _, why in rejected)
    todo = "Choose a smaller size, or take larger pictures." if small else "Use PNG, JPEG, WebP, BMP, GIF or TIFF."
    return UserError("no_images", f"No picture could be read{reason and f': {reason}'}.", todo)


def _mode(records: Sequence[Record], wanted: str) -> Literal["L", "RGB"]:
    if wanted == "auto":
        wanted = "L" if sum(record.channels == 1 for record in records) >= GREY_SHARE * len(records) else "RGB"
    return "L" if wanted == "L" else "RGB"


def _drop_empty(
    records: Sequence[Record], classes: Sequence[str], notices: list[str]
) -> tuple[list[Record], list[str], list[str]]:
    """Without the classes that have no picture to train on; labels are renumbered."""
    present = sorted({record.label for record in records if not record.held_out})
    gone = [name for label, name in enumerate(classes) if label not in set(present)]
    if gone:
        notices.append(f"Left out, since no picture to train on could be read: {and_more(gone)}.")
    if len(gone) == 0:
        return list(records), list(classes), notices
    new_label = {label: number for number, label in enumerate(present)}
    kept = [record._replace(label=new_label[record.label]) for record in records if record.label in new_label]
    return kept, [classes[label] for label in present], notices


def _items(splits: Mapping[Split, Sequence[Record]]) -> Iterator[dict[str, Any]]:
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


def _draw_sheets(
    threads: ThreadPoolExecutor,
    folder: Path,
    slots: Path,
    rows: Sequence[Record],
    classes: int,
    size: int,
    mode: Literal["L", "RGB"],
) -> list[Future[None]]:
    """contact/<label>.webp of every class, begun; from the training rows, which are sorted by class."""
    ends = np.searchsorted([record.label for record in rows], np.arange(classes), side="right").tolist()

    def draw(label: int, start: int, end: int) -> None:
        picked = [rows[start + at] for at in import_report.picks(end - start)]
        images = np.concatenate(list(chunks(slots, picked, size, mode)))
        import_report.write_contact_sheet(folder / "contact" / f"{label}.webp", images)

    return [threads.submit(draw, *each) for each in zip(range(classes), [0, *ends], ends, strict=False)]
