"""The worker processes: which of them live, the jobs of those that do not, and who carries out what waits.

One worker for each of the lanes `light` and `heavy`, and one for each device that training uses, or a cluster for the trainings. A
worker outlives the server and the browser. A job's row names its process by boot, pid namespace, pid and start in clock ticks;
whether one that cannot be seen from here lives is told by the lock of its run and by its heartbeat.
"""

import contextlib
import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from gan_core.errors import UserError
from gan_core.jobs import cluster, devices, failures, lost_jobs, process_identity, queue
from gan_core.jobs.process_identity import Identity
from gan_core.jobs.start_tries import MOST_STARTS, StartTries, last_line
from gan_core.storage import full_disk, run_lock
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

HEARD: dict[
    str, tuple[tuple[int, float | None], float]
] = {}  # job: its newest heartbeat, and when this process first saw it
FORCED_SECONDS = 10.0  # in which a process that was killed is gone
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


def identity_of(job: Job) -> Identity | None:
    """Of the process of a running job; None where it was claimed by an older version, or on a system without /proc."""
    if job.boot is None or job.namespace is None or job.pid is None or job.ticks is None:
        return None
    return Identity(job.boot, job.namespace, job.pid, job.ticks)


def has_process(job: Job, root: Path) -> bool:
    """Whether the process of a running job is alive, as far as this process can see. root: of the workspace.

    What it cannot see, a process of another host or pid namespace, lives as long as it holds the lock of its run or writes
    heartbeats: only a silence that this process has watched from its begin to its end counts, by no wall clock.
    """
    who = identity_of(job)
    if who is not None and process_identity.is_visible(who):
        return process_identity.lives(who)
    here = job.host in (None, queue.HOST)
    if who is None and here:
        return alive(job.pid, job.pid_started_at)
    if job.kind == "train" and run_lock.is_held(root / "runs" / job.subject):
        return True
    if who is not None and here and who.boot != process_identity.boot() and is_from_before_the_boot(job):
        return False
    return silence(job) < HEARTBEAT_LOST_SECONDS


def is_from_before_the_boot(job: Job) -> bool:
    """Whether a process of a computer with this one's name was last heard of before this one was started."""
    return (job.heartbeat_at or 0) + queue.HEARTBEAT_SECONDS < psutil.boot_time()


def silence(job: Job) -> float:
    """Seconds since this process first saw the newest heartbeat of a job."""
    newest = (job.attempt, job.heartbeat_at)
    known = HEARD.get(job.id)
    if known is None or known[0] != newest:
        HEARD[job.id] = known = (newest, time.monotonic())
    return time.monotonic() - known[1]


def reconcile(store: Store) -> list[Job]:
    """End running jobs whose process is gone, as interrupted or, where their result is there, as finished; and return them.

    Where the index cannot be written, as on a full disk, they are only returned: a later look marks them.
    """
    workspace = Workspace(store.path.parent)
    lost = [job for job in store.jobs(states=("running",)) if not has_process(job, workspace.root)]
    for job in lost:
        with contextlib.suppress(sqlite3.OperationalError):
            try:
                lost_jobs.settle(store, workspace, job)
            except sqlite3.OperationalError:
                if not full_disk.drop_ballast(workspace.root):
                    raise
                lost_jobs.settle(store, workspace, job)
    return lost


def has_worker(workspace: Workspace, name: str) -> bool:
    """Whether a worker holds the lock of that name."""
    with lane_lock(workspace, name) as free:
        return not free


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


def force_stop(store: Store, job: Job) -> None:
    """Kill the process of a running job, which loses what it has not saved, and mark the job as interrupted.

    Raises UserError not_running where the job has ended, and run_in_use where its process is not to be seen from here.
    """
    who = identity_of(job)
    if job.state != "running":
        raise UserError("not_running", "This has no process to end.", "Look at its state.")
    if who is None or not process_identity.is_visible(who):
        where = f"on {job.host}" if job.host not in (None, queue.HOST) else "in another container of this computer"
        raise UserError("run_in_use", f"Its process runs {where} and cannot be ended from here.", "End it there.")
    if process_identity.lives(who):
        with contextlib.suppress(ProcessLookupError):
            os.kill(who.pid, signal.SIGKILL)
        queue.add_event(store, job.id, "ended by force")
    until = time.monotonic() + FORCED_SECONDS
    while process_identity.lives(who) and time.monotonic() < until:
        time.sleep(0.05)
    reconcile(store)


def ensure_workers(store: Store, workspace: Workspace) -> None:
    """Start the workers that the queued jobs need, or hand trainings to the cluster. Cheap enough to call after each submit.

    The jobs of a worker that ended three times before it claimed anything fail with the reason.
    """
    queued = store.jobs(states=("queued",))
    for lane in sorted({job.lane for job in queued} - {"train"}):
        if why := ensure_worker(workspace, lane, ["--lane", lane]):
            fail(store, [job for job in queued if job.lane == lane], why)
    trainings = [job for job in queued if job.lane == "train"]
    if trainings and cluster.chosen():
        with lane_lock(workspace, "cluster") as mine, contextlib.suppress(UserError):  # told to whom asks for a run
            if mine:
                cluster.submit_waiting(store, workspace)
    elif trainings:
        known = devices.known(workspace)
        for device in devices.to_work(trainings, known, devices.busy(store)):
            options = [] if device == known[0] else ["--device", device]
            name, environment = devices.lock_name(device, known), devices.environment(device, known)
            if why := ensure_worker(workspace, name, ["--lane", "train", *options], environment):
                fail(store, [job for job in trainings if devices.takes(device, job.device_wanted, known)], why)
    STARTED[:] = [child for child in STARTED if child.poll() is None]  # poll() reaps, so that none stays a zombie


def fail(store: Store, jobs: list[Job], why: UserError) -> None:
    """End jobs that still wait."""
    with store.transaction() as db:
        for job in jobs:
            row = db.execute("SELECT state FROM jobs WHERE id = ?", (job.id,)).fetchone()
            if row and row["state"] == "queued":
                error = {"code": why.code, "what": why.what, "todo": f"{why.todo} {failures.again(job)}"}
                queue.end(db, job.id, "failed", error=error)


def ensure_worker(
    workspace: Workspace, name: str, options: list[str], environment: Mapping[str, str] = NOTHING
) -> UserError | None:
    """Start a worker with these options unless one holds the lock of that name, or is about to.

    environment: what it has beside devices.inherited(). Returns why no worker starts, after MOST_STARTS of them ended too early.
    """
    if has_worker(workspace, name):
        return None
    with lane_lock(workspace, f"{name}-start") as mine:
        return start(workspace, name, options, environment) if mine else None


def start(workspace: Workspace, name: str, options: list[str], environment: Mapping[str, str]) -> UserError | None:
    STARTED[:] = [child for child in STARTED if child.poll() is None]
    log, tries = workspace.root / "logs" / f"worker-{name}.log", StartTries(workspace, name)
    if tries.one_is_starting():
        return None
    if tries.number >= MOST_STARTS:
        said = last_line(log, tries.log_from) or "it was killed, or wrote nothing before it ended"
        tries.forget()
        what = f"The process that does this could not start, {MOST_STARTS} times in a row: {said}."
        return UserError("no_worker", what.replace("..", "."), f"See {log.name} in the folder logs of the workspace.")
    if log.exists() and log.stat().st_size > 10_000_000:
        os.replace(log, log.with_suffix(".old.log"))
    with open(log, "ab") as out:
        log_from = out.tell()
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
    tries.count(process.pid, log_from)
    return None
