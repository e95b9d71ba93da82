"""The worker processes: which of them live, the jobs of those that do not, and one worker for each lane.

A worker outlives the server and the browser. A job's row names its process by pid and start time.
"""

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from gan_core.jobs import queue
from gan_core.storage.store import COLUMNS, Job, Store, as_job
from gan_core.storage.workspace import Workspace

STARTED: list[subprocess.Popen[bytes]] = []  # workers that this process started
RESUME = "Resume the run: it goes on from its last checkpoint."


def alive(pid: int | None, started_at: float | None) -> bool:
    """Whether the process is still there. A zombie is not, and neither is another process with a reused pid."""
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - (started_at or 0)) < 1
    except psutil.NoSuchProcess:
        return False


def reconcile(store: Store) -> list[Job]:
    """Mark running jobs whose process is gone as interrupted, and return them."""
    lost = [job for job in store.jobs(states=("running",)) if not alive(job.pid, job.pid_started_at)]
    for job in lost:
        error = {
            "code": "interrupted",
            "what": "The process that did this is gone (killed, out of memory, or the machine restarted).",
            "todo": RESUME if job.kind == "train" else "Start it again.",
        }
        with store.transaction() as db:
            row = db.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job.id,)).fetchone()
            now = as_job(row)
            if now.state == "running" and now.attempt == job.attempt:
                queue.end(db, job.id, "interrupted", error=error)
    return lost


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
    """Start a worker for every lane with queued jobs and no worker. Cheap enough to call after each submit."""
    for lane in sorted({job.lane for job in store.jobs(states=("queued",))}):
        with lane_lock(workspace, lane) as free:
            if not free:
                continue
        log = workspace.root / "logs" / f"worker-{lane}.log"
        if log.exists() and log.stat().st_size > 10_000_000:
            os.replace(log, log.with_suffix(".old.log"))
        with open(log, "ab") as out:
            # In a session of its own, so that the worker outlives Ctrl-C, the server and the terminal.
            process = subprocess.Popen(
                [sys.executable, "-m", "gan_core.jobs.worker", "--workspace", str(workspace.root), "--lane", lane],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=Path(__file__).parents[2],
            )
        STARTED.append(process)
    STARTED[:] = [child for child in STARTED if child.poll() is None]  # poll() reaps, so that none stays a zombie
