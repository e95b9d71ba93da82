"""The command line: the same jobs as the pages, for scripts, tests and clusters.

Exit 0 done, 1 a job failed, 2 the request was wrong. With --json the last line of stdout is one JSON object. Errors are one
sentence and a next step on stderr.
"""

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gan_core.actions import resume_lost
from gan_core.cli import datasets, evaluation, export, generation, runs, sweep, system
from gan_core.cli.common import Call, context, refuse
from gan_core.cli.improve import improve
from gan_core.cli.lab import lab
from gan_core.cli.link import link
from gan_core.cli.run import run
from gan_core.errors import UserError
from gan_core.jobs import supervisor
from gan_core.jobs.open_index import busy, open_index
from gan_core.storage import full_disk
from gan_core.storage.index_file import is_locked
from gan_core.storage.workspace import Workspace, default_workspace
from gan_core.system import floors

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Ganvas: grow an image dataset with a GAN. The same jobs as the app, without a browser.",
)
VERBS: dict[str, Callable[..., None]] = {
    "import": datasets.import_,
    "inspect": datasets.inspect,
    "curate": datasets.curate,
    "datasets": datasets.datasets,
    "runs": runs.runs,
    "recipes": runs.recipes_,
    "show": system.show,
    "train": runs.train,
    "sweep": sweep.sweep,
    "sweeps": sweep.sweeps,
    "stop": runs.stop,
    "pause": runs.pause,
    "resume": runs.resume,
    "rename": runs.rename,
    "delete": runs.delete,
    "undelete": runs.undelete,
    "sample": generation.sample,
    "walk": generation.walk,
    "timelapse": generation.timelapse,
    "evaluate": evaluation.evaluate,
    "utility": evaluation.utility,
    "improve": improve,
    "detect": evaluation.detect,
    "export": export.export,
    "export-model": export.export_model,
    "demo": export.demo,
    "repair": system.repair,
    "clean": system.clean,
    "support-bundle": system.support_bundle,
    "lab": lab,
    "link": link,
}
for verb, function in VERBS.items():
    app.command(verb)(function)
VERBS["run"] = run
app.command("run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(run)


@app.callback(invoke_without_command=True)
def before_a_verb(
    typed: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(help="Folder that holds everything; default: $GANVAS_WORKSPACE, or that of this installation."),
    ] = None,
) -> None:
    if typed.invoked_subcommand is None and not Call.alone_starts:
        print(typed.get_help())
        raise typer.Exit(2)
    Call.workspace = Workspace(workspace) if workspace else default_workspace()
    if typed.invoked_subcommand in (None, "run"):  # the server opens the index itself
        return None if typed.invoked_subcommand else run(typed)
    if os.environ.get("RANK", "0") != "0":  # a process of torchrun other than rank 0
        from gan_core.jobs.handlers.train import follow

        follow(Call.workspace)
        raise typer.Exit
    Call.store = open_index(Call.workspace, told=lambda said: print(f"note: {said}", file=sys.stderr))
    lost = supervisor.reconcile(Call.store)
    Call.lost = frozenset(job.id for job in lost)
    resume_lost(context(here=False), lost)


def ganvas() -> None:
    """The command `ganvas`: without a verb it starts the app."""
    Call.alone_starts = True
    sys.argv[1:] = sys.argv[1:] or ["run"]
    main()


def main() -> None:
    try:
        floors.check()
        app()
    except UserError as error:
        refuse(error)
    except (
        OSError,
        sqlite3.DatabaseError,
    ) as error:  # a disk that is full or may not be written, an index that does not answer
        if is_locked(error):
            refuse(busy(), 1)
        if (behind := full_disk.as_os_error(error)) is None:
            raise
        folder = Call.workspace.root if hasattr(Call, "workspace") else Path.cwd()
        refuse(full_disk.obstacle(behind, Path(behind.filename).parent if behind.filename else folder), 1)
