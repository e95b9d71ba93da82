"""The worker processes: which of them live, the jobs of those that do not, and who carries out what waits.

One worker for each of the lanes `light` and `heavy`, and one for each device that training uses, or a cluster for the trainings. A
worker outlives the server and the browser. A job's row names its process by host, pid and start time; whether a process of another
host lives is told by its heartbeat.
"""

import contextlib
import fcntl
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from gan_core.errors import UserError
from gan_core.jobs import cluster, devices, failures, queue
from gan_core.storage import full_disk
from gan_core.storage.store import COLUMNS, Job, Store, as_job
from gan_core.storage.workspace import Workspace

STARTED: list[subprocess.Popen[bytes]] = []  # workers that this process started
HEARTBEAT_LOST_SECONDS = 8 * queue.HEARTBEAT_SECONDS  # a process of another host that was silent for so long is gone
NOTHING: Mapping[str, str] = {}


def alive(pid: int | None, started_at: float | None) -> bool:
    """Whether the process is still there. A zombie is not, and neither is another process with a reused pid."""
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - (started_at or 0)) < 1
    except psutil.NoSuchProcess:
        return False


def has_process(job: Job) -> bool:
    """Whether the process of a running job is alive, on this host or, by its heartbeat, on another."""
    if job.host in (None, queue.HOST):  # None: claimed by a version that knew one host
        return alive(job.pid, job.pid_started_at)
    return time.time() - (job.heartbeat_at or 0) < HEARTBEAT_LOST_SECONDS


def reconcile(store: Store) -> list[Job]:
    """Mark running jobs whose process is gone as interrupted, and return them.

    Where the index cannot be written, as on a full disk, they are only returned: a later look marks them.
    """
    lost = [job for job in store.jobs(states=("running",)) if not has_process(job)]
    for job in lost:
        with contextlib.suppress(sqlite3.OperationalError):
            try:
                mark_lost(store, job)
            except sqlite3.OperationalError:
                if not full_disk.drop_ballast(store.path.parent):
                    raise
                mark_lost(store, job)
    return lost


def mark_lost(store: Store, job: Job) -> None:
    error = failures.loss(store, job)
    with store.transaction() as db:
        row = db.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job.id,)).fetchone()
        now = as_job(row)
        if now.state == "running" and now.attempt == job.attempt:
            queue.end(db, job.id, "interrupted", error=error)


@contextlib.contextmanager
def lane_lock(workspace: Workspace, lane: str) -> Iterator[bool]:
    """Yields whether this process is now the one worker of the lane."""
    with open(workspace.root / f"{lane}.lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def ensure_workers(store: Store, workspace: Workspace) -> None:
    """Start the workers that the queued jobs need, or hand trainings to the cluster. Cheap enough to call after each submit."""
    queued = store.jobs(states=("queued",))
    for lane in sorted({job.lane for job in queued} - {"train"}):
        ensure_worker(workspace, lane, ["--lane", lane])
    trainings = [job for job in queued if job.lane == "train"]
    if trainings and cluster.chosen():
        with lane_lock(workspace, "cluster") as mine, contextlib.suppress(UserError):  # told to whom asks for a run
            if mine:
                cluster.submit_waiting(store, workspace)
    elif trainings:
        known = devices.known(workspace)
        for device in devices.to_work(trainings, known, devices.busy(store)):
            options = [] if device == known[0] else ["--device", device]
            ensure_worker(
                workspace,
                devices.lock_name(device, known),
                ["--lane", "train", *options],
                devices.environment(device, known),
            )
    STARTED[:] = [child for child in STARTED if child.poll() is None]  # poll() reaps, so that none stays a zombie


def ensure_worker(
    workspace: Workspace, name: str, options: list[str], environment: Mapping[str, str] = NOTHING
) -> None:
    """Start a worker with these options unless one holds the lock of that name.

    environment: what it has beside devices.inherited().
    """
    with lane_lock(workspace, name) as free:
        if not free:
            return
    log = workspace.root / "logs" / f"worker-{name}.log"
    if log.exists() and log.stat().st_size > 10_000_000:
        os.replace(log, log.with_suffix(".old.log"))
    with open(log, "ab") as out:
        # In a session of its own, so that the worker outlives Ctrl-C, the server and the terminal.
        process = subprocess.Popen(
            [sys.executable, "-m", "gan_core.jobs.worker", "--workspace", str(workspace.root), *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
            env={**devices.inherited(), **environment},
        )
    STARTED.append(process)
