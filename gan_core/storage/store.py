"""The index and the queue in SQLite: datasets, runs, jobs, events; jobs/open_index.py mends it from the folders.

A write opens a connection of its own; all reads of a Store share one.
"""

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from gan_core.errors import UserError
from gan_core.storage import index_file
from gan_core.storage.index_file import INDEX, LOCKED_SECONDS, DamagedIndex
from gan_core.storage.migrations import bring_up_to_date
from gan_core.storage.workspace import ID, Workspace

PLACE = "COALESCE(place, seq)"  # order of the waiting jobs of a lane; without a move, the order of submission


class Dataset(NamedTuple):
    id: str
    name: str
    created_at: float


class Run(NamedTuple):
    id: str
    name: str
    dataset_id: str
    config: dict[str, Any]
    created_at: float
    sweep: str | None = None  # name of the sweep that it belongs to


class Job(NamedTuple):
    id: str
    kind: str
    lane: str
    subject: str  # id of the dataset, run or export it works on
    payload: dict[str, Any]
    after: str | None  # id of a job that must finish first
    state: str  # queued running | finished stopped failed interrupted
    control: str  # run pause stop: what the user wants
    attempt: int  # fencing token: a worker whose attempt is old must not write
    pid: int | None
    pid_started_at: float | None
    progress: float  # 0 to 1
    message: str
    result: dict[str, Any] | None
    error: dict[str, str] | None  # code, what, todo
    created_at: float
    started_at: float | None
    finished_at: float | None
    device_wanted: str = "auto"  # of a training: auto, cpu, cuda or one GPU, as cuda:1
    device: str | None = None  # of a training that runs: the device that it was given
    host: str | None = None  # where its process runs
    heartbeat_at: float | None = None  # when its process last said that it is alive
    cluster_job: str | None = None  # its id on the cluster, where one carries it out
    boot: str | None = None  # with namespace, pid and ticks: which process it is, see jobs/process_identity.py
    namespace: str | None = None
    ticks: int | None = None

    @property
    def live(self) -> bool:
        return self.state in LIVE


LIVE = ("queued", "running")
STATES = (*LIVE, "finished", "stopped", "failed", "interrupted")
COLUMNS = ", ".join(Job._fields)
RUN_COLUMNS = ", ".join(Run._fields)


