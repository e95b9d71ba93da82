"""The folders of a workspace, ids, and atomic writes.

workspace/
  ganvas.sqlite            the index and the queue (store.py)
  staging/<id>/            uploads and unfinished work; removed when old
  datasets/<id>/           dataset.json, {train,test}_{images,labels}.npy, contact/
  runs/<id>/               config.json, status.json, metrics.jsonl, samples/, checkpoints/, evaluations/, log.txt
  exports/<id>/            export.json and the zip
  trash/<id>/              the whole folder of a deleted run, dataset or export; `undelete` moves it back
  weights/ cache/ logs/
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from gan_core import places
from gan_core.errors import Overtaken, UserError

ID = re.compile(r"^[a-z][0-9a-f]{16}$")
PREFIXES = {"dataset": "d", "run": "r", "job": "j", "export": "e", "upload": "u"}
FOLDERS = ("staging", "datasets", "runs", "exports", "trash", "weights", "cache", "logs")
STAGING_SECONDS = 24 * 3600  # older uploads and unfinished work are removed


def new_id(kind: str) -> str:
    """A new id such as 'r1f0c…': one letter for the kind, then 64 random bits in hex."""
    return PREFIXES[kind] + secrets.token_hex(8)


def check_id(text: str, kind: str) -> str:
    """The text, where it has the form of an id of that kind; else UserError unknown_id. Every path from an id passes here."""
    if not ID.match(text) or text[0] != PREFIXES[kind]:
        raise UserError("unknown_id", f"There is no such {kind}.", "Pick one from the list.")
    return text


class Workspace:
    """The folder with all data of one user. The constructor creates the folders."""

    def __init__(self, root: str | os.PathLike[str]):
        """Raises UserError not_writable where they cannot be created."""
        self.root = Path(root).absolute()
        try:
            for name in FOLDERS:
                (self.root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            what = f"The workspace {self.root} cannot be created: {error.strerror}."
            raise UserError(
                "not_writable", what, "Choose another folder with --workspace or GANVAS_WORKSPACE."
            ) from None

    def dataset(self, id: str) -> Path:
        return self.root / "datasets" / check_id(id, "dataset")

    def run(self, id: str) -> Path:
        return self.root / "runs" / check_id(id, "run")

    def export(self, id: str) -> Path:
        return self.root / "exports" / check_id(id, "export")

    def trashed(self, id: str) -> Path:
        """The folder of a deleted run, dataset or export."""
        kind = next((kind for kind in ("dataset", "export") if id.startswith(PREFIXES[kind])), "run")
        return self.root / "trash" / check_id(id, kind)

    def upload(self, id: str) -> Path:
        return self.root / "staging" / check_id(id, "upload")

    @contextlib.contextmanager
    def staging(self, destination: Path) -> Iterator[Path]:
        """An empty folder. It is renamed to `destination` on success and removed on failure."""
        folder = self.root / "staging" / f"{destination.name}-{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        lock = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(
                    lock, fcntl.LOCK_EX | fcntl.LOCK_NB
                )  # the lock ends with the process, also where that is killed
            yield folder
            os.replace(folder, destination)
        finally:
            os.close(lock)
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove old uploads and unfinished work from staging; what a live job fills is locked and stays."""
        for path in sorted((self.root / "staging").iterdir()):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > STAGING_SECONDS and not is_locked(path):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def is_locked(path: Path) -> bool:
    """Whether a live process fills this folder of staging."""
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(file)


def default_workspace() -> Workspace:
    """$GANVAS_WORKSPACE, or that of this installation."""
    return Workspace(os.environ.get("GANVAS_WORKSPACE") or places.workspace())


def atomic_write(path: Path, write: Callable[[BinaryIO], Any], may_write: Callable[[], bool] = lambda: True) -> None:
    """Write a file by write(file), as a whole: to a temporary file that is then renamed to path. On failure the old file stays.

    may_write: asked just before the rename; where it is false, Overtaken is raised.
    """
    path = Path(path)
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if not may_write():
            raise Overtaken
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_json(path: Path, value: Any, may_write: Callable[[], bool] = lambda: True) -> None:
    """Write value as JSON, as a whole; NaN is refused. may_write: see atomic_write."""
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
    atomic_write(path, lambda file: file.write(text.encode()), may_write)


def read_json(path: Path, default: Any = None) -> Any:
    """The value in a JSON file; default where there is no such file."""
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        return default
