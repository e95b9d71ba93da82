"""python -m gan_core.jobs.worker: carries out the jobs of one lane of a workspace, one after the other.

In the lane `train` only those of its device. With --job, as on a cluster: one job and no other.
"""

import argparse
import contextlib
import math
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NamedTuple

from gan_core.errors import Overtaken, Stopped, UserError
from gan_core.jobs import devices, failures, gpu, queue, supervisor
from gan_core.jobs.handlers import handler
from gan_core.jobs.handlers.system import write_devices
from gan_core.jobs.open_index import mend, open_index
from gan_core.jobs.start_tries import StartTries
from gan_core.storage import full_disk
from gan_core.storage.index_file import gives_no_answer, is_damage
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

IDLE_SECONDS = 90  # a warm worker saves the next job the seconds that torch takes to import
POLL_SECONDS = 0.2
RETRY_SECONDS = 2.0  # to write how a job ended
GIVE_UP_SECONDS = 60.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)


def carry_out(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> str:
    """Call the handler of a claimed job, write how the job ended, and return its state."""
    try:
        with queue.heartbeat(store, job):
            result = handler(job.kind)(store, workspace, job, watch)
        state, error = ("stopped" if watch.stop else "finished"), None
    except Stopped:
        state, result, error = "stopped", None, None
    except Overtaken:
        return "overtaken"
    except UserError as refused:
        state, result = "failed", None
        error = {"code": refused.code, "what": refused.what, "todo": refused.todo}
    except Exception as bug:
        note(traceback.format_exc())
        state, result, error = "failed", None, failures.cause(store, job, bug)

    def write_end() -> str:
        if state == "stopped" and watch.go_on_later and queue.wait_again(store, job):
            return "queued"
        queue.finish(store, job, state, result=result, error=error)
        return state

    return written(write_end, store, watch)


def written(write: Callable[[], str], store: Store, watch: queue.Watch) -> str:
    """write(), again and again while the disk is full or the index is locked or damaged, until this process is told to end.

    How a job ended must not be lost with its process: it would count as interrupted.
    """
    while True:
        try:
            return write()
        except sqlite3.DatabaseError as error:
            if not gives_no_answer(error):
                raise
            note(f"could not write how the job ended: {error}")
            if full_disk.drop_ballast(store.path.parent):
                continue
            if is_damage(error):  # perhaps there is no server that would do it
                with contextlib.suppress(sqlite3.Error, OSError):
                    mend(Workspace(store.path.parent))
            if watch.gives_up():
                raise
            time.sleep(RETRY_SECONDS)


def note(text: str) -> None:
    """Print a line to the log, where the disk has room for it."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


class Shutdown:
    """On SIGTERM or Ctrl-C the current job stops as if the user had asked for it, so a run saves a checkpoint.

    On SIGUSR2, which a cluster sends before the end of the time limit, it stops in the same way and shall go on later. A run that
    cannot save its checkpoint then waits for room on the disk until a second signal; after a first one that was no Ctrl-C, for
    GIVE_UP_SECONDS, as the computer may be shutting down.
    """

    def __init__(self) -> None:
        self.asked = False
        self.give_up_at = math.inf
        self.go_on_later = False
        self.watch: queue.Watch | None = None

    def __enter__(self) -> "Shutdown":
        self.before = {number: signal.signal(number, self.ask) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, former in self.before.items():
            signal.signal(number, former)

    def ask(self, signum: int, frame: FrameType | None) -> None:
        patience = 0.0 if self.asked else math.inf if signum == signal.SIGINT else GIVE_UP_SECONDS
        self.give_up_at = min(self.give_up_at, time.monotonic() + patience)
        self.asked = True
        self.go_on_later |= signum == signal.SIGUSR2
        self.tell()

    def tell(self) -> None:
        """Pass on to the current job what was asked, also before it began."""
        if self.watch:
            self.watch.stop |= self.asked
            self.watch.go_on_later |= self.go_on_later
            self.watch.give_up_at = self.give_up_at


class Post(NamedTuple):
    """What a worker is for: a lane and, in the lane train, a device; "" for the first one."""

    lane: str
    device: str
    workspace: Workspace

    @property
    def lock(self) -> str:
        return devices.lock_name(self.device, devices.known(self.workspace)) if self.device else self.lane

    def claim(self, store: Store) -> Job | None:
        if self.lane != "train":
            return queue.claim(store, self.lane)
        known = devices.known(self.workspace)
        mine = self.device or known[0]
        return queue.claim(store, self.lane, mine, lambda job: devices.takes(mine, job.device_wanted, known))

    def waits(self, store: Store) -> bool:
        """Whether a job waits for this worker."""
        known = devices.known(self.workspace)
        mine = self.device or known[0]
        waiting = store.waiting(self.lane)
        return any(self.lane != "train" or devices.takes(mine, job.device_wanted, known) for job in waiting)


def serve(store: Store, post: Post, idle_seconds: float, shutdown: Shutdown) -> None:
    """Carry out jobs until none has come for idle_seconds, a signal ends the process, or its GPU is lost."""
    last_work = time.monotonic()
    while time.monotonic() - last_work < idle_seconds and not shutdown.asked:
        if job := claimed(store, post):
            StartTries(post.workspace, post.lock).forget()
            work(store, post.workspace, job, shutdown)
            if gpu.is_lost():
                return
            gpu.give_memory_back()
            last_work = time.monotonic()
        else:
            time.sleep(POLL_SECONDS)


def claimed(store: Store, post: Post) -> Job | None:
    """The next job of a post; None also while the index gives no answer."""
    try:
        return post.claim(store)
    except (sqlite3.DatabaseError, OSError) as error:
        if not gives_no_answer(error):
            raise
        time.sleep(RETRY_SECONDS)
        return None


def work(store: Store, workspace: Workspace, job: Job, shutdown: Shutdown) -> str:
    """Carry out a claimed job, with a line in the log before and after it. Returns its state."""
    note(f"{time.strftime('%F %T')} {job.kind} {job.id} for {job.subject}")
    full_disk.keep_ballast(workspace.root)
    shutdown.watch = queue.Watch(store, job)
    shutdown.tell()
    state = carry_out(store, workspace, job, shutdown.watch)
    note(f"{time.strftime('%F %T')} {job.id} {state}")
    return state


def prepare_training(store: Store, post: Post) -> None:
    """Import what training needs and, on the first device, write down which devices there are."""
    import gan_core.training.loop  # noqa: F401  seconds that the import of the data can hide

    if post.device:
        return
    try:
        write_devices(post.workspace)
    except (OSError, RuntimeError, AssertionError) as error:  # a full disk or a broken driver
        note(f"could not write the devices: {error}")
    with contextlib.suppress(sqlite3.OperationalError):  # locked: the server does it later
        supervisor.ensure_workers(store, post.workspace)  # for the devices that were not known before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--lane", choices=sorted(set(queue.LANES.values())))
    parser.add_argument("--device", default="", help="Of the lane train: the one that this process was given.")
    parser.add_argument("--job", help="Carry out this job alone.")
    parser.add_argument("--idle-seconds", type=float, default=IDLE_SECONDS)
    arguments = parser.parse_args()
    workspace = Workspace(arguments.workspace)
    failures.note_signals(workspace)
    post = Post(arguments.lane, arguments.device, workspace)
    try:
        store = open_index(workspace, told=note)
    except UserError as refused:
        if refused.code == "index_busy":  # no fault of this process: another one is started later
            StartTries(workspace, post.lock).forget()
        raise SystemExit(str(refused)) from None
    with Shutdown() as shutdown:
        if arguments.job:
            carry_out_alone(store, workspace, arguments.job, shutdown)
        else:
            keep_post(store, post, arguments.idle_seconds, shutdown)


def carry_out_alone(store: Store, workspace: Workspace, job_id: str, shutdown: Shutdown) -> None:
    """Carry out this job if it still waits; one that shall go on later is handed to the cluster again."""
    job = queue.claim_one(store, job_id)
    if job is not None and work(store, workspace, job, shutdown) == "queued":
        supervisor.ensure_workers(store, workspace)


def keep_post(store: Store, post: Post, idle_seconds: float, shutdown: Shutdown) -> None:
    """Carry out the jobs of a post until none comes, unless another process holds it."""
    waiting = True
    while waiting and not shutdown.asked:
        with supervisor.lane_lock(post.workspace, post.lock) as mine:
            if not mine:
                return
            with contextlib.suppress(sqlite3.OperationalError):  # locked: the server does it later
                supervisor.reconcile(store)
            if post.lane == "train":
                prepare_training(store, post)
            serve(store, post, idle_seconds, shutdown)
            StartTries(post.workspace, post.lock).forget()
        if gpu.is_lost():  # until this process ends: another one does what waits
            supervisor.ensure_workers(store, post.workspace)
            return
        # A job that was submitted just before the lock was released has got no worker: check once more.
        waiting = post.waits(store)


if __name__ == "__main__":
    main()
