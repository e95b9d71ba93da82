"""Rebuild the index from the folders of the datasets, runs and exports that can be read."""

import contextlib
import json
import time
from pathlib import Path
from typing import Any

from gan_core.jobs.queue import LANES
from gan_core.storage.store import Store
from gan_core.storage.workspace import ID, Workspace, new_id, read_json


def rebuild(store: Store, workspace: Workspace) -> dict[str, int]:
    """Add what is missing to the index and remove what has no folder. Returns the numbers of datasets, runs and exports."""
    found = {
        kind: readable(workspace.root / kind, file)
        for kind, file in (("datasets", "dataset.json"), ("runs", "config.json"), ("exports", "export.json"))
    }
    for id, (folder, value) in found["datasets"].items():
        if not store.query("SELECT 1 FROM datasets WHERE id = ?", id):
            store.add_dataset(id, value["name"], folder.stat().st_mtime)
    for id, (folder, value) in found["runs"].items():
        known = store.query("SELECT name FROM runs WHERE id = ?", id)
        if not known:
            store.add_run(id, value["name"], value["dataset"], value["config"], value["created_at"], value.get("sweep"))
        elif known[0]["name"] != value["name"]:  # the process that renamed it was killed before it wrote the index
            store.rename_run(id, value["name"])
        if store.latest_job("train", id) is None:
            status = read_json(folder / "status.json") or {}
            phase = str(status.get("phase"))
            state = phase if phase in ("finished", "stopped") else "interrupted"
            add_job(store, "train", id, {}, state, status or None)
        for result in sorted((folder / "evaluations").glob("j*/result.json")):
            if ID.match(result.parent.name) and not store.query("SELECT 1 FROM jobs WHERE id = ?", result.parent.name):
                add_job(store, "evaluate", id, {}, "finished", read_json(result), result.parent.name)
        for result in sorted((folder / "utility").glob("j*.json")):
            if ID.match(result.stem) and not store.query("SELECT 1 FROM jobs WHERE id = ?", result.stem):
                add_job(store, "utility", id, {}, "finished", read_json(result), result.stem)
    for id, (_, value) in found["exports"].items():
        kind = (
            "export_model" if value.get("kind") in ("export_model", "share") else "export"
        )  # share: until version 0.1
        if store.latest_job(kind, id) is None:
            add_job(store, kind, id, {"run": value["run"], "dataset": value.get("dataset")}, "finished", value)
    with store.transaction() as db:
        for table in ("datasets", "runs"):
            for row in db.execute(f"SELECT id FROM {table}").fetchall():
                if row["id"] not in found[table]:
                    db.execute(f"DELETE FROM {table} WHERE id = ?", (row["id"],))
    return {kind: len(entries) for kind, entries in found.items()}


def readable(folder: Path, file: str) -> dict[str, tuple[Path, dict[str, Any]]]:
    """{id: (folder, JSON)} of every folder whose JSON can be read."""
    entries = {}
    for path in sorted(folder.iterdir()):
        with contextlib.suppress(ValueError, OSError):
            if ID.match(path.name) and (value := read_json(path / file)) is not None:
                entries[path.name] = (path, value)
    return entries


def add_job(
    store: Store, kind: str, subject: str, payload: dict, state: str, result: dict | None, id: str | None = None
) -> None:
    with store.transaction() as db:
        db.execute(
            "INSERT INTO jobs (id, kind, lane, subject, payload, state, progress, result, created_at, finished_at) "
            "VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
            (
                id or new_id("job"),
                kind,
                LANES[kind],
                subject,
                json.dumps(payload),
                state,
                json.dumps(result),
                time.time(),
                time.time(),
            ),
        )
