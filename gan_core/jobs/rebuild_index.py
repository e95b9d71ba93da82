"""Rebuild the index from the folders of the datasets, runs and exports that can be read."""

import contextlib
import json
import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gan_core.jobs.queue import LANES
from gan_core.storage import run_lock
from gan_core.storage.run_folder import read_status
from gan_core.storage.store import Run, Store, put_dataset, put_run
from gan_core.storage.workspace import ID, Workspace, new_id, read_json

Facts = dict[str, Any]
OLDER_KINDS = {"share": "export_model"}  # of an export, until version 0.1


class Rebuilt(NamedTuple):
    """How many folders are in the index now. unreadable: those whose description cannot be read, as "runs/<id>"."""

    datasets: int
    runs: int
    exports: int
    unreadable: tuple[str, ...]


def rebuild(store: Store, workspace: Workspace) -> Rebuilt:
    """Add what is missing to the index and remove what has no folder.

    A folder whose description is damaged costs that one only: it is named, and what the index knows of it stays.
    """
    found = {
        "datasets": readable(workspace.root / "datasets", "dataset.json", is_dataset),
        "runs": readable(workspace.root / "runs", "config.json", is_run),
        "exports": readable(workspace.root / "exports", "export.json", lambda facts: "file" in facts),
    }
    with store.transaction() as db:
        for id, (folder, facts) in found["datasets"].items():
            if not known(db, "datasets", id):
                put_dataset(db, id, facts["name"], folder.stat().st_mtime)
        for id, (folder, facts) in found["runs"].items():
            rebuild_run(db, id, folder, facts)
        for id, (_, facts) in found["exports"].items():
            kind = OLDER_KINDS.get(facts.get("kind", ""), facts.get("kind"))
            kind = "export_model" if kind == "export_model" else "export"
            if not has_job(db, kind, id):
                asked = {"run": facts.get("run"), "dataset": facts.get("dataset")}
                add_job(db, kind, id, asked, "finished", facts)
        for table in ("datasets", "runs"):
            for row in db.execute(f"SELECT id FROM {table}").fetchall():
                if not (workspace.root / table / row["id"]).is_dir():
                    db.execute(f"DELETE FROM {table} WHERE id = ?", (row["id"],))
    lost = [
        f"{kind}/{path.name}"
        for kind in found
        for path in folders(workspace.root / kind)
        if path.name not in found[kind]
    ]
    return Rebuilt(len(found["datasets"]), len(found["runs"]), len(found["exports"]), tuple(lost))


def rebuild_run(db: sqlite3.Connection, id: str, folder: Path, facts: Facts) -> None:
    """The row of a run, and of its newest training and its evaluations where there is none."""
    row = db.execute("SELECT name FROM runs WHERE id = ?", (id,)).fetchone()
    if row is None:
        put_run(
            db, Run(id, facts["name"], facts["dataset"], facts["config"], created(folder, facts), facts.get("sweep"))
        )
    elif row["name"] != facts["name"]:  # the process that renamed it was killed before it wrote the index
        db.execute("UPDATE runs SET name = ? WHERE id = ?", (facts["name"], id))
    # Of a run that trains now, its own process puts the row back: see queue.put_back.
    if not has_job(db, "train", id) and not run_lock.is_held(folder):
        status = read_status(folder)
        phase = str(status.get("phase"))
        add_job(db, "train", id, {}, phase if phase in ("finished", "stopped") else "interrupted", status or None)
    for kind, pattern in (("evaluate", "evaluations/j*/result.json"), ("utility", "utility/j*.json")):
        for path in sorted(folder.glob(pattern)):
            job = path.parent.name if kind == "evaluate" else path.stem
            if ID.match(job) and not known(db, "jobs", job) and (result := object_in(path)) is not None:
                add_job(db, kind, id, {}, "finished", result, job)


def created(folder: Path, facts: Facts) -> float:
    at = facts.get("created_at")
    return at if isinstance(at, (int, float)) and math.isfinite(at) else folder.stat().st_mtime


def is_dataset(facts: Facts) -> bool:
    return isinstance(facts.get("name"), str) and isinstance(facts.get("classes"), list)


def is_run(facts: Facts) -> bool:
    return all(isinstance(facts.get(key), kind) for key, kind in (("name", str), ("dataset", str), ("config", dict)))


def folders(place: Path) -> Iterator[Path]:
    """The folders of a kind that have an id, in the order of the ids."""
    return (path for path in sorted(place.iterdir()) if ID.match(path.name) and path.is_dir())


def readable(place: Path, file: str, is_whole: Callable[[Facts], bool]) -> dict[str, tuple[Path, Facts]]:
    """{id: (folder, JSON)} of every folder whose JSON can be read and has what it must have."""
    found = ((path, object_in(path / file)) for path in folders(place))
    return {path.name: (path, facts) for path, facts in found if facts is not None and is_whole(facts)}


def object_in(path: Path) -> Facts | None:
    """The JSON object in a file; None where there is none, or another value."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        value = read_json(path)
        return value if isinstance(value, dict) else None
    return None


def known(db: sqlite3.Connection, table: str, id: str) -> bool:
    return db.execute(f"SELECT 1 FROM {table} WHERE id = ?", (id,)).fetchone() is not None


def has_job(db: sqlite3.Connection, kind: str, subject: str) -> bool:
    return db.execute("SELECT 1 FROM jobs WHERE kind = ? AND subject = ?", (kind, subject)).fetchone() is not None


def add_job(
    db: sqlite3.Connection,
    kind: str,
    subject: str,
    payload: Facts,
    state: str,
    result: Facts | None,
    id: str | None = None,
) -> None:
    """The row of a job that has ended."""
    now = time.time()
    values = (id or new_id("job"), kind, LANES[kind], subject, json.dumps(payload), state, json.dumps(result), now, now)
    db.execute(
        "INSERT INTO jobs (id, kind, lane, subject, payload, state, progress, result, created_at, finished_at) "
        "VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
        values,
    )
