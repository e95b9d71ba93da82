"""Why a job failed, in a sentence and a next step: what its handler raised, and what became of a process that is gone.

A worker opens an empty file logs/crash-<host>-<pid>.log. The signal of a fault (SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL) writes
its name and the place in the code into it, an ordinary end removes it, and a kill leaves it empty.
"""

import atexit
import contextlib
import errno
import faulthandler
import os
import re
from pathlib import Path
from typing import Any

import psutil

from gan_core.errors import is_out_of_memory
from gan_core.jobs import devices, gpu, process_identity, queue
from gan_core.storage import full_disk
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

# Codes of failures that are not a fault of the request.
JOB_FAILURES = (
    *("out_of_memory", "disk_full", "not_writable", "unsaved", "damaged_checkpoints", "bug", "diverged", "interrupted"),
    *("crashed", "gpu_fault", "predecessor", "no_worker"),
)
RESUME = "Resume the run: it goes on from its last checkpoint."
FATAL = re.compile(r"^Fatal Python error: (.+)$", re.MULTILINE)
WITHOUT_NETWORKS = ("import", "system", "curate", "timelapse")
NAMES = {"train": "a training", "probe": "an estimate", "evaluate": "an evaluation", "export": "an export"}


def cause(store: Store, job: Job, bug: Exception) -> dict[str, str]:
    """Code and sentences for an exception that is not a UserError."""
    text = f"{type(bug).__name__}: {bug}".splitlines()[0][:300]
    if is_out_of_memory(bug):
        what, todo = f"Memory ran out ({text}).", "Choose a smaller batch, a smaller width or a smaller image size."
        if others := beside(store, job):
            what = f"Memory ran out while {others} was running on the same device ({text})."
            todo = f"Wait until {others} has ended, then start this again."
        return {"code": "out_of_memory", "what": what, "todo": todo}
    unwritten = full_disk.as_os_error(bug)
    if unwritten is not None and unwritten.errno in (*full_disk.NO_SPACE, errno.EROFS):
        told = full_disk.obstacle(unwritten, store.path.parent)
        return {"code": told.code, "what": told.what, "todo": f"{told.todo} {again(job)}"}
    if gpu.is_lost():
        return {
            "code": "gpu_fault",
            "what": f"The GPU stopped working ({text}).",
            "todo": f"{again(job)} If it happens again, restart the computer and update NVIDIA's driver.",
        }
    return {
        "code": "bug",
        "what": f"Something broke inside Ganvas ({text}).",
        "todo": "The log has the details; please report it.",
    }


def again(job: Job) -> str:
    return RESUME if job.kind == "train" else "Start it again."


def beside(store: Store, job: Job) -> str:
    """'a training', 'an evaluation', ...: another job that uses memory on the same device at the moment; '' where there is none."""
    first = devices.known(Workspace(store.path.parent))[0]  # where everything runs that is no training
    for other in store.jobs(states=("running",)):
        together = other.host in (None, queue.HOST) and (other.device or first) == (job.device or first)
        if together and other.id != job.id and other.kind not in WITHOUT_NETWORKS:
            return NAMES.get(other.kind, "another job")
    return ""


# -- processes that are gone ---------------------------------------------------------------------------------------------------


def crash_file(workspace: Path, host: str, pid: int) -> Path:
    return workspace / "logs" / f"crash-{host}-{pid}.log"


def note_signals(workspace: Workspace) -> None:
    """From here on a fatal signal leaves its name in the crash file of this process."""
    path = crash_file(workspace.root, queue.HOST, os.getpid())
    with contextlib.suppress(OSError):  # a full disk
        faulthandler.enable(open(path, "w"))  # noqa: SIM115  it stays open until the process ends
        atexit.register(path.unlink, missing_ok=True)


def loss(store: Store, job: Job) -> dict[str, Any]:
    """Code and sentences for a running job whose process is gone: crashed, or interrupted by a kill or a restart."""
    path = crash_file(store.path.parent, job.host or queue.HOST, job.pid or 0)
    here = job.host in (None, queue.HOST)
    try:
        text = path.read_text() if path.stat().st_mtime >= (job.pid_started_at or 0) - 1 else None  # of this process
    except OSError:
        text = None
    if text and (found := FATAL.search(text)):
        todo = again(job)
        if job.kind == "train":
            todo += " If it happens again, start the run anew with the precision fp32."
        what = f"The process that did this died of a fault in a program ({found[1]}); {path.name} has the details."
        return {"code": "crashed", "what": what, "todo": todo}
    restarted = (
        job.boot != process_identity.boot()
        if job.boot
        else job.started_at is not None and psutil.boot_time() > job.started_at
    )
    if here and restarted:
        what = "The computer was restarted while this was running."
    elif text == "":
        with contextlib.suppress(OSError):
            path.unlink()
        what = "The process that did this was killed, most often because the computer's memory was full."
    else:
        what = "The process that did this is gone (killed, out of memory, or the machine restarted)."
    return {"code": "interrupted", "what": what, "todo": again(job)}
