"""Open the index of a workspace; one that is damaged or missing is set aside and rebuilt from the folders, without being asked.

The new index is built beside the old one and takes its place by a rename, so that a full disk or a kill leaves things as they were.
The rows of the old one that can still be read come over, as those of jobs that wait. A job that runs meanwhile goes on and puts its
own row back (queue.put_back).
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gan_core.errors import UserError
from gan_core.jobs.queue import LANES
from gan_core.jobs.rebuild_index import Rebuilt, folders, object_in, rebuild
from gan_core.storage import index_file
from gan_core.storage.index_file import INDEX, DamagedIndex
from gan_core.storage.store import STATES, Job, Store, as_job, as_run
from gan_core.storage.workspace import ID, Workspace, write_json
from gan_core.text import and_more, count

NOTICE = "index-rebuilt.json"  # in the workspace, until somebody has read it
JOURNAL = "-journal"  # of a write that was cut off; it must not meet another index
MOST_ROWS = 1_000_000  # of a table


def open_index(workspace: Workspace, check: bool = False, told: Callable[[str], object] = lambda said: None) -> Store:
    """The store of a workspace, rebuilt first where it has to be.

    check: look at every page of it, as a server does at its start. told: gets what was done, in sentences, where the index was
    rebuilt. Raises UserError newer_workspace, index_busy.
    """
    try:
        if is_damaged(workspace, check) and (found := mend(workspace)):
            told(in_words(found._asdict()))
        return Store(workspace)
    except sqlite3.OperationalError as error:
        if not index_file.is_locked(error):
            raise
        raise busy() from None


def busy() -> UserError:
    what = "Another program has locked the index of this workspace."
    return UserError("index_busy", what, "Wait until that has ended, then try again.")


def is_damaged(workspace: Workspace, check: bool) -> bool:
    """Whether the index is damaged, or gone while there are folders."""
    path = workspace.root / INDEX
    if index_file.is_empty(path):
        return any(True for kind in ("datasets", "runs", "exports") for _ in folders(workspace.root / kind))
    try:
        Store(workspace)
        if check:
            index_file.check_whole(path)
    except sqlite3.DatabaseError as error:
        if not index_file.is_damage(error):
            raise
        return True
    return False


def mend(workspace: Workspace) -> Rebuilt | None:
    """Set the index aside and put a new one in its place; None where another process has done so, or it is whole."""
    path, new = workspace.root / INDEX, f"{INDEX}.new"
    with only_process(workspace.root / "index.lock"):
        if not is_damaged(workspace, check=True):
            return None
        for end in ("", JOURNAL):  # of an attempt that was cut off
            path.with_name(new + end).unlink(missing_ok=True)
        store = Store(workspace, new)
        rescue(path, store)
        found = rebuild(store, workspace)
        aside = f"{INDEX}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        keep_as(path, path.with_name(aside))
        os.replace(store.path, path)
        store.close()
        index_file.sync_folder(workspace.root)
    with contextlib.suppress(OSError):  # a full disk
        write_json(workspace.root / NOTICE, {"at": time.time(), "aside": aside, **found._asdict()})
    return found


def keep_as(path: Path, aside: Path) -> None:
    """A second name for the index, so that there is one under the first name at all times; its journal moves."""
    with contextlib.suppress(FileNotFoundError):
        os.replace(path.with_name(path.name + JOURNAL), aside.with_name(aside.name + JOURNAL))
    with contextlib.suppress(FileNotFoundError):
        try:
            os.link(path, aside)
        except OSError:  # a file system without links
            os.replace(path, aside)


@contextlib.contextmanager
def only_process(path: Path) -> Iterator[None]:
    """Wait until no other process is inside."""
    with open(path, "a") as file:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


# -- what can still be read of a damaged index ---------------------------------------------------------------------------------


def rescue(path: Path, store: Store) -> None:
    """Bring the rows of a damaged index that can be read, and can be right, into a new one."""
    if index_file.is_empty(path):
        return
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(index_file.connect(path)) as old,
        store.transaction() as db,
    ):
        for table, can_be in (("datasets", is_dataset), ("runs", is_run), ("jobs", is_job), ("events", is_event)):
            known = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
            for row in rows_from_both_ends(old, table):
                values = {name: value for name, value in dict(row).items() if name in known}
                if can_be(values):
                    names, places = ", ".join(values), ", ".join("?" * len(values))
                    insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})"
                    with contextlib.suppress(sqlite3.IntegrityError):  # a column that must have a value has none
                        db.execute(insert, tuple(values.values()))


def rows_from_both_ends(old: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """The rows of a table up to a page that cannot be read, from the first one on and from the last one back."""
    for order in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.Error):
            yield from old.execute(f"SELECT * FROM {table} ORDER BY rowid {order} LIMIT {MOST_ROWS}")


def is_dataset(row: dict[str, Any]) -> bool:
    return bool(ID.match(str(row["id"]))) and isinstance(row["name"], str) and isinstance(row["created_at"], float)


def is_run(row: dict[str, Any]) -> bool:
    try:
        config = as_run(row).config
    except (DamagedIndex, TypeError, KeyError):
        return False
    return is_dataset(row) and bool(ID.match(str(row["dataset_id"]))) and isinstance(config, dict)


def is_job(row: dict[str, Any]) -> bool:
    try:
        job = as_job({name: row[name] for name in Job._fields if name in row})
    except (DamagedIndex, TypeError, KeyError):
        return False
    numbers = (job.attempt, job.progress, job.created_at)
    known = job.kind in LANES and job.lane == LANES[job.kind] and job.state in STATES
    return known and isinstance(job.payload, dict) and all(isinstance(one, (int, float)) for one in numbers)


def is_event(row: dict[str, Any]) -> bool:
    return isinstance(row["text"], str) and isinstance(row["at"], float)


# -- what is said of it --------------------------------------------------------------------------------------------------------


def notice(workspace: Workspace) -> str | None:
    """What has been done to the index since somebody last said that it was read, in sentences; None where nothing was."""
    facts = object_in(workspace.root / NOTICE)
    return None if facts is None else in_words(facts)


def in_words(facts: dict[str, Any]) -> str:
    """Of the JSON of a notice."""
    numbers = [count(int(facts.get(kind, 0)), kind[:-1]) for kind in ("datasets", "runs", "exports")]
    said = [
        "The index of this workspace was damaged or missing, and has been rebuilt from the folders: "
        f"{numbers[0]}, {numbers[1]} and {numbers[2]} are there.",
        "What trains goes on. Look at the queue on the System page: a job that waited may have to be started again.",
    ]
    if (lost := facts.get("unreadable")) and isinstance(lost, list):
        said.append(
            f"These folders could not be read and are left as they are: {and_more([str(one) for one in lost])}."
        )
    return " ".join(said)


def dismiss(workspace: Workspace) -> None:
    """Somebody has read the notice."""
    with contextlib.suppress(OSError):
        (workspace.root / NOTICE).unlink()
