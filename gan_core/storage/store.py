"""The index and the queue in SQLite: datasets, runs, jobs, events. `repair` rebuilds it from the folders.

With a rollback journal and FULL sync, since a WAL needs shared memory, which a network drive has not. A write opens a connection
of its own; all reads of a Store share one.
"""

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from gan_core.errors import UserError
from gan_core.storage.workspace import ID, Workspace

MIGRATIONS = [
    """
    CREATE TABLE datasets (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at REAL NOT NULL);
    CREATE TABLE runs (id TEXT PRIMARY KEY, name TEXT NOT NULL, dataset_id TEXT NOT NULL, config TEXT NOT NULL,
                       created_at REAL NOT NULL);
    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, lane TEXT NOT NULL,
        subject TEXT NOT NULL, payload TEXT NOT NULL, token TEXT UNIQUE, after TEXT,
        state TEXT NOT NULL, control TEXT NOT NULL DEFAULT 'run', attempt INTEGER NOT NULL DEFAULT 0,
        pid INTEGER, pid_started_at REAL, progress REAL NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
        result TEXT, error TEXT, created_at REAL NOT NULL, started_at REAL, finished_at REAL);
    CREATE INDEX jobs_by_subject ON jobs (subject, kind, seq);
    CREATE INDEX jobs_by_state ON jobs (state, lane, seq);
    CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, at REAL NOT NULL, text TEXT NOT NULL);
    """,
    "ALTER TABLE jobs ADD COLUMN place INTEGER",
    "UPDATE jobs SET kind = 'variants' WHERE kind = 'fuse'; UPDATE jobs SET kind = 'export_model' WHERE kind = 'share'",
    """
    ALTER TABLE jobs ADD COLUMN device_wanted TEXT NOT NULL DEFAULT 'auto';
    ALTER TABLE jobs ADD COLUMN device TEXT;
    ALTER TABLE jobs ADD COLUMN host TEXT;
    ALTER TABLE jobs ADD COLUMN heartbeat_at REAL;
    ALTER TABLE jobs ADD COLUMN cluster_job TEXT;
    ALTER TABLE runs ADD COLUMN sweep TEXT;
    UPDATE jobs SET device_wanted = COALESCE((SELECT json_extract(config, '$.device') FROM runs WHERE runs.id = subject), 'auto')
        WHERE kind = 'train'
    """,
    "ALTER TABLE jobs ADD COLUMN boot TEXT; ALTER TABLE jobs ADD COLUMN namespace TEXT; ALTER TABLE jobs ADD COLUMN ticks INTEGER",
]
LOCKED_SECONDS = 10.0  # how long a query waits for the lock of another process
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
COLUMNS = ", ".join(Job._fields)
RUN_COLUMNS = ", ".join(Run._fields)


class Store:
    """All reads and writes of the index of one workspace."""

    def __init__(self, workspace: Workspace):
        self.path = workspace.root / "ganvas.sqlite"
        self._reading = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._read_file = (0, 0)
        with self.transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise UserError(
                    "newer_workspace",
                    "This workspace was made by a newer Ganvas.",
                    "Update Ganvas, or choose another folder.",
                )
            for number, script in enumerate(MIGRATIONS[version:], version + 1):
                for statement in script.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {number}")

    @contextlib.contextmanager
    def transaction(self, timeout: float = LOCKED_SECONDS) -> Iterator[sqlite3.Connection]:
        """A write transaction; an exception rolls it back. timeout: seconds to wait for a lock."""
        db = sqlite3.connect(self.path, timeout=timeout, isolation_level=None)
        try:
            db.row_factory = sqlite3.Row
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

    def query(self, sql: str, *values: Any, timeout: float = LOCKED_SECONDS) -> list[sqlite3.Row]:
        """The rows of a SELECT. All threads share one open connection: to open one costs more than most queries."""
        with self._reading:
            file = os.stat(self.path)
            if self._reader is None or self._read_file != (file.st_dev, file.st_ino):
                if self._reader is not None:
                    self._reader.close()
                # Not mode=ro: after a writer was killed in a commit, the next reader must be able to roll its journal back.
                self._reader = sqlite3.connect(self.path, timeout=LOCKED_SECONDS, check_same_thread=False)
                self._reader.row_factory = sqlite3.Row
                self._read_file = (file.st_dev, file.st_ino)
            self._reader.execute(f"PRAGMA busy_timeout = {int(1000 * timeout)}")
            return self._reader.execute(sql, values).fetchall()

    # -- datasets and runs ---------------------------------------------------------------------------------------------

    def add_dataset(self, id: str, name: str, created_at: float | None = None) -> None:
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO datasets VALUES (?, ?, ?)", (id, name, created_at or time.time()))

    def datasets(self) -> list[Dataset]:
        """Every imported dataset, newest first."""
        return [Dataset(*row) for row in self.query("SELECT * FROM datasets ORDER BY created_at DESC, id")]

    def dataset(self, id: str) -> Dataset:
        rows = self.query("SELECT * FROM datasets WHERE id = ?", id)
        if not rows:
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
            if ID.match(id) and (self.path.parent / "trash" / id).is_dir():
                raise UserError("deleted_run", "This run was deleted.", "Bring it back on the Runs page (`undelete`).")
            raise UserError("unknown_id", "There is no such run.", "Pick one from the list of runs.")
        return as_run(rows[0])

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


def put_run(db: sqlite3.Connection, run: Run) -> None:
    """Write the row of a run."""
    values = (run.id, run.name, run.dataset_id, json.dumps(run.config), run.created_at, run.sweep)
    db.execute(f"INSERT OR REPLACE INTO runs ({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values)


def as_run(row: sqlite3.Row) -> Run:
    return Run(**{**dict(row), "config": json.loads(row["config"])})


def as_job(row: sqlite3.Row) -> Job:
    values = dict(row)
    for name in ("payload", "result", "error"):
        values[name] = json.loads(values[name]) if values[name] else None
    return Job(**values)
