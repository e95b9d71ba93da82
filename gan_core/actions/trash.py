"""Delete runs and restore them: the folder of a run moves into trash/ and back.

A run counts as deleted while its folder is in trash/. Its jobs stay in the index, so that a restored run has its scores and its
state again. Exports have folders of their own and are not touched.
"""

import contextlib
import os
import time
from typing import NamedTuple

from gan_core.actions.context import Context
from gan_core.errors import UserError
from gan_core.storage.store import LIVE, Run, put_run
from gan_core.storage.workspace import ID, read_json, write_json

NOTE = "deleted.json"


class Deleted(NamedTuple):
    """A run in the trash."""

    id: str
    name: str
    dataset_id: str
    deleted_at: float


def delete(context: Context, run_id: str) -> Run:
    """Move a run into the trash. Raises UserError run_in_use while a job needs it."""
    run, folder = context.store.run(run_id), context.workspace.run(run_id)
    with context.store.transaction() as db:  # so that no job can be queued for the run while its folder moves
        busy = db.execute(
            f"SELECT kind, subject FROM jobs WHERE state IN ({', '.join('?' * len(LIVE))}) "
            "AND (subject = ? OR json_extract(payload, '$.run') = ? "
            "OR subject IN (SELECT id FROM runs WHERE json_extract(config, '$.start_from') = ?))",
            (*LIVE, run.id, run.id, run.id),
        ).fetchone()
        if busy is None:
            db.execute("DELETE FROM runs WHERE id = ?", (run.id,))
            with contextlib.suppress(FileNotFoundError):  # a row whose folder was removed by hand
                os.replace(folder, context.workspace.trashed(run.id))
                write_json(context.workspace.trashed(run.id) / NOTE, {"deleted_at": time.time()})
    if busy is not None:
        training = (busy["kind"], busy["subject"]) == ("train", run.id)
        what = "is training or waiting" if training else f"is in use by a job ({busy['kind']})"
        raise UserError("run_in_use", f"{run.name!r} {what}, so it was not deleted.", "Stop it first, then delete it.")
    return run


def undelete(context: Context, run_id: str) -> Run:
    """Restore a deleted run with everything that it had. Raises UserError not_in_trash."""
    source = context.workspace.trashed(run_id)
    facts = read_json(source / "config.json")
    if facts is None:
        raise UserError(
            "not_in_trash", "There is no such deleted run.", "It is back already, or the trash was emptied."
        )
    created_at = facts.get("created_at") or (source / "config.json").stat().st_mtime
    # Inside a transaction, so that the trash is not cleaned meanwhile; another tab may have been first.
    with context.store.transaction() as db, contextlib.suppress(FileNotFoundError):
        os.replace(source, context.workspace.run(run_id))
        (context.workspace.run(run_id) / NOTE).unlink(missing_ok=True)
        put_run(db, Run(run_id, facts["name"], facts["dataset"], facts["config"], created_at, facts.get("sweep")))
    return context.store.run(run_id)


def deleted(context: Context) -> list[Deleted]:
    """The runs in the trash, the last deleted first."""
    found = []
    for folder in (context.workspace.root / "trash").iterdir():
        with contextlib.suppress(ValueError, OSError):
            facts = read_json(folder / "config.json") if ID.match(folder.name) else None
            if facts is not None:
                at = (read_json(folder / NOTE) or {}).get("deleted_at") or folder.stat().st_ctime
                found.append(Deleted(folder.name, facts["name"], facts["dataset"], at))
    return sorted(found, key=lambda run: (-run.deleted_at, run.id))
