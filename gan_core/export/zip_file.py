"""A zip with the same bytes at every try: members are stored, not deflated (a PNG already is), with a fixed time and mode."""

import contextlib
import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say


@contextlib.contextmanager
def new_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip to be written, which must not exist. It is on disk at the end; no half-written file stays where something is raised."""
    with open(path, "xb") as file:
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise


def member(name: str) -> zipfile.ZipInfo:
    """How a file is entered: Unix, rw-r--r--, whatever this computer runs."""
    info = zipfile.ZipInfo(name, FIXED_TIME)
    info.create_system, info.external_attr = 3, 0o100644 << 16
    return info


def write_text(archive: zipfile.ZipFile, name: str, parts: Iterable[str]) -> None:
    """Enter a text file from its parts, never whole in memory."""
    with archive.open(member(name), "w") as file:
        for part in parts:
            file.write(part.encode(errors="replace"))


def write_files(path: Path, texts: dict[str, str], files: list[Path]) -> None:
    """A new zip of texts by name, and of files."""
    with new_zip(path) as archive:
        for name, text in texts.items():
            archive.writestr(member(name), text)
        for each in files:
            with archive.open(member(each.name), "w", force_zip64=True) as out, open(each, "rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)


def file_facts(path: Path) -> dict[str, Any]:
    """Name, bytes and SHA-256 of a file, for the result of a job."""
    with open(path, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": sha256}
