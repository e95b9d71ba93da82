"""The balanced dataset as one zip: train/<class>/*.png, test/<class>/*.png, a metadata.csv in each, manifest.json, README.md.

The same inputs give the same bytes: members are stored, not deflated (a PNG already is), with a fixed time and mode.
"""

import csv
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
from gan_core.export.names import csv_cell, folder_names
from gan_core.export.plan import Row

SCHEMA_VERSION = 1
BATCH_IMAGES = 64  # so many pictures are in memory at a time
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say


class Group(NamedTuple):
    """The pictures of one kind in one class: the one list that files, metadata and manifest are all written from."""

    split: str  # train or test
    label: int
    kind: str  # real or gan
    images: int

    def file_names(self, folders: list[str]) -> Iterator[str]:
        return (f"{self.split}/{folders[self.label]}/{self.kind}_{i:06d}.png" for i in range(1, self.images + 1))


def write_zip(
    path: Path,
    *,
    train: ImageSet,
    test: ImageSet | None,
    make_fakes: Callable[[int, int, int], np.ndarray],
    plan: dict[str, Row],
    run_id: str,
    seed: int,
    checkpoint_sha256: str,
    dataset_name: str,
    recipe: str,
    originals: bool = True,
    copying: str = "not checked",
    label_gate: LabelGate | None = None,
    unchecked: str = "not checked",
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Write the zip to path, which must not exist, and return its manifest without the list of synthetic files.

    make_fakes(class index, count, start) -> uint8 [count, H, W, C]: the fakes start, start + 1, ... of that class, the
    same at every call. plan: Rows by class name (plan.deficits). The test split is copied as it is and gets no fakes.
    copying: what the check for copied training images said. label_gate: make_fakes itself where it chooses, to be asked
    what it kept; else unchecked says why there is none. Raises Stopped as soon as should_stop() says so. Whatever is
    raised, no half-written file stays.
    """
    groups = list(train_groups(train, plan, originals)) + (list(test_groups(test)) if test is not None else [])
    folders = folder_names(train.classes)
    manifest = {
        "schema": SCHEMA_VERSION,
        "dataset": dataset_name,
        "run": run_id,
        "recipe": recipe,
        "seed": seed,
        "checkpoint_sha256": checkpoint_sha256,
        "originals": originals,
        "copying": copying,
        "image_shape": list(train.images.shape[1:]),
        **tally(groups, train.classes, folders),
    }
    total = max(1, sum(group.images for group in groups))
    done = 0
    path = Path(path)
    with open(path, "xb") as file:
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for group in groups:
                    names = group.file_names(folders)
                    for pictures in batches(group, train, test, make_fakes):
                        if should_stop and should_stop():
                            raise Stopped
                        for picture in pictures:
                            archive.writestr(member(next(names)), png(picture))
                        done += len(pictures)
                        if on_progress:
                            on_progress(done / total, f"Writing {done:,} of {total:,} images")
                manifest["label_check"] = label_gate.report() if label_gate else None
                manifest["label_check_said"] = label_gate.sentence() if label_gate else unchecked
                for split in dict.fromkeys(group.split for group in groups if group.images):
                    mine = [group for group in groups if group.split == split]
                    lines = metadata_lines(mine, train.classes, folders, run_id, seed)
                    write_text(archive, f"{split}/metadata.csv", lines)
                write_text(
                    archive, "manifest.json", manifest_lines(manifest, groups, train.classes, folders, label_gate)
                )
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


def train_groups(train: ImageSet, plan: dict[str, Row], originals: bool) -> Iterator[Group]:
    for label, name in enumerate(train.classes):
        real = int(np.count_nonzero(train.labels == label)) if originals else 0
        yield Group("train", label, "real", real)
        yield Group("train", label, "gan", plan[name].missing)


def test_groups(test: ImageSet) -> Iterator[Group]:
    for label in range(len(test.classes)):
        yield Group("test", label, "real", int(np.count_nonzero(test.labels == label)))


def batches(
    group: Group, train: ImageSet, test: ImageSet | None, make_fakes: Callable[[int, int, int], np.ndarray]
) -> Iterator[np.ndarray]:
    """The pictures of a group, at most BATCH_IMAGES at a time, uint8 [n, H, W, C]."""
    split = test if group.split == "test" and test is not None else train
    rows = np.flatnonzero(split.labels == group.label)
    for start in range(0, group.images, BATCH_IMAGES):
        count = min(BATCH_IMAGES, group.images - start)
        if group.kind == "real":
            yield np.asarray(split.images[rows[start : start + count]])
            continue
        fakes = make_fakes(group.label, count, start)
        if fakes.dtype != np.uint8 or fakes.shape != (count, *train.images.shape[1:]):
            raise ValueError(f"make_fakes gave {fakes.dtype} {fakes.shape} where {count} pictures were asked for")
        yield fakes


def tally(groups: list[Group], classes: list[str], folders: list[str]) -> dict[str, Any]:
    """Counts per class and in all."""
    counts = {(group.split, group.kind, group.label): group.images for group in groups}
    kinds = {"real": ("train", "real"), "synthetic": ("train", "gan"), "test": ("test", "real")}
    table: list[dict[str, Any]] = [
        {"name": name, "folder": folders[label], **{key: counts.get((*kind, label), 0) for key, kind in kinds.items()}}
        for label, name in enumerate(classes)
    ]
    real, synthetic, test = (sum(row[key] for row in table) for key in kinds)
    return {
        "classes": table,
        "real": real,
        "synthetic": synthetic,
        "test": test,
        "synthetic_share": synthetic / (real + synthetic) if real + synthetic else 0.0,
    }


def metadata_lines(
    groups: list[Group], classes: list[str], folders: list[str], run_id: str, seed: int
) -> Iterator[str]:
    """Of one split, names from its folder on: so Hugging Face's `imagefolder` reads it. No cell is empty: that would be a number."""
    yield csv_line(["file_name", "label", "is_synthetic", "run", "seed"])
    for group in groups:
        label = csv_cell(classes[group.label])
        tail = [label, "true", run_id, seed] if group.kind == "gan" else [label, "false", "none", -1]
        for name in group.file_names(folders):
            yield csv_line([name.removeprefix(f"{group.split}/"), *tail])


def csv_line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def manifest_lines(
    manifest: dict[str, Any], groups: list[Group], classes: list[str], folders: list[str], label_gate: LabelGate | None
) -> Iterator[str]:
    """The manifest with one line per synthetic file, never whole in memory."""
    yield json.dumps(manifest, indent=1, allow_nan=False)[:-2] + ',\n "synthetic_files": ['
    separator = "\n"
    for group in groups:
        if group.kind == "gan":
            for index, name in enumerate(group.file_names(folders)):
                entry = {
                    "file_name": name,
                    "class": classes[group.label],
                    "run": manifest["run"],
                    "seed": manifest["seed"],
                    **(label_gate.entry(group.label, index) if label_gate else {"index": index}),
                }
                yield f"{separator}  {json.dumps(entry)}"
                separator = ",\n"
    yield "\n ]\n}\n"


def write_text(archive: zipfile.ZipFile, name: str, parts: Iterator[str]) -> None:
    with archive.open(member(name), "w") as file:
        for part in parts:
            file.write(part.encode(errors="replace"))


def member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, FIXED_TIME)
    info.create_system, info.external_attr = 3, 0o100644 << 16  # Unix, rw-r--r--, whatever this computer runs
    return info


def png(picture: np.ndarray) -> bytes:
    """picture uint8 [H, W, 1 or 3] -> PNG bytes."""
    file = io.BytesIO()
    Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture).save(file, "PNG")
    return file.getvalue()
