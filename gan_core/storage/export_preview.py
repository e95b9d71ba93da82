"""The preview of an export: runs/<run>/preview.npz, which the job `preview` writes and the Export page reads."""

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.storage.workspace import atomic_write

SHOWN, LEAST_SHOWN, MOST_SHOWN = 120, 4, 12  # accepted images in all; least and most of a class
REFUSED_SHOWN = 4  # refused images of each class and reason


class Preview(NamedTuple):
    """images uint8 [n, H, W, C]: accepted ones, and for each its label, its number among the drawn images, two scores (NaN where
    there is none) and the row of its nearest training image (-1: none). refused uint8 [m, H, W, C]: with label and reason, a
    check of the quality filter.
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
    """The file of a run's preview."""
    return run_folder / "preview.npz"


def write(path: Path, preview: Preview) -> None:
    """Write the file, whole or not at all."""
    atomic_write(path, lambda file: np.savez(file, **preview._asdict()))


def read(path: Path) -> Preview | None:
    """The preview; None where there is no file or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = Preview(**{name: np.asarray(file[name]) for name in Preview._fields})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    n, m = len(found.images), len(found.refused)
    fits = all(len(values) == n for values in found[:6]) and all(len(values) == m for values in found[6:9])
    return found if fits and found.images.dtype == found.refused.dtype == np.uint8 else None
