"""python -m gan_core.jobs.worker: carries out the jobs of one lane of a workspace, one after the other."""

import argparse
import faulthandler
import signal
import time
import traceback
from types import FrameType

from gan_core.errors import Stopped, UserError, is_out_of_memory
from gan_core.jobs import queue, supervisor
from gan_core.jobs.handlers import handler
from gan_core.jobs.handlers.system import write_devices
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

IDLE_SECONDS = 90  # a warm worker saves the next job the seconds that torch takes to import
POLL_SECONDS = 0.2


def carry_out(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> str:
    """Call the handler of a claimed job, write how the job ended, and return its state."""
    try:
        result = handler(job.kind)(store, workspace, job, watch)
        state, error = ("stopped" if watch.stop else "finished"), None
    except Stopped:
        state, result, error = "stopped", None, None
    except UserError as refused:
        state, result = "failed", None
        error = {"code": refused.code, "what": refused.what, "todo": refused.todo}
    except Exception as bug:
        traceback.print_exc()
        state, result, error = "failed", None, plain_cause(bug)
    queue.finish(store, job, state, result=result, error=error)
    return state


# Codes of failures that are not a fault of the request.
JOB_FAILURES = ("out_of_memory", "disk_full", "bug", "diverged", "interrupted", "predecessor")


def plain_cause(bug: Exception) -> dict[str, str]:
    """Code and sentences for an exception that is not a UserError."""
    text = f"{type(bug).__name__}: {bug}".splitlines()[0][:300]
    if is_out_of_memory(bug):
        return {
            "code": "out_of_memory",
            "what": f"Memory ran out ({text}).",
            "todo": "Choose a smaller batch, a smaller width or a smaller image size.",
        }
    if isinstance(bug, OSError) and bug.errno == 28:
        return {
            "code": "disk_full",
            "what": "The disk is full.",
            "todo": "Free some space, then resume: nothing that was saved is lost.",
        }
    return {
        "code": "bug",
        "what": f"Something broke inside Ganvas ({text}).",
        "todo": "The log has the details; please report it.",
    }


class Shutdown:
    """On SIGTERM or Ctrl-C the current job stops as if the user had asked for it, so a run saves a checkpoint."""

    def __init__(self) -> None:
        self.asked = False
        self.watch: queue.Watch | None = None

    def __enter__(self) -> "Shutdown":
        self.before = {number: signal.signal(number, self.ask) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, former in self.before.items():
            signal.signal(number, former)

    def ask(self, signum: int, frame: FrameType | None) -> None:
        self.asked = True
        if self.watch:
            self.watch.stop = True


def serve(store: Store, workspace: Workspace, lane: str, idle_seconds: float, shutdown: Shutdown) -> None:
    """Carry out jobs until none has come for idle_seconds or a signal ends the process."""
    last_work = time.monotonic()
    while time.monotonic() - last_work < idle_seconds and not shutdown.asked:
        if job := queue.claim(store, lane):
            print(f"{time.strftime('%F %T')} {job.kind} {job.id} for {job.subject}", flush=True)
            shutdown.watch = queue.Watch(store, job)
            print(f"{time.strftime('%F %T')} {job.id} {carry_out(store, workspace, job, shutdown.watch)}", flush=True)
            last_work = time.monotonic()
        else:
            time.sleep(POLL_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--lane", required=True, choices=sorted(set(queue.LANES.values())))
    parser.add_argument("--idle-seconds", type=float, default=IDLE_SECONDS)
    arguments = parser.parse_args()
    faulthandler.enable()
    workspace = Workspace(arguments.workspace)
    store = Store(workspace)
    waiting = True
    with Shutdown() as shutdown:
        while waiting and not shutdown.asked:
            with supervisor.lane_lock(workspace, arguments.lane) as mine:
                if not mine:
                    return
                supervisor.reconcile(store)
                if arguments.lane == "train":
                    import gan_core.training.loop  # noqa: F401  seconds that the import of the data can hide

                    try:
                        write_devices(workspace)
                    except (OSError, RuntimeError, AssertionError) as error:  # a full disk or a broken driver
                        print(f"could not write the devices: {error}", flush=True)
                serve(store, workspace, arguments.lane, arguments.idle_seconds, shutdown)
            # A job that was submitted just before the lock was released has got no worker: check once more.
            waiting = any(job.lane == arguments.lane for job in store.jobs(states=("queued",)))


if __name__ == "__main__":
    main()
