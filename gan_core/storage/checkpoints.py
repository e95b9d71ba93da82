"""The names of a run's checkpoints, without torch.

runs/<run>/checkpoints/ck-<images seen, 12 digits>.pt holds the values. The manifest ck-<images seen>.json beside it, with
"sha256", "bytes" and "images_seen", is written last: without it there is no checkpoint.
"""

from pathlib import Path


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
    """The number of images in the name of a manifest; None where the name has no number."""
    number = manifest.stem.removeprefix("ck-")
    return int(number) if number.isdigit() else None


def of_run(run_folder: Path) -> list[int]:
    """Images seen of each checkpoint of a run, the newest first. Their files are not opened."""
    numbers = (images_seen(path) for path in manifests(run_folder / "checkpoints"))
    return sorted((number for number in numbers if number is not None), reverse=True)
