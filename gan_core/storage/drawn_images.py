"""Images drawn to look at, and walks between them, as the jobs `explore` and `walk` left them; read without torch.

runs/<run>/explore/<job>/  explore.json (Exploration), grid.png, image-0000.png, ..., real-0000123.webp (rows of the training set)
runs/<run>/walks/<job>/    walk.json, strip.png, walk.webp, walk.gif, perhaps walk.mp4

A folder never changes once it is there; the newest KEPT of a run stay.
"""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

from gan_core.storage.workspace import read_json

KEPT = 8  # of each kind and run
MOST_IMAGES = 96  # of an exploration
COLUMNS = 8
ONE_CLASS = 48  # images where one class is asked for
NEIGHBOURS = 4  # real images beside a generated one
MOST_NOISE_SCALE = 1.5
FRAMES, LEAST_FRAMES, MOST_FRAMES = 33, 3, 120  # of a walk
STRIP = 9  # of them, in its still picture


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
    usual: float
    looked_at: int
    train_images: int


def rows_and_columns(num_classes: int) -> tuple[int, int]:
    """(classes that are shown, images of each) where all classes are asked for."""
    if num_classes == 1:
        return 1, ONE_CLASS
    shown = min(num_classes, MOST_IMAGES)
    return shown, max(1, min(COLUMNS, MOST_IMAGES // shown))


def folders(run_folder: Path, kind: str) -> list[Path]:
    """kind: explore or walks; the newest first."""
    there = [path for path in (run_folder / kind).glob("j*") if path.is_dir()]
    return sorted(there, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)


def prune(run_folder: Path, kind: str, keep: int = KEPT) -> None:
    for path in folders(run_folder, kind)[keep:]:
        shutil.rmtree(path, ignore_errors=True)


def read(folder: Path) -> Exploration | None:
    """None where it is gone or not whole."""
    try:
        values = read_json(folder / "explore.json", {})
        return Exploration(**{"truncation": values.pop("noise_scale", None), **values})
    except (OSError, ValueError, TypeError):
        return None


def read_walk(folder: Path) -> dict[str, Any] | None:
    try:
        return read_json(folder / "walk.json") or None
    except (OSError, ValueError):
        return None
