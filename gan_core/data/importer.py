"""From a zip, a folder or a ready set to a finished data set in a staging folder: the one entry point of this room.

archive or folder -> layout -> decode in children -> health -> test split -> files. Pixels wait in a file with one slot
per picture, so memory stays small however large the set; the slots are sorted into place once the mode is known.
"""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from gan_core.data import health, metadata
from gan_core.data.dataset import SIZES, DatasetInfo, Split, cut_test_split, write_info, write_items, write_split
from gan_core.data.decode import Fit, fit_square, grey_if_grey, to_mode
from gan_core.data.demos import demo_items
from gan_core.data.health import Record
from gan_core.data.layout import lay_out, natural, shown
from gan_core.data.pool import decode_all
from gan_core.data.source import check_folder, list_folder, list_zip, read_text
from gan_core.errors import Stopped, UserError

MODES = ("auto", "L", "RGB")
FITS = ("crop", "pad", "stretch")
GREY_SHARE = 0.95  # mode auto: this much grey makes a grey set
DAMAGED_SHARE = 0.05  # more than this (and more than one) damaged inside the zip: the zip itself is bad
REJECTED_KEPT = 1000
CHUNK_IMAGES = 512
PROGRESS_SECONDS = 0.25


class _Pool(NamedTuple):
    """Decoded pictures of any source."""

    records: list[Record]
    classes: list[str]
    test_given: bool
    ignored: int
    rejected: list[tuple[str, str]]
    notices: list[str]


class _Progress:
    """on_progress at most four times a second; looks at should_stop at every step."""

    def __init__(self, on_progress: Callable[[float, str], None], should_stop: Callable[[], bool]):
        self.on_progress, self.should_stop, self.next_seconds = on_progress, should_stop, 0.0

    def is_due(self) -> bool:
        return time.monotonic() >= self.next_seconds

    def __call__(self, fraction: float, message: str, always: bool = False) -> None:
        if always or self.is_due():
            if self.should_stop():
                raise Stopped
            self.on_progress(fraction, message)
            self.next_seconds = time.monotonic() + PROGRESS_SECONDS


def import_dataset(
    source: Path | str,
    folder: Path,
    *,
    name: str,
    size: int,
    mode: Literal["auto", "L", "RGB"] = "auto",
    fit: Fit = "crop",
    test_fraction: float = 0.15,
    seed: int = 0,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
    cache: Path | None = None,
) -> DatasetInfo:
    """Fill `folder` (existing, empty, owned by the caller) with the data set made from `source`.

    source: a zip, a folder of class folders, or 'demo:<ready set>'. size: side in pixels, one of SIZES. mode auto: grey
    when 95 % of the pictures are. cache: keeps downloads of ready sets; without it they are fetched again each time.
    Raises UserError for every refusal and Stopped when should_stop() becomes true; `folder` is then worthless.
    """
    _check_settings(size, mode, fit, test_fraction)
    progress = _Progress(on_progress, should_stop)
    progress(0.0, "Looking into the source", always=True)
    slots = folder / "slots.tmp"
    try:
        if isinstance(source, str) and source.startswith("demo:"):
            kind, label = "demo", source.removeprefix("demo:")
            pool = _read_demo(label, slots, size, fit, seed, cache or folder / "download.tmp", progress)
        else:
            path = Path(source).absolute()
            kind, label = ("folder" if os.path.isdir(path) else "zip"), shown(path.name)
            if kind == "folder":
                check_folder(path, folder)
            pool = _read_files(path, slots, size, fit, progress)
        info = _finish(
            pool,
            folder,
            slots,
            size=size,
            fit=fit,
            mode=mode,
            seed=seed,
            test_fraction=test_fraction,
            name=shown(name.strip()) or label,
            source={"kind": kind, "name": label},
            progress=progress,
        )
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full() from error
        raise
    slots.unlink()
    shutil.rmtree(folder / "download.tmp", ignore_errors=True)
    progress(1.0, f"{info.health['images']:,} pictures in {len(info.classes):,} classes", always=True)
    return info


def _check_settings(size: int, mode: str, fit: str, test_fraction: float) -> None:
    if size not in SIZES:
        raise UserError("bad_size", f"The size {size} is not offered.", f"Choose one of {', '.join(map(str, SIZES))}.")
    if mode not in MODES:
        raise UserError("bad_mode", f"The mode {mode!r} is not known.", f"Choose one of {', '.join(MODES)}.")
    if fit not in FITS:
        raise UserError("bad_fit", f"The fit {fit!r} is not known.", f"Choose one of {', '.join(FITS)}.")
    if not 0 <= test_fraction <= 0.5:
        raise UserError(
            "bad_test_fraction", f"The test share {test_fraction} is not possible.", "Choose a share between 0 and 0.5."
        )


