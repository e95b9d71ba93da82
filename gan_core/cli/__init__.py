"""The command line: the same jobs as the pages, for scripts, tests and clusters.

Exit 0 done, 1 a job failed, 2 the request was wrong. With --json the last line of stdout is one JSON object. Errors are one
sentence and a next step on stderr.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gan_core import jobs
from gan_core.cli import curating, drawing, listing, results, tidying, training, upkeep
from gan_core.cli.common import Context, refuse
from gan_core.cli.lab import lab
from gan_core.errors import UserError
from gan_core.store import Store
from gan_core.workspace import Workspace, default_workspace

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Ganvas: grow an image dataset with a GAN. The same jobs as the app, without a browser.",
)
VERBS: dict[str, Callable[..., None]] = {
    "import": training.import_,
    "inspect": curating.inspect,
    "curate": curating.curate,
    "datasets": listing.datasets,
    "runs": listing.runs,
    "recipes": listing.recipes_,
    "show": listing.show,
    "train": training.train,
    "stop": training.stop,
    "pause": training.pause,
    "resume": training.resume,
    "rename": tidying.rename,
    "delete": tidying.delete,
    "undelete": tidying.undelete,
    "sample": results.sample,
    "walk": drawing.walk,
    "timelapse": drawing.timelapse,
    "evaluate": results.evaluate,
    "utility": results.utility,
    "detect": results.detect,
    "export": results.export,
    "export-model": results.export_model,
    "demo": results.demo,
    "repair": listing.repair,
    "clean": upkeep.clean,
    "support-bundle": upkeep.support_bundle,
    "lab": lab,
}
for verb, function in VERBS.items():
    app.command(verb)(function)


@app.callback()
def before_a_verb(
    workspace: Annotated[
        Path | None, typer.Option(help="Folder that holds everything; default workspace/ beside app.py.")
    ] = None,
):
    Context.workspace = Workspace(workspace) if workspace else default_workspace()
    if os.environ.get("RANK", "0") != "0":  # one of several that torchrun started, and not the one that leads
        from gan_core.handlers.training import follow

        follow(Context.workspace)
        raise typer.Exit
    Context.store = Store(Context.workspace)
    jobs.reconcile(Context.store)


def main() -> None:
    try:
        app()
    except UserError as error:
        refuse(error)
