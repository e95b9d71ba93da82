"""Where requests are made."""

from typing import Any, NamedTuple

from gan_core.errors import UserError
from gan_core.jobs import queue
from gan_core.storage.store import Job, Run, Store
from gan_core.storage.workspace import Workspace


class Context(NamedTuple):
    """Where requests are made: a store and its workspace, and whether this very process carries the job out."""

    store: Store
    workspace: Workspace
    in_this_process: bool = False

    def submit(
        self, kind: str, subject: str, payload: dict[str, Any], token: str | None = None, after: str | None = None
    ) -> Job:
        job = queue.submit(self.store, kind, subject, payload, token=token, after=after, claim=self.in_this_process)
        if not self.in_this_process:
            queue.ensure_workers(self.store, self.workspace)
        return job


def trained_run(context: Context, run_id: str) -> Run:
    """The run, where it has something to sample from."""
    run = context.store.run(run_id)
    if not list((context.workspace.run(run_id) / "checkpoints").glob("ck-*.json")):
        raise UserError(
            "no_checkpoint",
            "This run has no checkpoint yet.",
            "Wait for its first minute of training, or train it again.",
        )
    return run
