"""The sizes of the parts of a workspace."""

import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from gan_core.storage.workspace import Workspace

SETTLED_SECONDS = 2.0  # a folder that changed just now may change again within one tick of its clock
GROWING = ("staging", "logs")  # files grow here, which does not change the time of the folder: always listed again


class Part(NamedTuple):
    """A part of the workspace. number: of its folders or files; None where it would say nothing."""

    title: str
    bytes: int
    number: int | None


class Sizes:
    """Bytes under folders. A folder that has not changed since the last call is not listed again, so keep the object."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, int, list[str]]] = {}  # folder: its time, bytes of its own files, its folders

    def of(self, folder: str | os.PathLike[str], anew: bool = False) -> int:
        """Bytes of all files below; 0 where there is no such folder. Links are not followed. anew: list it again."""
        path = os.fspath(folder)
        try:
            changed = os.stat(path, follow_symlinks=False).st_mtime_ns
            known = self.known.get(path)
            if known is None or known[0] != changed or anew:
                known = (changed, *listing(path))
                if time.time() - changed / 1e9 > SETTLED_SECONDS:
                    self.known[path] = known
        except (FileNotFoundError, NotADirectoryError):
            self.known.pop(path, None)
            return 0
        return known[1] + sum(self.of(inner, anew) for inner in known[2])


def listing(path: str) -> tuple[int, list[str]]:
    """(bytes of the files in a folder, paths of the folders in it)."""
    total, folders = 0, []
    with os.scandir(path) as entries:
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:  # removed meanwhile
                continue
    return total, folders


def usage(workspace: Workspace, sizes: Sizes) -> list[Part]:
    """Every part of the workspace; their bytes add up to the whole."""
    root = workspace.root
    held = {path.name: sizes.of(path, anew=path.name in GROWING) for path in root.iterdir() if path.is_dir()}
    runs = [path for path in (root / "runs").iterdir() if path.is_dir()]
    checkpoints = sum(sizes.of(path / "checkpoints") for path in runs)
    parts = [
        Part("Datasets", held.pop("datasets", 0), entries(root / "datasets")),
        Part("Runs, without checkpoints", held.pop("runs", 0) - checkpoints, len(runs)),
        Part("Checkpoints of runs", checkpoints, None),
        Part("Exports", held.pop("exports", 0), entries(root / "exports")),
        Part("Cache: features and downloaded sets", held.pop("cache", 0), None),
        Part("Uploads and unfinished work", held.pop("staging", 0), entries(root / "staging")),
        Part("Trash: what was deleted", held.pop("trash", 0), entries(root / "trash")),
        Part("Weights of feature networks", held.pop("weights", 0), None),
    ]
    return [*parts, Part("Index, logs and the rest", sum(held.values()) + listing(os.fspath(root))[0], None)]


def entries(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0


def free_bytes(workspace: Workspace) -> int:
    return shutil.disk_usage(workspace.root).free
