"""The queue: submit, claim, report, finish, and what the user asks of a job.

Three lanes, so that what takes seconds never waits for what takes minutes: `train` for runs, `light` for imports, estimates and
a few images to look at, `heavy` for evaluations, the health of a dataset, timelapses and exports.

A page or the command line inserts a row; a worker of that lane claims it. The lane `train` has a worker for each device, which
claims the runs that may run there. Each claim raises the row's attempt, and only the process of the newest attempt may write to the
row. While a job runs, its process writes a heartbeat, so that another host can tell whether it is alive.
"""

import contextlib
import json
import math
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil

from gan_core.errors import UserError
from gan_core.jobs import process_identity
from gan_core.storage.store import COLUMNS, LIVE, PLACE, Job, Store, as_job
from gan_core.storage.workspace import new_id

LANES = {
    "train": "train",
    "import": "light",
    "probe": "light",
    "explore": "light",
    "walk": "light",
    "system": "light",
    "inspect": "heavy",
    "curate": "heavy",
    "evaluate": "heavy",
    "utility": "heavy",
    "improve": "heavy",
    "detect": "heavy",
    "timelapse": "heavy",
    "variants": "heavy",
    "export": "heavy",
    "export_model": "heavy",
    "preview": "heavy",
}
# A search can do without the training before it: where that fails, it has no images of a GAN.
CAN_DO_WITHOUT = "kind = 'improve'"
BEFORE = "(SELECT p.state FROM jobs p WHERE p.id = jobs.after)"
READY = f"(after IS NULL OR {BEFORE} = 'finished' OR ({BEFORE} = 'failed' AND {CAN_DO_WITHOUT}))"
PAUSED_SECONDS = 0.2  # how often a paused job reads what the user asks for
HEARTBEAT_SECONDS = 15
LOOK_SECONDS = 0.2  # a running job waits so long for a locked index, and asks again later
LATER_SECONDS = 5.0
HOST = socket.gethostname()


def submit(
    store: Store,
    kind: str,
    subject: str,
    payload: dict[str, Any],
    *,
    token: str | None = None,
    after: str | None = None,
    device: str = "auto",
    claim_on: str | None = None,
) -> Job:
    """Queue a job and return it. token: two requests with the same token, as of a double click, are one job. after: a job that
    must finish first. device: what a run wants. claim_on: this process carries the job out on that device, as the command line
    does, so no worker may take it.
    """
    job_id = new_id("job")
    with store.transaction() as db:
        if token is not None and (row := db.execute("SELECT id FROM jobs WHERE token = ?", (token,)).fetchone()):
            job_id = row["id"]
        else:
            db.execute(
                "INSERT INTO jobs (id, kind, lane, subject, payload, token, after, device_wanted, state, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)",
                (
                    job_id,
                    kind,
                    LANES[kind],
                    subject,
                    json.dumps(payload, allow_nan=False),
                    token,
                    after,
                    device,
                    time.time(),
                ),
            )
            log_event(db, job_id, "queued")
            if claim_on is not None:
                take(db, job_id, claim_on)
    return store.job(job_id)


def claim(store: Store, lane: str, device: str = "", takes: Callable[[Job], bool] = lambda job: True) -> Job | None:
    """Claim the first queued job of a lane whose predecessor has finished and that `takes` accepts; None where there is none.

    device: where this process trains.
    """
    with store.transaction() as db:
        broken = db.execute(
            f"SELECT id FROM jobs WHERE state = 'queued' AND {BEFORE} IN ('failed', 'stopped', 'interrupted') AND NOT {READY}"
        ).fetchall()
        for row in broken:
            error = {
                "code": "predecessor",
                "what": "The step before this one did not finish.",
                "todo": "Start it again.",
            }
            end(db, row["id"], "failed", error=error)
        rows = db.execute(
            f"SELECT {COLUMNS} FROM jobs WHERE state = 'queued' AND lane = ? AND {READY} ORDER BY {PLACE}", (lane,)
        ).fetchall()
        found = next((job for job in map(as_job, rows) if takes(job)), None)
        if found is None:
            return None
        take(db, found.id, device)
    return store.job(found.id)


def claim_one(store: Store, job_id: str, device: str = "") -> Job | None:
    """Claim this job, where it waits and its predecessor has finished; else None. device: where this process trains."""
    with store.transaction() as db:
        ready = db.execute(f"SELECT 1 FROM jobs WHERE id = ? AND state = 'queued' AND {READY}", (job_id,)).fetchone()
        if ready is None:
            return None
        take(db, job_id, device)
    return store.job(job_id)