class Store:
    """All reads and writes of the index of one workspace."""

    def __init__(self, workspace: Workspace, file: str = INDEX):
        """file: the name of the index in the workspace. Raises UserError newer_workspace."""
        self.path = workspace.root / file
        self._reading = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._read_file = (0, 0)
        bring_up_to_date(self.path)

    def transaction(self, timeout: float = LOCKED_SECONDS) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """A write transaction; an exception rolls it back. timeout: seconds to wait for a lock."""
        return index_file.transaction(self.path, timeout)

    def query(self, sql: str, *values: Any, timeout: float = LOCKED_SECONDS) -> list[sqlite3.Row]:
        """The rows of a SELECT. All threads share one open connection: to open one costs more than most queries."""
        with self._reading:
            try:
                file = os.stat(self.path)
            except FileNotFoundError:
                raise DamagedIndex("the file of the index is missing") from None
            if self._reader is None or self._read_file != (file.st_dev, file.st_ino):
                self._close_reader()
                self._reader = index_file.connect(self.path, any_thread=True)
                self._read_file = (file.st_dev, file.st_ino)
            self._reader.execute(f"PRAGMA busy_timeout = {int(1000 * timeout)}")
            return self._reader.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the connection of the reads; another read opens it again."""
        with self._reading:
            self._close_reader()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    # -- datasets and runs ---------------------------------------------------------------------------------------------

    def add_dataset(self, id: str, name: str, created_at: float | None = None) -> None:
        with self.transaction() as db:
            put_dataset(db, id, name, created_at or time.time())

    def datasets(self) -> list[Dataset]:
        """Every imported dataset, newest first."""
        return [Dataset(*row) for row in self.query("SELECT * FROM datasets ORDER BY created_at DESC, id")]

    def dataset(self, id: str) -> Dataset:
        rows = self.query("SELECT * FROM datasets WHERE id = ?", id)
        if not rows:
            if self._in_trash(id):
                what, todo = "This dataset was deleted.", "Bring it back on the Data page (`undelete`)."
                raise UserError("deleted_dataset", what, todo)
            raise UserError("unknown_id", "There is no such dataset.", "Pick one from the list of datasets.")
        return Dataset(*rows[0])

    def add_run(
        self,
        id: str,
        name: str,
        dataset_id: str,
        config: dict[str, Any],
        created_at: float | None = None,
        sweep: str | None = None,
    ) -> None:
        with self.transaction() as db:
            put_run(db, Run(id, name, dataset_id, config, created_at or time.time(), sweep))

    def rename_run(self, id: str, name: str) -> None:
        with self.transaction() as db:
            db.execute("UPDATE runs SET name = ? WHERE id = ?", (name, id))

    def remove_run(self, id: str) -> None:
        with self.transaction() as db:
            db.execute("DELETE FROM runs WHERE id = ?", (id,))

    def runs(self) -> list[Run]:
        """Every run, newest first."""
        return [as_run(row) for row in self.query("SELECT * FROM runs ORDER BY created_at DESC, id")]

    def run(self, id: str) -> Run:
        rows = self.query("SELECT * FROM runs WHERE id = ?", id)
        if not rows:
            if self._in_trash(id):
                raise UserError("deleted_run", "This run was deleted.", "Bring it back on the Runs page (`undelete`).")
            raise UserError("unknown_id", "There is no such run.", "Pick one from the list of runs.")
        return as_run(rows[0])

    def _in_trash(self, id: str) -> bool:
        return bool(ID.match(id)) and (self.path.parent / "trash" / id).is_dir()

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def job(self, id: str) -> Job:
        rows = self.query(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", id)
        if not rows:
            raise UserError("unknown_id", "There is no such job.", "It may have been cleaned up; start it again.")
        return as_job(rows[0])

    def jobs(
        self, *, kind: str | None = None, subject: str | None = None, states: tuple[str, ...] = (), limit: int = 500
    ) -> list[Job]:
        """Jobs that match, newest first."""
        where, values = ["1"], []
        for column, value in (("kind", kind), ("subject", subject)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        if states:
            where.append(f"state IN ({', '.join('?' * len(states))})")
            values += states
        rows = self.query(
            f"SELECT {COLUMNS} FROM jobs WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT {int(limit)}", *values
        )
        return [as_job(row) for row in rows]

    def latest_job(self, kind: str, subject: str) -> Job | None:
        found = self.jobs(kind=kind, subject=subject, limit=1)
        return found[0] if found else None

    def waiting(self, lane: str) -> list[Job]:
        """The queued jobs of a lane, in the order in which a worker claims them."""
        rows = self.query(f"SELECT {COLUMNS} FROM jobs WHERE state = 'queued' AND lane = ? ORDER BY {PLACE}", lane)
        return [as_job(row) for row in rows]

    def latest_jobs(self, kind: str, states: tuple[str, ...] = ()) -> dict[str, str]:
        """{subject: id of its newest job of that kind, in one of those states}, in one query."""
        wanted = f"AND state IN ({', '.join('?' * len(states))})" if states else ""
        rows = self.query(
            f"SELECT subject, id, max(seq) FROM jobs WHERE kind = ? {wanted} GROUP BY subject", kind, *states
        )
        return {row["subject"]: row["id"] for row in rows}

    def events(self, job_id: str) -> list[tuple[float, str]]:
        """(unix time, text) of a job, oldest first."""
        return [
            (row["at"], row["text"])
            for row in self.query("SELECT at, text FROM events WHERE job_id = ? ORDER BY seq", job_id)
        ]


def put_dataset(db: sqlite3.Connection, id: str, name: str, created_at: float) -> None:
    """Write the row of a dataset."""
    db.execute("INSERT OR REPLACE INTO datasets VALUES (?, ?, ?)", (id, name, created_at))


def put_run(db: sqlite3.Connection, run: Run) -> None:
    """Write the row of a run."""
    values = (run.id, run.name, run.dataset_id, json.dumps(run.config), run.created_at, run.sweep)
    db.execute(f"INSERT OR REPLACE INTO runs ({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values)


def as_run(row: Mapping[str, Any] | sqlite3.Row) -> Run:
    return Run(**{**dict(row), "config": value_of(row["config"])})


def as_job(row: Mapping[str, Any] | sqlite3.Row) -> Job:
    values = dict(row)
    for name in ("payload", "result", "error"):
        values[name] = value_of(values[name]) if values[name] else None
    return Job(**values)


def value_of(text: str) -> Any:
    """The JSON in a cell. Raises DamagedIndex."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise DamagedIndex(f"a cell of the index is no JSON: {error}") from None
