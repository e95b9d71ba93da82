"""The store and workspace of a request, and the checks of a run that several requests need."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from gan_core.errors import UserError
from gan_core.jobs import cluster, devices, queue, supervisor
from gan_core.storage import checkpoints, limits
from gan_core.storage.store import Job, Run, Store
from gan_core.storage.workspace import Workspace


def only_reads() -> UserError:
    return UserError("only_reads", "The pupils' link only shows what there is.", "Ask your teacher to do it.")


class ReadingStore(Store):
    """A store that refuses every change. It shares all that another one has opened."""

    def __init__(self, of: Store):
        self.__dict__ = of.__dict__

    def transaction(self, *_: Any, **__: Any) -> NoReturn:
        """Raises UserError only_reads."""
        raise only_reads()


class Context(NamedTuple):
    """A store and its workspace. in_this_process: the caller carries the job out itself, so no worker is started.

    starts_workers: submit() starts the workers or hands trainings to the cluster; see together(). only_reads: see for_reading().
    """

    store: Store
    workspace: Workspace
    in_this_process: bool = False
    starts_workers: bool = True
    only_reads: bool = False

    def submit(
        self,
        kind: str,
        subject: str,
        payload: dict[str, Any],
        token: str | None = None,
        after: str | None = None,
        device: str = "auto",
    ) -> Job:
        """Queue a job and see to it that a worker takes it. device: what a run wants. Raises UserError over_limit."""
        limits.check(self.store, self.workspace, kind)
        own = None
        if self.in_this_process:
            own = devices.pick(self.store, self.workspace, device) if kind == "train" else ""
        job = queue.submit(self.store, kind, subject, payload, token=token, after=after, device=device, claim_on=own)
        self.start_workers()
        return job

    def start_workers(self) -> None:
        if self.starts_workers and not self.in_this_process:
            supervisor.ensure_workers(self.store, self.workspace)

    @contextlib.contextmanager
    def together(self) -> Iterator["Context"]:
        """Inside, the jobs of the context that this yields are only queued; then workers start once for all of them.

        So a cluster gets several runs as one array, which its scheduler treats as one submission.
        """
        try:
            yield self._replace(starts_workers=False)
        finally:
            self.start_workers()

    def for_reading(self) -> "Context":
        """The same store and workspace for somebody who may look and change nothing: a pupil in a class room."""
        return self._replace(store=ReadingStore(self.store), only_reads=True, starts_workers=False)

    def check_may_change(self) -> None:
        """Raises UserError only_reads for a pupil."""
        if self.only_reads:
            raise only_reads()

    def check_cluster(self) -> None:
        """Raises UserError no_cluster where trainings go to a cluster that cannot be used."""
        if not self.in_this_process:
            cluster.check()


def trained_run(context: Context, run_id: str, at: checkpoints.At = None) -> Run:
    """The run, where it has a checkpoint to draw from. at: see checkpoints.At.

    Raises UserError unknown_id, no_checkpoint.
    """
    run = context.store.run(run_id)
    kept = checkpoints.of_run(context.workspace.run(run.id))
    if not kept:
        what, todo = "This run has no checkpoint yet.", "Wait for its first minute of training, or train it again."
        raise UserError("no_checkpoint", what, todo)
    if isinstance(at, int) and at not in kept:
        there = ", ".join(f"{seen:,}" for seen in kept)
        raise UserError(
            "no_checkpoint", f"This run has no checkpoint at {at:,} images.", f"Choose the newest, or one of {there}."
        )
    return run