def _disk_full() -> UserError:
    return UserError("disk_full", "There is too little free disk space for the pixels.", "Free some and import again.")


def _read_files(path: Path, slots: Path, size: int, fit: Fit, progress: _Progress) -> _Pool:
    """List, lay out and decode a zip or a folder."""
    if not os.path.exists(path):
        raise UserError("no_source", f"There is no file or folder {shown(str(path), 200)}.", "Check the path.")
    zip_path = None if os.path.isdir(path) else path
    listing = list_zip(path) if zip_path else list_folder(path)
    labels = metadata.labels(listing.names, lambda index: read_text(listing, index, zip_path))
    layout = lay_out(listing.names, listing.folders, labels)
    rejected = list(layout.rejected)
    items, jobs = [], []
    for item in layout.items:
        job = listing.jobs[item.source]
        if isinstance(job, str):
            rejected.append((item.name, job))
        else:
            items.append(item)
            jobs.append(job)
    _make_slots(slots, len(jobs), size)
    records, damaged = [], 0
    for done, answer in enumerate(decode_all(jobs, slots, size, fit, zip_path, progress.should_stop), 1):
        item = items[answer.slot]
        if answer.channels:
            records.append(
                Record(
                    answer.slot,
                    item.label,
                    item.held_out,
                    item.name,
                    answer.sha256,
                    answer.channels,
                    answer.width,
                    answer.height,
                    answer.mode,
                )
            )
        else:
            rejected.append((item.name, answer.reason))
            damaged += answer.damaged
        if progress.is_due():
            progress(
                0.05 + 0.85 * done / len(jobs),
                f"Reading pictures: {done:,} of {len(jobs):,}, {len(rejected):,} skipped",
            )
    if damaged > max(1, DAMAGED_SHARE * len(jobs)):
        raise UserError(
            "corrupt_archive",
            f"{damaged:,} of {len(jobs):,} files are damaged inside the zip.",
            "Make the zip again and upload the new one.",
        )
    records.sort()
    return _Pool(records, layout.classes, layout.test_given, layout.ignored, rejected, layout.notices)


def _make_slots(slots: Path, count: int, size: int) -> None:
    """An empty file with a slot of 3 * size * size bytes per picture; grey pictures leave two thirds a hole."""
    slot_bytes = count * 3 * size * size
    if shutil.disk_usage(slots.parent).free < 2 * slot_bytes:
        raise _disk_full()
    with open(slots, "xb") as file:
        file.truncate(slot_bytes)


def _read_demo(name: str, slots: Path, size: int, fit: Fit, seed: int, cache: Path, progress: _Progress) -> _Pool:
    """Fit the pictures of a ready set; no child is needed, their bytes are not a stranger's."""
    cache.mkdir(parents=True, exist_ok=True)
    records, labels = [], dict[str, int]()
    with open(slots, "xb") as file:
        for slot, item in enumerate(demo_items(name, size, seed, cache)):
            progress(0.05 + 0.85 * min(1, slot / 70_000), f"Reading pictures: {slot:,}")
            label = labels.setdefault(item.class_name, len(labels))
            sha256 = hashlib.sha256(f"{item.image.mode}{item.image.size}".encode() + item.image.tobytes()).hexdigest()
            pixels = grey_if_grey(np.asarray(fit_square(item.image, size, fit)))
            file.seek(slot * 3 * size * size)
            file.write(pixels.tobytes())
            records.append(
                Record(
                    slot,
                    label,
                    item.held_out,
                    item.name,
                    sha256,
                    1 if pixels.ndim == 2 else 3,
                    *item.image.size,
                    item.image.mode,
                )
            )
        file.truncate(len(records) * 3 * size * size)
    order = sorted(labels, key=natural)
    records = [record._replace(label=order.index(list(labels)[record.label])) for record in records]
    records.sort(key=lambda record: (record.label, record.held_out, record.slot))
    return _Pool(records, order, any(record.held_out for record in records), 0, [], [])


