"""Helpers of all verbs: the store and workspace of this call, its output, and carrying out a job."""

import json
import os
import sys
import threading
from typing import Annotated, Any, NoReturn, cast

import typer

from gan_core import actions
from gan_core.cli import progress
from gan_core.errors import Code, UserError
from gan_core.jobs import devices, failures, queue, worker
from gan_core.storage import run_folder
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]


class Call:
    """The store and workspace of this call, set before a verb runs."""

    store: Store
    workspace: Workspace
    force = False  # whether the verb may overwrite files
    alone_starts = False  # whether the command without a verb starts the app
    lost: frozenset[str] = frozenset()  # jobs whose process was found to be gone


def context(here: bool = True) -> actions.Context:
    return actions.Context(Call.store, Call.workspace, in_this_process=here)


def say(as_json: bool, value: dict[str, Any], text: str) -> None:
    print(json.dumps(value, ensure_ascii=False) if as_json else text)


def refuse(error: UserError, code: int = 2) -> NoReturn:
    print(f"ganvas: {error}", file=sys.stderr)
    raise SystemExit(code)


def carry_out(job: Job) -> dict[str, Any]:
    """Carry out a job in this process, with progress on stderr. Returns its result and state; ends the program where it failed."""
    if os.environ.get("WORLD_SIZE", "1") == "1":  # torchrun has given each process its GPU
        os.environ.update(devices.environment(job.device or "", devices.known(Call.workspace)))
    done = threading.Event()
    printer = threading.Thread(target=progress.follow, args=(lambda: Call.store.job(job.id), done), daemon=True)
    printer.start()
    with worker.Shutdown() as shutdown:
        shutdown.watch = queue.Watch(Call.store, job)
        worker.carry_out(Call.store, Call.workspace, job, shutdown.watch)
    done.set()
    printer.join()
    ended = Call.store.job(job.id)
    if ended.error:
        error = UserError(cast(Code, ended.error["code"]), ended.error["what"], ended.error["todo"])
        refuse(error, 1 if error.code in failures.JOB_FAILURES else 2)
    if ended.state == "stopped" and not ended.result:
        print("ganvas: Stopped before there was a result. Start it again to get one.", file=sys.stderr)
        raise SystemExit(1)
    return {**(ended.result or {}), "state": ended.state}


def run_state(run_id: str) -> str:
    """The state of the newest training of a run. `unsaved`: it waits, with its weights in memory, for room on the disk."""
    job = Call.store.latest_job("train", run_id)
    if job is None:
        return "unknown"
    if job.id in Call.lost:  # its process is gone, which a workspace that may not be written cannot be told
        return "interrupted"
    if job.state == "running" and run_folder.read_status(Call.workspace.run(run_id)).get("phase") == "unsaved":
        return "unsaved"
    return "paused" if job.live and job.control == "pause" else job.state
