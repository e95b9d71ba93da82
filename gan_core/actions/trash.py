"""Delete runs, datasets and exports, and restore them: the whole folder moves into trash/ and back.

What is in trash/ counts as deleted. Its jobs stay in the index, so that what is restored has its scores and its state again. What
was made from it (runs, exports and curated datasets of a dataset, exports of a run) is listed, and stays unless it is named too.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gan_core.actions.context import Context
from gan_core.errors import UserError
from gan_core.jobs.rebuild_index import created, object_in
from gan_core.storage import cleanup
from gan_core.storage.store import LIVE, Dataset, Run, put_dataset, put_run
from gan_core.storage.workspace import ID, check_id, write_json

NOTE = cleanup.DELETED_NOTE
KINDS = {"d": "dataset", "r": "run", "e": "export"}  # by the first letter of an id
DESCRIPTIONS = {"dataset": "dataset.json", "run": "config.json", "export": "export.json"}


class Thing(NamedTuple):
    """Something that can be deleted. kind: a value of KINDS."""

    kind: str
    id: str
    name: str


class Deleted(NamedTuple):
    """Something in the trash. dataset_id: its own, or of the dataset that it was made from; '' where that is not known."""

    id: str
    name: str
    dataset_id: str
    deleted_at: float


def kind_of(id: str) -> str:
    """Raises UserError unknown_id."""
    kind = KINDS.get(id[:1], "run")
    check_id(id, kind)
    return kind


def home(context: Context, id: str) -> Path:
    """Its folder while it is not deleted."""
    return context.workspace.root / f"{kind_of(id)}s" / id


def named(context: Context, id: str) -> Thing:
    """What the id stands for. Raises UserError: unknown_id, deleted_run, deleted_dataset."""
    kind = kind_of(id)
    if kind == "run":
        return Thing(kind, id, context.store.run(id).name)
    if kind == "dataset":
        return Thing(kind, id, context.store.dataset(id).name)
    if not home(context, id).is_dir():
        raise UserError("unknown_id", "There is no such export.", "Pick one from the list.")
    facts = object_in(home(context, id) / DESCRIPTIONS[kind]) or {}
    return Thing(kind, id, str(facts.get("file", "an export")))


# -- what was made from something ----------------------------------------------------------------------------------------------


def derived(context: Context, id: str) -> list[Thing]:
    """Everything that was made from a dataset or a run and is not deleted, directly or by way of something that is listed too."""
    found: dict[str, Thing] = {}
    waiting = [id]
    while waiting:
        for thing in made_from(context, waiting.pop()):
            if thing.id not in found and thing.id != id:
                found[thing.id] = thing
                waiting.append(thing.id)
    return list(found.values())


def made_from(context: Context, id: str) -> Iterator[Thing]:
    """The runs of a dataset and the datasets that were curated from it; the exports of either; the runs that began with a run."""
    for run in context.store.runs():
        if run.dataset_id == id or run.config.get("start_from") == id:
            yield Thing("run", run.id, run.name)
    for dataset in context.store.datasets():
        facts = object_in(context.workspace.dataset(dataset.id) / DESCRIPTIONS["dataset"]) or {}
        source = facts.get("source")
        if isinstance(source, dict) and source.get("parent") == id:
            yield Thing("dataset", dataset.id, dataset.name)
    for kind in ("export", "export_model"):
        for job in context.store.jobs(kind=kind, states=("finished",), limit=100_000):
            if id in (job.payload.get("run"), job.payload.get("dataset")) and home(context, job.subject).is_dir():
                yield named(context, job.subject)


# -- deleting and restoring ----------------------------------------------------------------------------------------------------


def delete(context: Context, id: str, *, with_derived: bool = False) -> list[Thing]:
    """Move it into the trash, and what was made from it where that is asked for. Returns what was deleted.

    Raises UserError run_in_use or in_use, and deletes nothing, while a job needs any of it.
    """
    things = [named(context, id), *(derived(context, id) if with_derived else ())]
    with context.store.transaction() as db:  # so that no job can be queued for it while its folder moves
        for thing in things:
            refuse_in_use(db, thing)
        for thing in things:
            throw_away(context, db, thing)
    return things


def refuse_in_use(db: sqlite3.Connection, thing: Thing) -> None:
    busy = db.execute(
        f"SELECT kind, subject FROM jobs j WHERE state IN {LIVE} AND (subject = :id OR instr(payload, :id) "
        "OR EXISTS (SELECT 1 FROM runs r WHERE (r.dataset_id = :id AND (r.id = j.subject OR instr(j.payload, r.id))) "
        "OR (r.id = j.subject AND json_extract(r.config, '$.start_from') = :id)))",
        {"id": thing.id},
    ).fetchone()
    if busy is not None:
        training = (busy["kind"], busy["subject"]) == ("train", thing.id)
        what = "is training or waiting" if training else f"is in use by a job ({busy['kind']})"
        what, todo = f"{thing.name!r} {what}, so it was not deleted.", "Stop it first, then delete it."
        raise UserError("run_in_use", what, todo) if thing.kind == "run" else UserError("in_use", what, todo)


def throw_away(context: Context, db: sqlite3.Connection, thing: Thing) -> None:
    folder, trashed = home(context, thing.id), context.workspace.trashed(thing.id)
    note: dict[str, Any] = {"deleted_at": time.time(), "name": thing.name}
    if thing.kind != "export":
        row = db.execute(f"SELECT created_at FROM {thing.kind}s WHERE id = ?", (thing.id,)).fetchone()
        note |= {"created_at": row["created_at"]} if row else {}
        db.execute(f"DELETE FROM {thing.kind}s WHERE id = ?", (thing.id,))
    with contextlib.suppress(FileNotFoundError):  # a row whose folder was removed by hand
        os.replace(folder, trashed)
        write_json(trashed / NOTE, note)


def undelete(context: Context, id: str) -> Run | Dataset | Thing:
    """Restore it with everything that it had. Raises UserError not_in_trash."""
    kind, source = kind_of(id), context.workspace.trashed(id)
    facts, note = object_in(source / DESCRIPTIONS[kind]), object_in(source / NOTE) or {}
    if facts is None:
        what = f"There is no such deleted {kind}."
        raise UserError("not_in_trash", what, "It is back already, or the trash was emptied.")
    at = created(source, note if "created_at" in note else facts)
    # Inside a transaction, so that the trash is not cleaned meanwhile; another tab may have been first.
    with context.store.transaction() as db, contextlib.suppress(FileNotFoundError):
        os.replace(source, home(context, id))
        (home(context, id) / NOTE).unlink(missing_ok=True)
        if kind == "run":
            put_run(db, Run(id, facts["name"], facts["dataset"], facts["config"], at, facts.get("sweep")))
        elif kind == "dataset":
            put_dataset(db, id, facts["name"], at)
    if kind == "run":
        return context.store.run(id)
    return context.store.dataset(id) if kind == "dataset" else named(context, id)


def deleted(context: Context, kind: str = "run") -> list[Deleted]:
    """What is in the trash of a kind, a value of KINDS, or '' for all; the last deleted first."""
    found = []
    for folder in (context.workspace.root / "trash").iterdir():
        if not ID.match(folder.name) or kind not in ("", KINDS.get(folder.name[0])):
            continue
        if (facts := object_in(folder / DESCRIPTIONS[kind_of(folder.name)])) is not None:
            note = object_in(folder / NOTE) or {}
            name = note.get("name") or facts.get("name") or facts.get("file") or folder.name
            of = folder.name if folder.name[0] == "d" else facts.get("dataset") or ""
            at = note.get("deleted_at") or folder.stat().st_ctime
            found.append(Deleted(folder.name, str(name), str(of), float(at)))
    return sorted(found, key=lambda one: (-one.deleted_at, one.id))