def _finish(
    pool: _Pool,
    folder: Path,
    slots: Path,
    *,
    size: int,
    fit: Fit,
    mode: str,
    seed: int,
    test_fraction: float,
    name: str,
    source: dict[str, Any],
    progress: _Progress,
) -> DatasetInfo:
    """Clean, split, write. dataset.json comes last."""
    cleaned = health.clean(pool.records)
    records, classes, notices = _drop_empty(cleaned.records, pool.classes, list(pool.notices))
    if not records:
        reason = f": {pool.rejected[0][1]}" if pool.rejected else ""
        raise UserError("no_images", f"No picture could be read{reason}.", "Use PNG, JPEG, WebP, BMP, GIF or TIFF.")
    if mode == "auto":
        mode = "L" if sum(record.channels == 1 for record in records) >= GREY_SHARE * len(records) else "RGB"
    kept_mode: Literal["L", "RGB"] = "L" if mode == "L" else "RGB"
    if pool.test_given:
        held_out = np.array([record.held_out for record in records])
    else:  # the same picture under two labels must not lie on both sides
        may_be_tested = [record.sha256 not in cleaned.conflicts for record in records]
        held_out = cut_test_split([record.label for record in records], may_be_tested, test_fraction, seed)
    splits: dict[Split, list[Record]] = {
        "train": [record for record, out in zip(records, held_out, strict=True) if not out],
        "test": [record for record, out in zip(records, held_out, strict=True) if out],
    }
    pixels = np.asarray(np.memmap(slots, np.uint8, "r")).reshape(-1, 3 * size * size)
    channels = 1 if kept_mode == "L" else 3
    counts = {}
    for at, (split, rows) in enumerate(splits.items()):
        progress(0.9 + 0.04 * at, f"Writing {len(rows):,} pictures", always=True)
        write_split(
            folder,
            split,
            _chunks(pixels, rows, size, kept_mode),
            (size, size, channels),
            [record.label for record in rows],
        )
        counts[split] = np.bincount([record.label for record in rows], minlength=len(classes)).tolist()
    write_items(
        folder,
        (
            {
                "split": split,
                "row": row,
                "label": record.label,
                "name": shown(record.name, 200),
                "sha256": record.sha256,
            }
            for split, rows in splits.items()
            for row, record in enumerate(rows)
        ),
    )
    images = np.load(folder / "train_images.npy", mmap_mode="r", allow_pickle=False)
    ends = np.cumsum(counts["train"])
    for label, (end, count) in enumerate(zip(ends, counts["train"], strict=True)):
        progress(0.98, "Drawing contact sheets")
        health.write_contact_sheet(folder / "contact" / f"{label}.webp", images[end - count : end])
    notices += health.notices(records, classes, size, len(cleaned.conflicts), cleaned.leaked)
    report = health.measure(
        records,
        classes,
        duplicates=cleaned.duplicates + cleaned.leaked,
        conflicts=len(cleaned.conflicts),
        ignored=pool.ignored,
        rejected=len(pool.rejected),
    )
    rejected = [{"file": shown(file, 200), "reason": reason} for file, reason in sorted(pool.rejected)[:REJECTED_KEPT]]
    info = DatasetInfo(
        name,
        size,
        kept_mode,
        fit,
        classes,
        counts["train"],
        counts["test"],
        {**source, "test_split": "given" if pool.test_given else "cut", "background": "white"},
        seed,
        report,
        rejected,
        notices,
    )
    write_info(folder, info)
    return info


def _drop_empty(
    records: Sequence[Record], classes: Sequence[str], notices: list[str]
) -> tuple[list[Record], list[str], list[str]]:
    """Without the classes that have no picture to train on; labels are renumbered."""
    present = sorted({record.label for record in records if not record.held_out})
    gone = [name for label, name in enumerate(classes) if label not in set(present)]
    if gone:
        notices.append(
            f"Left out, since no picture to train on could be read: {', '.join(gone[:5])}"
            f"{f' and {len(gone) - 5} more' if len(gone) > 5 else ''}."
        )
    new_label = {label: number for number, label in enumerate(present)}
    kept = [record._replace(label=new_label[record.label]) for record in records if record.label in new_label]
    return kept, [classes[label] for label in present], notices


def _chunks(pixels: np.ndarray, rows: Sequence[Record], size: int, mode: Literal["L", "RGB"]) -> Iterator[np.ndarray]:
    """Slots [slots, 3 * size * size] in the order of rows, as chunks uint8 [n, size, size, C]."""
    channels = 1 if mode == "L" else 3
    for start in range(0, len(rows), CHUNK_IMAGES):
        chunk = rows[start : start + CHUNK_IMAGES]
        if all(record.channels == channels for record in chunk):  # nothing to convert: one gather
            yield pixels[[record.slot for record in chunk], : channels * size * size].reshape(-1, size, size, channels)
            continue
        yield np.stack(
            [
                to_mode(
                    pixels[record.slot, : record.channels * size * size].reshape(
                        (size, size) if record.channels == 1 else (size, size, 3)
                    ),
                    mode,
                )
                for record in chunk
            ]
        )
