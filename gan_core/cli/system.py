"""The verbs about the workspace as a whole: show, repair, clean, support-bundle."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gan_core import actions
from gan_core.cli.common import Call, Json, context, run_state, say
from gan_core.cli.lookup import AnyId
from gan_core.cli.output import check_out, writes
from gan_core.data.dataset import read_info
from gan_core.errors import UserError
from gan_core.jobs import open_index
from gan_core.jobs.rebuild_index import rebuild
from gan_core.storage import cleanup
from gan_core.storage.run_folder import read_status
from gan_core.storage.workspace import atomic_write
from gan_core.system import support_bundle as support
from gan_core.views import summaries

SHOWN_OF_DATASET = (
    "size",
    "mode",
    "classes",
    "train_counts",
    "validation_counts",
    "test_counts",
    "source",
    "health",
    "notices",
)


def show(id: AnyId, as_json: Json = False) -> None:
    """Show all that is known about a dataset, run, job or export."""
    store, workspace = Call.store, Call.workspace
    value: dict[str, Any]
    if id.startswith("d"):
        dataset = store.dataset(id)
        info = read_info(workspace.dataset(id))
        value = {
            "id": id,
            "kind": "dataset",
            "state": "finished",
            "name": dataset.name,
            **{key: info.to_json()[key] for key in SHOWN_OF_DATASET},
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
            **read_status(workspace.run(id)),
            "pid": job.pid if job else None,
            "error": job.error if job else None,
        }
    else:
        job = (
            store.latest_job("export", id) or store.latest_job("export_model", id)
            if id.startswith("e")
            else store.job(id)
        )
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
    say(as_json, value, summaries.item(value))


def repair(as_json: Json = False) -> None:
    """Rebuild the index from the folders of the workspace."""
    found = open_index.mend(Call.workspace) or rebuild(Call.store, Call.workspace)
    open_index.dismiss(Call.workspace)
    lines = [f"Found {found.datasets} datasets, {found.runs} runs and {found.exports} exports."]
    lines += [f"{folder} cannot be read, and was left as it is." for folder in found.unreadable]
    say(as_json, found._asdict(), "\n".join(lines))


def clean(
    what: Annotated[
        str, typer.Option(metavar="KINDS", help=f"What to remove, separated by commas: {', '.join(cleanup.KINDS)}.")
    ],
    older_than: Annotated[
        float, typer.Option("--older-than", metavar="DAYS", help="Remove exports that are at least so many days old.")
    ] = cleanup.EXPORT_DAYS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: Json = False,
) -> None:
    """Free disk space: old checkpoints, old exports, the feature cache, leftovers, the trash. A live run is never touched."""
    kinds = [kind.strip() for kind in what.split(",") if kind.strip()]
    freed = actions.clean(context(), kinds, days=older_than, dry_run=dry_run)
    verb = "would be removed" if dry_run else "removed"
    lines = [
        f"{cleanup.KINDS[kind].title}: {found.pieces:,} {verb}, {found.bytes / 1e6:,.1f} MB. {found.why_not}".rstrip()
        for kind, found in freed.items()
    ]
    total = sum(found.bytes for found in freed.values())
    value = {"dry_run": dry_run, "bytes": total, "what": {kind: found._asdict() for kind, found in freed.items()}}
    say(as_json, value, "\n".join(lines))


@writes
def support_bundle(
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path(support.FILE),
    as_json: Json = False,
) -> None:
    """Write a zip that helps to explain a fault: versions, settings, logs, jobs. No images, names or paths."""
    check_out(out)
    content = support.bundle(Call.store, Call.workspace)
    atomic_write(out.absolute(), lambda file: file.write(content))
    say(
        as_json,
        {"out": str(out), "bytes": len(content)},
        f"{out}: {len(content):,} bytes. Read it before you send it.",
    )
