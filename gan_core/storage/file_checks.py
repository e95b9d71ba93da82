"""Checks before a request is carried out: does the file exist, does the dataset fit into memory, may the output be written."""

import os
from pathlib import Path

import psutil

from gan_core.errors import UserError


def exists(path: str) -> bool:
    """Whether a file or folder of that name exists. False also where the text is no valid path or may not be read."""
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def check_room(dataset: Path) -> None:
    """Raise UserError too_large where a dataset does not fit into memory.

    Training keeps the whole set in memory, and reading it takes the same amount again.
    """
    needed, free = 2 * (dataset / "train_images.npy").stat().st_size, psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            "too_large",
            f"Training needs about {needed / 1e9:.1f} GB for these images, and {free / 1e9:.1f} GB of memory are free.",
            "Import them at a smaller size, or fewer of them.",
        )


def check_out(out: Path, folder: bool = False, force: bool = False) -> None:
    """Raise UserError where `out` cannot be written, before minutes of work are spent. folder: `out` is a folder, not a file.

    Also where something is there already, unless `force` allows to overwrite it.
    """
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
    if not force and (any(out.iterdir()) if folder and out.exists() else out.is_file()):
        what = f"There are files in {str(out)!r} already." if folder else f"{str(out)!r} is there already."
        raise UserError("out_exists", what, "Choose another name, or overwrite it with --force.")
