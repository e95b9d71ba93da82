"""What a run's export would keep and refuse, as the job `preview` left it: runs/<run>/preview.npz, read without torch."""

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.storage.workspace import atomic_write

SHOWN, LEAST_SHOWN, MOST_SHOWN = 120, 4, 12  # images in all and of a class
REFUSED_SHOWN = 4  # of a class and reason


class Preview(NamedTuple):
    """images uint8 [n, H, W, C] that are kept, and of each: label, its number in the row of drawn images, two scores (NaN where
    there is none), the training row it is nearest to (-1). refused uint8 [m, H, W, C] with label and reason, a key of
    export/gate.py's CHECKS.
    """

    images: np.ndarray
    label: np.ndarray
    number: np.ndarray
    agreement: np.ndarray
    realism: np.ndarray
    nearest: np.ndarray
    refused: np.ndarray
    refused_label: np.ndarray
    refused_reason: np.ndarray
    job: np.ndarray  # the id of the job that made it


def path_of(run_folder: Path) -> Path:
    return run_folder / "preview.npz"


def write(path: Path, preview: Preview) -> None:
    atomic_write(path, lambda file: np.savez(file, **preview._asdict()))


def read(path: Path) -> Preview | None:
    """None where there is none, or it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = Preview(**{name: np.asarray(file[name]) for name in Preview._fields})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    n, m = len(found.images), len(found.refused)
    fits = all(len(values) == n for values in found[:6]) and all(len(values) == m for values in found[6:9])
    return found if fits and found.images.dtype == found.refused.dtype == np.uint8 else None