def take(db: sqlite3.Connection, job_id: str, device: str = "") -> None:
    """Mark a queued job as running in this process. device: of a training."""
    now, me = time.time(), process_identity.mine()
    db.execute(
        "UPDATE jobs SET state = 'running', host = ?, pid = ?, pid_started_at = ?, heartbeat_at = ?, device = ?, boot = ?, "
        "namespace = ?, ticks = ?, attempt = attempt + 1, started_at = ? WHERE id = ? AND state = 'queued'",
        (
            *(HOST, os.getpid(), psutil.Process().create_time(), now, device or None),
            *((me.boot, me.namespace, me.ticks) if me else (None, None, None)),
            *(now, job_id),
        ),
    )
    log_event(db, job_id, f"started by process {os.getpid()}{f' on {device}' if device else ''}")


@contextlib.contextmanager
def heartbeat(store: Store, job: Job, seconds: float = HEARTBEAT_SECONDS) -> Iterator[None]:
    """Inside, a thread writes every so many seconds that the process of this job is alive."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(seconds):
            with contextlib.suppress(sqlite3.Error, OSError), store.transaction() as db:
                put_back(db, job)
                db.execute(
                    "UPDATE jobs SET heartbeat_at = ? WHERE id = ? AND attempt = ? AND state = 'running'",
                    (time.time(), job.id, job.attempt),
                )

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def put_back(db: sqlite3.Connection, job: Job) -> None:
    """The row of a job that this process carries out, where the index was rebuilt without it: the job goes on all the same."""
    values = job._asdict() | {name: as_text(getattr(job, name)) for name in ("payload", "result", "error")}
    if db.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone() is None:
        db.execute(f"INSERT INTO jobs ({COLUMNS}) VALUES ({', '.join('?' * len(values))})", tuple(values.values()))
        log_event(db, job.id, "put back into a rebuilt index")


def as_text(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)


def report(store: Store, job: Job, progress: float, message: str) -> None:
    """Write the progress of a running job, unless another attempt has taken over."""
    with store.transaction(LOOK_SECONDS) as db:
        db.execute(
            "UPDATE jobs SET progress = ?, message = ? WHERE id = ? AND attempt = ? AND state = 'running'",
            (min(1.0, max(0.0, progress)), message, job.id, job.attempt),
        )


def finish(
    store: Store, job: Job, state: str, *, result: dict[str, Any] | None = None, error: dict[str, str] | None = None
) -> bool:
    """End a running job as finished, stopped or failed. Returns False where another attempt has taken over."""
    with store.transaction() as db:
        put_back(db, job)
        row = db.execute(
            "SELECT 1 FROM jobs WHERE id = ? AND attempt = ? AND state = 'running'", (job.id, job.attempt)
        ).fetchone()
        if row is not None:
            end(db, job.id, state, result=result, error=error)
    return row is not None


def wait_again(store: Store, job: Job) -> bool:
    """Queue a running job again that its computer stops and its user does not, as at the end of a cluster's time limit.

    It is never marked as stopped in between: what waits for it would fail.
    """
    with store.transaction() as db:
        changed = db.execute(
            "UPDATE jobs SET state = 'queued', cluster_job = NULL, device = NULL, pid = NULL "
            "WHERE id = ? AND attempt = ? AND state = 'running' AND control != 'stop'",
            (job.id, job.attempt),
        ).rowcount
        if changed:
            log_event(db, job.id, "queued again")
    return bool(changed)


def end(
    db: sqlite3.Connection,
    job_id: str,
    state: str,
    *,
    result: dict[str, Any] | None = None,
    error: dict[str, str] | None = None,
) -> None:
    db.execute(
        "UPDATE jobs SET state = ?, result = ?, error = ?, finished_at = ?, pid = NULL WHERE id = ?",
        (
            state,
            as_text(result),
            as_text(error or None),
            time.time(),
            job_id,
        ),
    )
    log_event(db, job_id, state)


def add_event(store: Store, job_id: str, text: str) -> None:
    """Note something about a job, where the index can be written."""
    with contextlib.suppress(sqlite3.DatabaseError, OSError), store.transaction() as db:
        log_event(db, job_id, text)


def log_event(db: sqlite3.Connection, job_id: str, text: str) -> None:
    db.execute("INSERT INTO events (job_id, at, text) VALUES (?, ?, ?)", (job_id, time.time(), text))


# -- what the user asks of a job -----------------------------------------------------------------------------------------------


def control(store: Store, job_id: str, wish: str) -> Job:
    """Ask a live job to 'stop', 'pause' or 'run'. A queued job stops at once. Raises UserError already_ended."""
    with store.transaction() as db:
        row = db.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None or row["state"] not in LIVE:
            raise UserError("already_ended", "That job has already ended.", "Reload the page to see its result.")
        db.execute("UPDATE jobs SET control = ? WHERE id = ?", (wish, job_id))
        log_event(db, job_id, f"asked to {wish}")
        if row["state"] == "queued" and wish == "stop":
            end(db, job_id, "stopped")
    return store.job(job_id)


def cancel(store: Store, job_id: str) -> Job:
    """Stop a queued job. Raises UserError not_waiting where it has started or ended."""
    with store.transaction() as db:
        row = db.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None or row["state"] != "queued":
            raise UserError("not_waiting", "It does not wait any more.", "Open it to see how it is doing now.")
        end(db, job_id, "stopped")
    return store.job(job_id)


def move_up(store: Store, job_id: str, ahead_of: str) -> None:
    """Swap a queued job with the job ahead of it in its lane. Raises UserError queue_changed where that is not `ahead_of`."""
    with store.transaction() as db:
        places = f"SELECT id, {PLACE} AS place FROM jobs WHERE state = 'queued' AND lane = "
        rows = db.execute(f"{places} (SELECT lane FROM jobs WHERE id = ?) ORDER BY {PLACE}", (job_id,)).fetchall()
        order = [row["id"] for row in rows]
        at = order.index(job_id) if job_id in order else 0
        if at == 0 or order[at - 1] != ahead_of:
            raise UserError("queue_changed", "The queue has changed meanwhile.", "Look at its order as it is now.")
        for mover, place in ((job_id, rows[at - 1]["place"]), (ahead_of, rows[at]["place"])):
            db.execute("UPDATE jobs SET place = ? WHERE id = ?", (place, mover))
        log_event(db, job_id, "moved up")


class Watch:
    """should_stop() of a handler: reads what the user asks for, at most every interval_seconds, and waits while that is a pause.

    go_on_later: the computer stops the job, which shall wait again. gives_up(): whether a run that waits for room on the disk shall
    end without its last checkpoint. may_write(): whether no other process carries on with the run of the job. While the index does
    not answer, or has lost the job, the last answer holds.
    """

    def __init__(self, store: Store, job: Job, interval_seconds: float = 0.3):
        self.store, self.job, self.interval_seconds = store, job, interval_seconds
        self.stop, self.go_on_later, self.next_look, self.paused_seconds = False, False, 0.0, 0.0
        self.give_up_at = math.inf  # time.monotonic()
        self.last_wish = "run"
        self.may_write: Callable[[], bool] = lambda: True

    def __call__(self) -> bool:
        if self.stop or time.monotonic() < self.next_look:
            return self.stop
        started, wish = time.monotonic(), self.wish()
        if wish == "pause":
            while not self.stop and (wish := self.wish()) == "pause":
                time.sleep(PAUSED_SECONDS)
            self.paused_seconds += time.monotonic() - started
        self.stop = self.stop or wish == "stop"  # a signal may have set it
        self.next_look = max(self.next_look, time.monotonic() + self.interval_seconds)
        return self.stop

    def gives_up(self) -> bool:
        return time.monotonic() >= self.give_up_at

    def wish(self) -> str:
        try:
            rows = self.store.query(
                "SELECT control, attempt, state FROM jobs WHERE id = ?", self.job.id, timeout=LOOK_SECONDS
            )
        except (sqlite3.Error, OSError):  # locked, damaged or out of reach: no reason to end an hour of training
            self.next_look = time.monotonic() + LATER_SECONDS
            return self.last_wish
        if not rows:  # the index was rebuilt meanwhile
            with contextlib.suppress(sqlite3.Error, OSError), self.store.transaction(LOOK_SECONDS) as db:
                put_back(db, self.job)
            self.next_look = time.monotonic() + LATER_SECONDS
            return self.last_wish
        if rows[0]["attempt"] != self.job.attempt or rows[0]["state"] != "running":
            return "stop"  # another attempt has taken over
        self.last_wish = rows[0]["control"]
        return self.last_wish
