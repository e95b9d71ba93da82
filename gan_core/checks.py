"""Small refusals that several requests share: is there such a file, will it fit, may it be written."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from gan_core.errors import UserError


def exists(path: str) -> bool:
    """Is there a file or folder of that name? False too for what cannot be a path or may not be looked at."""
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def check_seed(seed: int) -> None:
    if not 0 <= seed < 2**31:
        raise UserError("bad_seed", f"The seed {seed} is out of range.", "Choose a whole number from 0 to 2147483647.")


def check_strength(strength: float) -> None:
    """How much fresh noise goes into an image's own."""
    if not 0 <= strength <= 1:
        raise UserError("bad_strength", f"The strength must be from 0 to 1, not {strength:g}.", "0.3 is usual.")


def check_room(dataset: Path) -> None:
    """Refuse a set that would not fit into memory: training keeps it there whole, and reading it takes as much again."""
    needed, free = 2 * (dataset / "train_images.npy").stat().st_size, psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            "too_large",
            f"Training needs about {needed / 1e9:.1f} GB for these images, and {free / 1e9:.1f} GB of memory are free.",
            "Import them at a smaller size, or fewer of them.",
        )


def check_out(out: Path, folder: bool = False) -> None:
    """Refuse a place to write to before minutes of work are spent. folder: out is to become a folder, else a file."""
    parent = out.absolute() if folder and out.exists() else out.absolute().parent
    if folder:
        while not parent.exists():
            parent = parent.parent
    if not parent.is_dir() or (folder and out.exists() and not out.is_dir()):
        raise UserError("no_such_folder", f"There is no folder {str(parent)!r}.", "Create it, or choose another --out.")
    if not folder and out.is_dir():
        raise UserError("out_is_a_folder", f"{str(out)!r} is a folder.", "Name the zip to write, as in --out more.zip.")
    if not os.access(parent, os.W_OK):
        raise UserError("not_writable", f"Nothing may be written into {str(parent)!r}.", "Choose another --out.")


OF_SHAPES = ("Missing key", "Unexpected key", "size mismatch", "must match")  # what torch says where weights do not fit


@contextlib.contextmanager
def weights_fit() -> Iterator[None]:
    """Around the reading of a checkpoint: one of networks that have changed since is refused, and stays as it is."""
    try:
        yield
    except (RuntimeError, ValueError, KeyError) as error:
        if isinstance(error, RuntimeError) and not any(said in str(error) for said in OF_SHAPES):
            raise  # out of memory, or a fault of the device
        raise UserError(
            "other_networks",
            "This run was trained by another version of Ganvas, whose networks of this family were different.",
            "Go on with the version that trained it, or clone the run and train anew.",
        ) from error
