"""The files of a zip or a folder before anything is decoded: their names, and how to read each or why not to."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from gan_core.data import metadata
from gan_core.data.file_names import shown
from gan_core.data.zip_reader import MAX_FILE_BYTES, MAX_FILES, Damaged, preflight, read_member, read_start
from gan_core.errors import UserError

LINK = "a link or device, not a file"
UNREADABLE = "it vanished or cannot be read"
SYSTEM_FOLDERS = tuple(Path(name) for name in ("/proc", "/sys", "/dev"))


def read_text(listing: "Listing", index: int, zip_path: Path | None) -> bytes | None:
    """The bytes of one small file of a source; None where it is too large, damaged or gone."""
    job = listing.jobs[index]
    if isinstance(job, str):
        return None
    try:
        if zip_path is None:
            return Path(job[0]).read_bytes() if os.path.getsize(job[0]) <= metadata.MAX_BYTES else None
        if max(job[1], job[2]) > metadata.MAX_BYTES:
            return None
        with open(zip_path, "rb") as file:
            return read_member(file.fileno(), *job)
    except (OSError, Damaged):
        return None


def read_beginning(listing: "Listing", index: int, zip_path: Path | None, most: int) -> bytes | None:
    """The first bytes of a file of a source, `most` at the most; None where it is damaged, gone, or not to be read."""
    job = listing.jobs[index]
    if isinstance(job, str):
        return None
    try:
        with open(zip_path or job[0], "rb") as file:
            if zip_path is None:
                return file.read(most)
            offset, packed_bytes, size, method, _ = job
            return read_start(file.fileno(), offset, packed_bytes, size, method, most)
    except (OSError, Damaged):
        return None


class Listing(NamedTuple):
    """What a source holds before decoding. jobs[i] belongs to names[i]; a str instead is the reason not to read it.

    guessed: how many names may look wrong, since the zip does not say their encoding.
    """

    names: list[str]
    jobs: list[tuple | str]
    folders: list[str]
    guessed: int = 0


def check_folder(path: Path, folder: Path) -> None:
    """Refuse a folder that cannot be a dataset: the whole disk, a system folder, or one that contains the workspace `folder`."""
    real, staging = path.resolve(), folder.resolve()
    holds_workspace = real == staging or real in staging.parents
    if real == Path(real.anchor) or any(real.is_relative_to(system) for system in SYSTEM_FOLDERS):
        why = "belongs to the system"
    elif holds_workspace or any(os.path.exists(place / "ganvas.sqlite") for place in (real, *real.parents)):
        why = "holds the workspace of Ganvas or lies inside it"
    else:
        return
    raise UserError(
        "bad_folder", f"The folder {shown(str(path), 200)} {why}.", "Choose the folder that holds the class folders."
    )


def list_zip(path: Path) -> Listing:
    archive = preflight(path)
    jobs = [LINK if member.special else _too_large(member.bytes) or tuple(member[1:6]) for member in archive.members]
    guessed = sum(member.guessed for member in archive.members)
    return Listing([member.name for member in archive.members], jobs, archive.folders, guessed)


def list_folder(path: Path) -> Listing:
    """Every file below `path`; links are listed and never followed."""
    listing = Listing([], [], [])

    def reject(error: OSError) -> None:
        if Path(error.filename) == path:
            raise UserError(
                "bad_folder",
                f"The folder {shown(str(path), 200)} cannot be read.",
                "Check who may read it, or copy it.",
            )
        listing.names.append("/".join(Path(error.filename).relative_to(path).parts))
        listing.jobs.append(UNREADABLE)

    for here, folders, files in os.walk(path, onerror=reject):
        folders.sort()
        inner = Path(here).relative_to(path).parts
        for folder in folders:
            if os.path.islink(os.path.join(here, folder)):
                files.append(folder)
            else:
                listing.folders.append("/".join((*inner, folder)))
        if len(listing.names) + len(files) > MAX_FILES or len(listing.folders) > MAX_FILES:
            raise UserError(
                "too_many_files", f"The folder holds more than {MAX_FILES:,} files.", "Import a smaller folder."
            )
        for file in sorted(files):
            listing.names.append("/".join((*inner, file)))
            listing.jobs.append(_folder_job(os.path.join(here, file)))
    return listing


def _folder_job(file: str) -> tuple | str:
    """What reads one file of a folder, or the reason not to."""
    try:
        status = os.lstat(file)
    except OSError:
        return UNREADABLE
    return (_too_large(status.st_size) or (file,)) if stat.S_ISREG(status.st_mode) else LINK


def _too_large(size_bytes: int) -> str:
    return f"larger than {MAX_FILE_BYTES >> 20} MB" if size_bytes > MAX_FILE_BYTES else ""
