"""What to say and do where the disk of a workspace is full or may not be written."""

import contextlib
import errno
import os
import shutil
import sqlite3
from pathlib import Path

from gan_core.errors import UserError
from gan_core.storage.workspace import Workspace
from gan_core.text import size

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DENIED = (errno.EROFS, errno.EACCES, errno.EPERM)
SQLITE_SAYS = {"full": errno.ENOSPC, "readonly": errno.EROFS, "unable to open": errno.EROFS, "disk I/O": errno.EIO}
BALLAST = (
    "ballast"  # a file of the workspace that is deleted where the disk is full, so that states and logs can be written
)
BALLAST_BYTES = 4_000_000


def obstacle(error: OSError, folder: Path, needed: int = 0) -> UserError:
    """Why nothing can be written into a folder, and what to do. needed: bytes, 0 where that is not known."""
    if error.errno in NO_SPACE:
        wanted = (
            f"{size(needed)} are needed and {size(free_at(folder))} are free" if needed else "nothing more fits on it"
        )
        todo = "Free some space there, as with `clean` or on the System page."
        return UserError("disk_full", f"The disk of {folder} is full: {wanted}.", todo)
    if error.errno in DENIED:
        todo = "Make it writable again."
        return UserError("not_writable", f"Nothing may be written into {folder}: {error.strerror}.", todo)
    todo = "Look whether the disk is damaged or was taken away."
    return UserError("not_writable", f"{folder} could not be written: {error.strerror or error}.", todo)


def as_os_error(error: Exception) -> OSError | None:
    """The error of the file system behind an exception of it or of SQLite; None where there is none."""
    if isinstance(error, OSError):
        return error if error.errno in (*NO_SPACE, *DENIED, errno.EIO) else None
    if isinstance(error, sqlite3.OperationalError):
        number = next((number for said, number in SQLITE_SAYS.items() if said in str(error)), None)
        return None if number is None else OSError(number, os.strerror(number))
    return None


def free_at(folder: Path) -> int | None:
    """Free bytes on the disk of a folder; None where that cannot be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def trouble(workspace: Workspace) -> UserError | None:
    """Why this workspace can hardly be written now; None where it can."""
    root = workspace.root
    try:
        if os.statvfs(root).f_flag & os.ST_RDONLY or not os.access(root, os.W_OK):
            return obstacle(OSError(errno.EROFS, os.strerror(errno.EROFS)), root)
        if shutil.disk_usage(root).free < ballast_bytes(root):
            return obstacle(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), root)
    except OSError as error:
        return obstacle(error, root)
    return None


def ballast_bytes(root: Path) -> int:
    return min(BALLAST_BYTES, shutil.disk_usage(root).total // 16)


def keep_ballast(root: Path) -> None:
    """Write the ballast file of a workspace where it is missing and the disk has room for much more."""
    path = root / BALLAST
    with contextlib.suppress(OSError):
        wanted = ballast_bytes(root)
        if not path.exists() and shutil.disk_usage(root).free > 4 * wanted:
            temporary = path.with_name(f"{BALLAST}.tmp-{os.getpid()}")
            try:
                temporary.write_bytes(os.urandom(wanted))  # a file system may store zeros for nothing
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)


def drop_ballast(root: Path) -> bool:
    """Delete the ballast file. Returns whether that freed anything."""
    try:
        (root / BALLAST).unlink()
    except OSError:
        return False
    return True
