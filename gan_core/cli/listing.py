"""The verbs that tell what is there: datasets, runs, recipes, show; and repair, which finds it again."""

import json
import time
from typing import Annotated, Any

import typer

from gan_core import actions
from gan_core.cli.common import Call, Json, context, run_state, say
from gan_core.cli.names import AnyId
from gan_core.errors import UserError
from gan_core.jobs.repair import rebuild
from gan_core.settings import recipes
from gan_core.storage.workspace import read_json


def datasets(as_json: Json = False):
    """List the datasets."""
    rows = [{"id": d.id, "name": d.name} for d in Call.store.datasets()]
    say(
        as_json,
        {"datasets": rows},
        "\n".join(f"{row['id']}  {row['name']}" for row in rows) or "No dataset yet: import one.",
    )


def runs(
    deleted: Annotated[bool, typer.Option("--deleted", help="Those in the trash instead.")] = False,
    as_json: Json = False,
):
    """List the runs."""
    if deleted:
        trash = [run._asdict() for run in actions.deleted(context())]
        lines = [
            f"{run['id']}  deleted {time.strftime('%Y-%m-%d %H:%M', time.localtime(run['deleted_at']))}  {run['name']}"
            for run in trash
        ]
        say(as_json, {"runs": trash}, "\n".join(lines) or "Nothing is deleted.")
        return
    rows = [{"id": r.id, "name": r.name, "dataset": r.dataset_id, "state": run_state(r.id)} for r in Call.store.runs()]
    say(
        as_json,
        {"runs": rows},
        "\n".join(f"{row['id']}  {row['state']:<12} {row['name']}" for row in rows) or "No run yet: train one.",
    )


def recipes_(as_json: Json = False):
    """List the recipes."""
    rows = [
        {
            "name": name,
            "title": r.title,
            "sentence": r.sentence,
            "shortfall": r.shortfall,
            "sizes": list(r.sizes),
            "source": r.source,
        }
        for name, r in recipes.RECIPES.items()
    ]
    say(as_json, {"recipes": rows}, "\n".join(f"{row['name']:<18} {row['sentence']}" for row in rows))


def show(id: AnyId, as_json: Json = False):
    """Everything known about a dataset, run, job or export."""
    store, workspace = Call.store, Call.workspace
    value: dict[str, Any]
    if id.startswith("d"):
        dataset = store.dataset(id)
        info = read_json(workspace.dataset(id) / "dataset.json")
        value = {
            "id": id,
            "kind": "dataset",
            "state": "finished",
            "name": dataset.name,
            **{k: info[k] for k in ("size", "mode", "classes", "train_counts", "test_counts", "health", "notices")},
        }
    elif id.startswith("r"):
        run, job = store.run(id), store.latest_job("train", id)
        value = {
            "id": id,
            "kind": "run",
            "state": run_state(id),
            "name": run.name,
            "dataset": run.dataset_id,
            "config": run.config,
            "images_seen": 0,
            **(read_json(workspace.run(id) / "status.json") or {}),
            "pid": job.pid if job else None,
            "error": job.error if job else None,
        }
    else:
        job = store.latest_job("export", id) or store.latest_job("export_model", id) if id.startswith("e") else store.job(id)
        if job is None:
            raise UserError("unknown_id", "There is no such export.", "Pick one from the list.")
        value = {
            "id": id,
            "kind": job.kind,
            "state": job.state,
            "subject": job.subject,
            "progress": job.progress,
            "pid": job.pid,
            "result": job.result,
            "error": job.error,
        }
    say(as_json, value, json.dumps(value, indent=2, ensure_ascii=False))


def repair(as_json: Json = False):
    """Rebuild the index from the folders, which are the truth."""
    counts = rebuild(Call.store, Call.workspace)
    say(as_json, counts, f"Found {counts['datasets']} datasets, {counts['runs']} runs and {counts['exports']} exports.")
