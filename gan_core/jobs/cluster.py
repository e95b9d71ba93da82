"""Trainings on a cluster: where $GANVAS_CLUSTER names one, each waiting run becomes a job of its scheduler, by submitit.

The cluster's machines share the workspace. There the job is an ordinary worker that carries out this one run: it claims it from the
queue, writes its heartbeat and its checkpoints, and reads what its user asks for, as any other worker does. Before the time limit
the scheduler sends SIGUSR2; the run then saves a checkpoint and waits again, and a new job of the cluster goes on with it.
"""

import contextlib
import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from gan_core.errors import UserError
from gan_core.jobs import queue
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

SCHEDULERS = {
    "slurm": "sbatch",
    "local": "",
}  # and the program each needs; local: processes of this computer, to try it out
TIME_LIMIT_MINUTES = 24 * 60
SIGNAL_SECONDS = 180  # before the time limit, in which a run saves a checkpoint
NEXT_STEP = "See logs/cluster in the workspace, then resume the run."
PROJECT = Path(__file__).parents[2]


def chosen() -> str | None:
    """The scheduler that $GANVAS_CLUSTER names; None: this computer trains."""
    return os.environ.get("GANVAS_CLUSTER", "").strip().lower() or None


def check() -> None:
    """Raise UserError no_cluster where the chosen scheduler cannot be used from this computer."""
    name = chosen()
    if name is None:
        return
    if name not in SCHEDULERS:
        raise UserError(
            "no_cluster", f"GANVAS_CLUSTER is {name!r}, which is unknown.", f"Set it to {' or '.join(SCHEDULERS)}."
        )
    if importlib.util.find_spec("submitit") is None:
        raise UserError(
            "no_cluster",
            "Training on a cluster needs the package submitit, which is not installed.",
            f"Call `{sys.executable} -m pip install submitit`, or unset GANVAS_CLUSTER.",
        )
    if (program := SCHEDULERS[name]) and shutil.which(program) is None:
        raise UserError(
            "no_cluster",
            f"There is no `{program}` on this computer, so it cannot hand runs to {name}.",
            "Start Ganvas on a login node of the cluster, or unset GANVAS_CLUSTER.",
        )
    options()


def options() -> dict[str, Any]:
    """$GANVAS_CLUSTER_OPTIONS, as in "slurm_partition=gpu timeout_min=720", by submitit's names. Raises UserError no_cluster."""
    found: dict[str, Any] = {}
    for pair in shlex.split(os.environ.get("GANVAS_CLUSTER_OPTIONS", "")):
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise UserError(
                "no_cluster",
                f"GANVAS_CLUSTER_OPTIONS has {pair!r}, which is no option.",
                "Write name=value with spaces between, as in slurm_partition=gpu timeout_min=720.",
            )
        found[name] = int(text) if text.isdecimal() else text
    return found


class Command:
    """A command as a job of the cluster; it gets the signals that tell a job to end."""

    def __init__(self, words: Sequence[str]):
        self.words = list(words)

    def __call__(self) -> int:
        child = subprocess.Popen(self.words, cwd=PROJECT)

        def pass_on(number: int, frame: FrameType | None) -> None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(number)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
            signal.signal(number, pass_on)
        return child.wait()


def executor(workspace: Workspace, gpus: int) -> Any:
    """submitit's executor for jobs with so many GPUs."""
    import submitit

    found = submitit.AutoExecutor(folder=folder(workspace), cluster=chosen())
    asked = {"name": "ganvas", "timeout_min": TIME_LIMIT_MINUTES, "gpus_per_node": gpus, "stderr_to_stdout": True}
    to_project = [f"cd {shlex.quote(str(PROJECT))}"]
    own = {"slurm_signal_delay_s": SIGNAL_SECONDS, "slurm_setup": to_project, "local_setup": to_project}
    given = options()
    if not gpus:  # a run that wants the CPU leaves the cluster's GPUs to others
        given = {name: value for name, value in given.items() if "gpu" not in name and name != "slurm_gres"}
    found.update_parameters(**{**asked, **own, **given})
    return found


def folder(workspace: Workspace) -> Path:
    """The scripts and logs of the cluster's jobs."""
    return workspace.root / "logs" / "cluster"


def command(workspace: Workspace, job_id: str) -> list[str]:
    return [sys.executable, "-m", "gan_core.jobs.worker", "--workspace", str(workspace.root), "--job", job_id]


def submit_waiting(store: Store, workspace: Workspace) -> None:
    """Hand every run that may start to the cluster, once. One that the cluster refuses has failed and can be resumed."""
    check()
    forget_ended(store)
    ready = [job for job in store.waiting("train") if job.cluster_job is None and may_start(store, job)]
    for gpus in (0, 1):
        jobs = [job for job in ready if (job.device_wanted != "cpu") == bool(gpus)]
        try:
            names = submit(workspace, jobs, gpus)
        except Exception as error:  # submitit raises many kinds
            fail(
                store, jobs, {"code": "cluster_refused", "what": f"The cluster refused the job ({first_line(error)})."}
            )
            continue
        with store.transaction() as db:
            for job, name in zip(jobs, names, strict=True):
                db.execute("UPDATE jobs SET cluster_job = ? WHERE id = ?", (name, job.id))
                queue.log_event(db, job.id, f"handed to {chosen()} as {name}")


def submit(workspace: Workspace, jobs: Sequence[Job], gpus: int) -> list[str]:
    """The scheduler's name of each job; several become one array."""
    if not jobs:
        return []
    to, submitted = executor(workspace, gpus), []
    with to.batch():
        submitted = [to.submit(Command(command(workspace, job.id))) for job in jobs]
    return [one.job_id for one in submitted]


def may_start(store: Store, job: Job) -> bool:
    return job.after is None or store.job(job.after).state == "finished"


def forget_ended(store: Store) -> None:
    """Fail the runs that wait for a job of Slurm which has ended, as after `scancel`."""
    if chosen() != "slurm":
        return
    waiting = [job for job in store.waiting("train") if job.cluster_job]
    ended = [job for job in waiting if watcher().is_done(str(job.cluster_job))]
    fail(store, ended, {"code": "cluster_ended", "what": "The cluster ended the job of this run before it began."})


@cache
def watcher() -> Any:
    """Asks `sacct` about all jobs at once, at most once a minute."""
    from submitit.slurm.slurm import SlurmInfoWatcher

    return SlurmInfoWatcher(delay_s=60)


def fail(store: Store, jobs: Sequence[Job], error: dict[str, str]) -> None:
    """error: code and what; the next step is the same for all."""
    with store.transaction() as db:
        for job in jobs:
            row = db.execute("SELECT state FROM jobs WHERE id = ?", (job.id,)).fetchone()
            if row and row["state"] == "queued":
                queue.end(db, job.id, "failed", error=error | {"todo": NEXT_STEP})


def first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]
