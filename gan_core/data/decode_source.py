"""Every picture of a source into its slot: from a zip or folder by way of the child processes, or from a ready set."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.data.color import Colour
from gan_core.data.decode import Fit, fit_square
from gan_core.data.decoder_pool import Readers, decode_all, most_children
from gan_core.data.file_names import natural
from gan_core.data.import_options import Choices
from gan_core.data.import_preview import survey, to_read
from gan_core.data.import_report import Record
from gan_core.data.pixel_arrays import grey_if_grey
from gan_core.data.pixel_file import make_slots
from gan_core.data.ready_sets import demo_items
from gan_core.errors import Stopped, UserError

DAMAGED_SHARE = 0.05  # more than this (and more than one) damaged inside the zip: the zip itself is bad
PROGRESS_SECONDS = 0.25
LARGE_ZIP_BYTES = 4 << 20  # listing it takes longer than starting a child


class Decoded(NamedTuple):
    """Decoded pictures of any source; records sorted by class."""

    records: list[Record]
    classes: list[str]
    test_given: bool
    ignored: int
    rejected: list[tuple[str, str]]
    notices: list[str]


class Progress:
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


def read_files(
    path: Path, slots: Path, size: int, fit: Fit, background: Colour, choices: Choices, progress: Progress
) -> Decoded:
    """List, lay out and decode a zip or a folder."""
    large = path.is_file() and path.stat().st_size >= LARGE_ZIP_BYTES
    with Readers(most_children() if large else 0) as readers:
        found = survey(path, choices)
        items, rejected = to_read(found)
        jobs = [found.listing.jobs[item.source] for item in items]
        make_slots(slots, len(jobs), size)
        answers = decode_all(
            jobs,  # type: ignore[arg-type]
            slots,
            size,
            fit,
            found.zip_path,
            progress.should_stop,
            background=background,
            readers=readers,
        )
        records, damaged = [], 0
        for done, answer in enumerate(answers, 1):
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
                        answer.animated,
                    )
                )
            else:
                rejected.append((item.name, answer.reason))
                damaged += answer.damaged
            if not done % 64 and progress.is_due():
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
    layout = found.layout
    return Decoded(records, layout.classes, layout.test_given, layout.ignored, rejected, found.notices)


def read_demo(name: str, slots: Path, size: int, fit: Fit, seed: int, cache: Path, progress: Progress) -> Decoded:
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
    return Decoded(records, order, any(record.held_out for record in records), 0, [], [])
