"""What becomes of a job whose process is gone: finished where its result is there, else interrupted; what it left is removed.

An import or an export appears by one rename. One that was killed between that rename and the index is whole, and only the index has
to hear of it.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_core.data.dataset import read_info
from gan_core.errors import UserError
from gan_core.jobs import failures, queue
from gan_core.jobs.rebuild_index import object_in
from gan_core.storage import run_lock
from gan_core.storage.store import COLUMNS, Job, Store, as_job, put_dataset
from gan_core.storage.workspace import Workspace, is_locked

UPLOAD = "upload:"
TEMPORARY = "*.tmp-*"  # of workspace.atomic_write


def settle(store: Store, workspace: Workspace, job: Job) -> None:
    """End a running job whose process is gone, unless another attempt has taken over, and remove what it left."""
    error, found = failures.loss(store, job), result(workspace, job)
    with store.transaction() as db:
        now = as_job(db.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job.id,)).fetchone())
        if now.state != "running" or now.attempt != job.attempt:
            return
        if found is None:
            queue.end(db, job.id, "interrupted", error=error)
        else:
            if job.kind in ("import", "curate"):
                folder = workspace.dataset(job.subject)
                put_dataset(db, job.subject, read_info(folder).name, folder.stat().st_mtime)
            queue.end(db, job.id, "finished", result=found)
    for path in leftovers(workspace, job, found is not None):
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def result(workspace: Workspace, job: Job) -> dict[str, Any] | None:
    """What the job would have returned, from the folder that it made; None where it did not come so far."""
    with contextlib.suppress(UserError, OSError, ValueError):
        if job.kind in ("import", "curate"):
            info = read_info(workspace.dataset(job.subject))
            counts = dict(zip(info.classes, info.totals, strict=True))
            return {
                "dataset": job.subject,
                "images": sum(info.totals),
                "classes": counts,
                "rejected": info.rejected,
                "notices": info.notices,
                **({"parent": job.payload.get("parent")} if job.kind == "curate" else {}),
            }
        if job.kind in ("export", "export_model"):
            return object_in(workspace.export(job.subject) / "export.json")
        if job.kind == "evaluate":
            return object_in(workspace.run(job.subject) / "evaluations" / job.id / "result.json")
        if job.kind == "utility":
            return object_in(workspace.run(job.subject) / "utility" / f"{job.id}.json")
    return None


def leftovers(workspace: Workspace, job: Job, finished: bool) -> Iterator[Path]:
    """What a dead process left: its unfinished folder in staging, half-written files of its run, the rest of an upload."""
    for name in (job.subject, job.id):
        for path in (workspace.root / "staging").glob(f"{name}-*"):
            with contextlib.suppress(OSError):
                if not is_locked(path):
                    yield path
    source = str(job.payload.get("source", ""))
    with contextlib.suppress(UserError):
        if finished and job.kind == "import" and source.startswith(UPLOAD):  # its zip has moved into the dataset
            yield workspace.upload(source.removeprefix(UPLOAD))
        if job.subject.startswith("r") and not run_lock.is_held(workspace.run(job.subject)):
            yield from workspace.run(job.subject).rglob(TEMPORARY)
