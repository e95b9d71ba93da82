"""Second step of an import: every image of a source into the pixel file, decoded in child processes, or from a ready set."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.data import pixel_file
from gan_core.data.decode import fit_square
from gan_core.data.decoder_pool import DecodeSettings, StartedDecoders, decode_all, most_children
from gan_core.data.file_names import natural
from gan_core.data.import_preview import survey, to_read
from gan_core.data.import_report import Record
from gan_core.data.pixel_arrays import grey_if_grey
from gan_core.data.ready_sets import demo_items
from gan_core.data.split_names import SPLITS, Split
from gan_core.errors import Stopped, UserError
from gan_core.requests import Choices

DAMAGED_SHARE = 0.05  # more than this (and more than one) damaged inside the zip: the zip itself is bad
PROGRESS_SECONDS = 0.25
LARGE_ZIP_BYTES = 4 << 20  # listing it takes longer than starting a child
MOST_DEMO_IMAGES = 70_000  # of a ready set, for the progress


class DecodedSource(NamedTuple):
    """The decoded images of any source, sorted by class. given: the splits that came so. notices: of names and layout."""

    records: list[Record]
    classes: list[str]
    given: frozenset[Split]
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


def decode_files(
    path: Path, pixels: Path, settings: DecodeSettings, choices: Choices, progress: Progress
) -> DecodedSource:
    """List, lay out and decode a zip or a folder. pixels: the pixel file, made here."""
    large = path.is_file() and path.stat().st_size >= LARGE_ZIP_BYTES
    with StartedDecoders(most_children() if large else 0) as started:
        found = survey(path, choices)
        items, rejected = to_read(found)
        jobs = [found.listing.jobs[item.source] for item in items]
        pixel_file.create(pixels, len(jobs), settings.size)
        records, damaged = [], 0
        answers = decode_all(
            jobs,  # type: ignore[arg-type]
            pixels,
            settings,
            found.zip_path,
            progress.should_stop,
            started=started,
        )
        for done, answer in enumerate(answers, 1):
            item = items[answer.position]
            if answer.channels:
                about = answer.sha256, answer.channels, answer.width, answer.height, answer.mode, answer.animated
                records.append(Record(answer.position, item.label, item.split, item.name, *about))
            else:
                rejected.append((item.name, answer.reason))
                damaged += answer.damaged
            if not done % 64 and progress.is_due():
                text = f"Reading images: {done:,} of {len(jobs):,}, {len(rejected):,} skipped"
                progress(0.05 + 0.85 * done / len(jobs), text)
    if damaged > max(1, DAMAGED_SHARE * len(jobs)):
        raise UserError(
            "corrupt_archive",
            f"{damaged:,} of {len(jobs):,} files are damaged inside the zip.",
            "Make the zip again and upload the new one.",
        )
    records.sort()
    layout = found.layout
    return DecodedSource(records, layout.classes, layout.given, layout.ignored, rejected, found.notices)


def decode_ready_set(
    name: str, pixels: Path, settings: DecodeSettings, seed: int, cache: Path, progress: Progress
) -> DecodedSource:
    """Fit the images of a ready set. Their bytes are no stranger's, so no child process is needed."""
    cache.mkdir(parents=True, exist_ok=True)
    size, records, labels = settings.size, list[Record](), dict[str, int]()
    with open(pixels, "xb") as file:
        for position, item in enumerate(demo_items(name, size, seed, cache)):
            progress(0.05 + 0.85 * min(1, position / MOST_DEMO_IMAGES), f"Reading images: {position:,}")
            label = labels.setdefault(item.class_name, len(labels))
            mode, (width, height) = item.image.mode, item.image.size
            sha256 = hashlib.sha256(f"{mode}{item.image.size}".encode() + item.image.tobytes()).hexdigest()
            picture = grey_if_grey(np.asarray(fit_square(item.image, size, settings.fit)))
            channels = 1 if picture.ndim == 2 else 3
            file.seek(position * 3 * size * size)
            file.write(picture.tobytes())
            split: Split = "test" if item.held_out else "train"
            records.append(Record(position, label, split, item.name, sha256, channels, width, height, mode))
        file.truncate(len(records) * 3 * size * size)
    order = sorted(labels, key=natural)
    records = [record._replace(label=order.index(list(labels)[record.label])) for record in records]
    records.sort(key=lambda record: (record.label, SPLITS.index(record.split), record.position))
    given = frozenset(record.split for record in records) - {"train"}
    return DecodedSource(records, order, given, 0, [], [])
