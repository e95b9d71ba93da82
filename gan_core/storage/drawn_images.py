"""The folders that the jobs `explore` and `walk` write into a run: generated images, and walks between two of them.

runs/<run>/explore/<job>/  explore.json (Exploration), grid.png, image-0000.png, ..., real-0000123.webp (rows of the training set)
runs/<run>/walks/<job>/    walk.json, strip.png, walk.webp, walk.gif, perhaps walk.mp4

A folder never changes. The newest KEPT of each kind stay.
"""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

from gan_core.storage.workspace import read_json

KEPT = 8  # of each kind and run
MOST_IMAGES = 96  # of an exploration
COLUMNS = 8  # most images of a class, where all classes are asked for
ONE_CLASS = 48  # images where one class is asked for
NEIGHBOURS = 4  # real images beside a generated one
STRIP = 9  # frames of a walk that its still image shows


class Exploration(NamedTuple):
    """What explore.json says. images: {"file", "label", "number", "copy", "near": [{"row", "label", "distance", "flipped"}]}."""

    job: str
    seed: int
    truncation: float  # `noise_scale` in files of earlier versions
    only: str | None  # the class asked for
    images_seen: int
    classes: list[str]  # of the run
    train_classes: list[str]  # of the training set, which a run may ignore
    images: list[dict[str, Any]]
    usual: float  # median distance between real images and their nearest real ones
    looked_at: int  # training images that were compared
    train_images: int


def rows_and_columns(num_classes: int) -> tuple[int, int]:
    """(number of classes that are shown, images of each), where no single class is asked for."""
    if num_classes == 1:
        return 1, ONE_CLASS
    shown = min(num_classes, MOST_IMAGES)
    return shown, max(1, min(COLUMNS, MOST_IMAGES // shown))


def folders(run_folder: Path, kind: str) -> list[Path]:
    """The folders of a run, the newest first. kind: explore or walks."""
    there = [path for path in (run_folder / kind).glob("j*") if path.is_dir()]
    return sorted(there, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)


def prune(run_folder: Path, kind: str, keep: int = KEPT) -> None:
    """Remove all but the newest folders of a kind."""
    for path in folders(run_folder, kind)[keep:]:
        shutil.rmtree(path, ignore_errors=True)


def read(folder: Path) -> Exploration | None:
    """The contents of explore.json; None where it is missing or damaged."""
    try:
        values = read_json(folder / "explore.json", {})
        if "noise_scale" in values:  # as it was called before
            values["truncation"] = values.pop("noise_scale")
        return Exploration(**values)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def read_walk(folder: Path) -> dict[str, Any] | None:
    """The contents of walk.json; None where it is missing or damaged."""
    try:
        return read_json(folder / "walk.json") or None
    except (OSError, ValueError):
        return None
