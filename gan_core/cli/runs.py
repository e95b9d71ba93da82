"""The verbs that put runs in order: rename, delete, undelete."""

from gan_core import actions
from gan_core.cli.common import Json, context, say
from gan_core.cli.names import DeletedIds, RunId, RunIds


def rename(run: RunId, name: str, as_json: Json = False):
    """Give a run another name."""
    renamed = actions.rename(context(), run, name)
    say(as_json, {"run": run, "name": renamed.name}, f"Run {run} is now {renamed.name!r}.")


def delete(runs: RunIds, as_json: Json = False):
    """Delete runs; `undelete` brings them back."""
    for run in runs:
        actions.delete(context(), run)
    text = f"Deleted {', '.join(runs)}. Back with: undelete {' '.join(runs)}, until the trash is cleaned."
    say(as_json, {"runs": runs}, text)


def undelete(runs: DeletedIds, as_json: Json = False):
    """Bring deleted runs back; `runs --deleted` lists them."""
    names = {run: actions.undelete(context(), run).name for run in runs}
    say(as_json, {"runs": names}, "\n".join(f"Run {id} is back: {name}." for id, name in names.items()))
