"""The names of a run's checkpoints, and which one is marked as the best; without torch.

runs/<run>/checkpoints/ck-<images seen, 12 digits>.pt holds the values. The manifest ck-<images seen>.json beside it, with
"sha256", "bytes" and "images_seen", is written last: without it there is no checkpoint. best.json marks the best one
(training/best_checkpoint.py).
"""

from pathlib import Path
from typing import Literal, NamedTuple

from gan_core.storage.workspace import read_json

BEST = "best.json"
# A checkpoint by the images that it had seen. None: the best one, or the newest where none is marked.
At = int | Literal["newest"] | None


class Best(NamedTuple):
    """The checkpoint with the best check of the collapse monitor."""

    images_seen: int
    kernel_distance: float
    coverage: float | None  # of generated over that of held-out images; None where it is not known


def manifest(folder: Path, images_seen: int) -> Path:
    """The path of the manifest of one checkpoint. folder: `checkpoints` of a run."""
    return folder / f"ck-{images_seen:012d}.json"


def manifests(folder: Path) -> list[Path]:
    """The manifests in the folder `checkpoints` of a run, the newest first."""
    return sorted(folder.glob("ck-*.json"), reverse=True)


def values_of(manifest: Path) -> Path:
    """The file with the values of a checkpoint."""
    return manifest.with_suffix(".pt")


def images_seen(manifest: Path) -> int | None:
    """The number of images in the name of a manifest or its values; None where the name has no number."""
    number = manifest.stem.removeprefix("ck-")
    return int(number) if number.isdigit() else None


def of_run(run_folder: Path) -> list[int]:
    """Images seen of each checkpoint of a run, the newest first. Their files are not opened."""
    numbers = (images_seen(path) for path in manifests(run_folder / "checkpoints"))
    return sorted((number for number in numbers if number is not None), reverse=True)


def traces(folder: Path) -> bool:
    """Whether this run ever saved a checkpoint, readable or not. folder: `checkpoints` of a run."""
    return any(True for name in ("ck-*.json", "ck-*.pt", "bad/ck-*") for _ in folder.glob(name))


def unusable(folder: Path, newer_than: int) -> list[Path]:
    """The files of checkpoints newer than so many images, and values whose manifest is missing."""
    files = sorted([*folder.glob("ck-*.json"), *folder.glob("ck-*.pt")])
    orphans = [path for path in files if path.suffix == ".pt" and not path.with_suffix(".json").exists()]
    return [path for path in files if path in orphans or (images_seen(path) or 0) > newer_than]


def best(folder: Path) -> Best | None:
    """What best.json marks; None where nothing is marked, or the marked checkpoint is gone. folder: `checkpoints` of a run."""
    try:
        marked = (read_json(folder / BEST) or {})["best"]
        found = Best(int(marked["images_seen"]), float(marked["kernel_distance"]), marked["coverage"])
    except (KeyError, TypeError, ValueError, OSError):
        return None
    return found if manifest(folder, found.images_seen).exists() else None


def superseded(folder: Path, kept: int) -> list[Path]:
    """The manifests that are neither among the `kept` newest ones nor marked as the best."""
    marked = best(folder)
    protected = None if marked is None else manifest(folder, marked.images_seen)
    return [path for path in manifests(folder)[kept:] if path != protected]


def drawn_from(folder: Path, at: At) -> int | None:
    """Images seen of the checkpoint that images are drawn from; None: the newest valid one."""
    if at is not None:
        return None if at == "newest" else at
    marked = best(folder)
    return None if marked is None else marked.images_seen


def chosen(run_folder: Path, at: At = None) -> int | None:
    """Images seen of the checkpoint that a request draws from, as far as the names tell; None where there is none."""
    found = drawn_from(run_folder / "checkpoints", at)
    return found if found is not None else next(iter(of_run(run_folder)), None)
