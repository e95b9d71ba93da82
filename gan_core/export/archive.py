"""The balanced dataset as one zip: train/<class>/*.png, test/<class>/*.png, metadata in each, manifest.json, README.md.

The same inputs give the same bytes: members are stored, not deflated (a PNG already is), with a fixed time and mode.
"""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped
from gan_core.export.card import dataset_card
from gan_core.export.gate import LabelGate
from gan_core.export.names import folder_names
from gan_core.export.plan import FORMATS, METHODS, Row
from gan_core.export.tables import Group, csv_lines, looks_like_no_text, manifest_lines, metadata_rows, tally

SCHEMA_VERSION = 2
QUALITY: dict[str, dict[str, Any]] = {"jpeg": {"quality": 95, "subsampling": 0}, "webp": {"quality": 95}}
BATCH_IMAGES = 64  # so many pictures are in memory at a time
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say


class Encoding(NamedTuple):
    """How pictures are written. format: of plan.FORMATS; side: px to resize to, None as they are."""

    format: str = "png"
    side: int | None = None

    @property
    def ending(self) -> str:
        return FORMATS[self.format]

    def __call__(self, picture: np.ndarray) -> bytes:
        """picture uint8 [H, W, 1 or 3] -> the bytes of a file."""
        image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
        if self.side is not None and image.size != (self.side, self.side):
            shrinks = self.side < image.width
            image = image.resize(
                (self.side, self.side), Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
            )
        file = io.BytesIO()
        image.save(file, self.format.upper(), **QUALITY.get(self.format, {}))
        return file.getvalue()


AS_PNG = Encoding()


def write_zip(
    path: Path,
    *,
    train: ImageSet,
    test: ImageSet | None,
    makers: dict[str, Callable[[int, int, int], np.ndarray]],
    plan: dict[str, Row],
    shares: dict[str, dict[str, int]] | None = None,
    run_id: str,
    seed: int,
    checkpoint_sha256: str,
    dataset_name: str,
    recipe: str,
    originals: bool = True,
    encode: Encoding = AS_PNG,
    notes: list[str] | None = None,
    copying: str = "not checked",
    label_gate: LabelGate | None = None,
    unchecked: str = "not checked",
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Write the zip to path, which must not exist, and return its manifest without the list of synthetic files.

    makers: by method, maker(class index, count, start) -> uint8 [count, H, W, C]: the images start, start + 1, ... of that
    class, the same at every call; a maker with entry(class index, number) tells the manifest more of each. plan: Rows by class
    name (plan.deficits); shares: how many of a class's missing images each method makes, without it all by "gan". The test
    split is copied as it is. copying: what the check for copied training images said. label_gate: the maker "gan" itself
    where it chooses, to be asked what it kept; else unchecked says why there is none. Raises Stopped as soon as
    should_stop() says so. Whatever is raised, no half-written file stays.
    """
    shares = shares or {name: {"gan": row.missing} for name, row in plan.items()}
    groups = list(train_groups(train, shares, originals)) + (list(test_groups(test)) if test is not None else [])
    folders = folder_names(train.classes)
    manifest = {
        "schema": SCHEMA_VERSION,
        "dataset": dataset_name,
        "run": run_id,
        "recipe": recipe,
        "seed": seed,
        "checkpoint_sha256": checkpoint_sha256,
        "originals": originals,
        "notes": notes or [],
        "copying": copying,
        "format": encode.format,
        "image_shape": [*[encode.side or side for side in train.images.shape[1:3]], train.images.shape[3]],
        **tally(groups, train.classes, folders),
    }
    total = max(1, sum(group.images for group in groups))
    done = 0
    path = Path(path)
    with open(path, "xb") as file:
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for group in groups:
                    names = group.file_names(folders, encode.ending)
                    for pictures in batches(group, train, test, makers):
                        if should_stop and should_stop():
                            raise Stopped
                        for picture in pictures:
                            archive.writestr(member(next(names)), encode(picture))
                        done += len(pictures)
                        if on_progress:
                            on_progress(done / total, f"Writing {done:,} of {total:,} images")
                manifest["label_check"] = label_gate.report() if label_gate else None
                manifest["label_check_said"] = label_gate.sentence() if label_gate else unchecked
                for split in dict.fromkeys(group.split for group in groups if group.images):
                    mine = [group for group in groups if group.split == split]
                    rows = metadata_rows(mine, train.classes, folders, run_id, seed, encode.ending)
                    # A reader guesses the types of a CSV; labels that it could take for numbers or for nothing need JSON.
                    if any(map(looks_like_no_text, train.classes)):
                        write_text(archive, f"{split}/metadata.jsonl", (json.dumps(row) + "\n" for row in rows))
                    else:
                        write_text(archive, f"{split}/metadata.csv", csv_lines(rows))
                lines = manifest_lines(manifest, groups, train.classes, folders, makers, encode.ending)
                write_text(archive, "manifest.json", lines)
                write_text(archive, "README.md", iter([dataset_card(manifest)]))
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise
    return manifest


def write_files(path: Path, texts: dict[str, str], files: list[Path]) -> None:
    """A zip of texts and files, which must not exist; the same inputs give the same bytes."""
    with open(path, "xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, text in texts.items():
            archive.writestr(member(name), text)
        for each in files:
            with archive.open(member(each.name), "w", force_zip64=True) as out, open(each, "rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)


def train_groups(train: ImageSet, shares: dict[str, dict[str, int]], originals: bool) -> Iterator[Group]:
    for label, name in enumerate(train.classes):
        real = int(np.count_nonzero(train.labels == label)) if originals else 0
        yield Group("train", label, "real", real)
        for method in METHODS:
            yield Group("train", label, method, shares[name].get(method, 0))


def test_groups(test: ImageSet) -> Iterator[Group]:
    for label in range(len(test.classes)):
        yield Group("test", label, "real", int(np.count_nonzero(test.labels == label)))


def batches(
    group: Group,
    train: ImageSet,
    test: ImageSet | None,
    makers: dict[str, Callable[[int, int, int], np.ndarray]],
) -> Iterator[np.ndarray]:
    """The pictures of a group, at most BATCH_IMAGES at a time, uint8 [n, H, W, C]."""
    split = test if group.split == "test" and test is not None else train
    rows = np.flatnonzero(split.labels == group.label)
    for start in range(0, group.images, BATCH_IMAGES):
        count = min(BATCH_IMAGES, group.images - start)
        if group.kind == "real":
            yield np.asarray(split.images[rows[start : start + count]])
            continue
        fakes = makers[group.kind](group.label, count, start)
        if fakes.dtype != np.uint8 or fakes.shape != (count, *train.images.shape[1:]):
            raise ValueError(f"{group.kind} made {fakes.dtype} {fakes.shape} where {count} pictures were asked for")
        yield fakes


def write_text(archive: zipfile.ZipFile, name: str, parts: Iterator[str]) -> None:
    with archive.open(member(name), "w") as file:
        for part in parts:
            file.write(part.encode(errors="replace"))


def member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, FIXED_TIME)
    info.create_system, info.external_attr = 3, 0o100644 << 16  # Unix, rw-r--r--, whatever this computer runs
    return info
