"""The file of the index: a connection, a write transaction, a copy of it, and whether it is damaged.

With a rollback journal and FULL sync, since a WAL needs shared memory, which a network drive has not. The file is never opened by
other means than SQLite while this process may hold a lock on it: closing it would release the lock.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

INDEX = "ganvas.sqlite"
LOCKED_SECONDS = 10.0  # how long a query waits for the lock of another process
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# What SQLite says of a file whose tables are not those of its version: it was emptied, or its first page is damaged.
OTHER_TABLES = ("no such table", "no such column", "already exists", "duplicate column", "not decode to UTF-8")


class DamagedIndex(sqlite3.DatabaseError):
    """The file is missing, or what it holds cannot be."""


def is_damage(error: BaseException) -> bool:
    """Whether an exception says that the index is damaged or gone, and not that it is locked or the disk is full."""
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    return (
        isinstance(error, DamagedIndex)
        or (code is not None and code & 0xFF in DAMAGED)
        or any(said in str(error) for said in OTHER_TABLES)
    )


def is_locked(error: BaseException) -> bool:
    """Whether another process has held the lock of the index for longer than a query waits."""
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


def gives_no_answer(error: BaseException) -> bool:
    """Whether an exception says that the index cannot be asked now: it is locked, damaged or out of reach."""
    return isinstance(error, (OSError, sqlite3.OperationalError)) or is_damage(error)


def is_empty(path: Path) -> bool:
    """Whether the file is missing or has nothing in it."""
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True


def connect(
    path: Path, timeout: float = LOCKED_SECONDS, *, create: bool = False, any_thread: bool = False
) -> sqlite3.Connection:
    """A connection in autocommit mode. Raises DamagedIndex where there is no file, unless it may be created."""
    if not create and not path.exists():
        raise DamagedIndex("the file of the index is missing")
    # Not mode=ro: after a writer was killed in a commit, the next reader must be able to roll its journal back.
    mode = "rwc" if create else "rw"
    name = f"{path.as_uri()}?mode={mode}"
    db = sqlite3.connect(name, timeout=timeout, isolation_level=None, uri=True, check_same_thread=not any_thread)
    db.row_factory = sqlite3.Row
    return db


@contextlib.contextmanager
def transaction(path: Path, timeout: float = LOCKED_SECONDS, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    """A write transaction; an exception rolls it back. timeout: seconds to wait for a lock."""
    db = connect(path, timeout, create=create)
    try:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
    finally:
        db.close()


def check_whole(path: Path) -> None:
    """Raises DamagedIndex, or what SQLite raises, where the pages of the file do not fit together."""
    with contextlib.closing(connect(path)) as db:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise DamagedIndex(found)


def copy(path: Path, target: Path) -> None:
    """Copy the index as it was after its last commit; the copy appears whole or not at all."""
    temporary = target.with_name(f"{target.name}.tmp-{os.getpid()}")
    try:
        with (
            contextlib.closing(connect(path)) as source,
            contextlib.closing(connect(temporary, create=True)) as out,
        ):
            source.backup(out)  # SQLite syncs it
        os.replace(temporary, target)
        sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """The renames in a folder survive a loss of power."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
