"""The verbs about sweeps: sweep queues a table of runs, sweeps lists them with mean and spread."""

import json
from typing import Annotated, Any

import typer

from gan_core import actions
from gan_core.cli.common import Call, Json, context, say
from gan_core.cli.lookup import DatasetId
from gan_core.cli.options import Given, with_options
from gan_core.cli.runs import key_and_text, start_of
from gan_core.errors import UserError
from gan_core.requests import SweepRequest
from gan_core.settings.from_text import values_of
from gan_core.settings.schema import TrainConfig
from gan_core.text import count
from gan_core.views import run_table
from gan_core.views import sweeps as sweep_view

FIXED = ("epochs", "minutes", "device", "start_from")  # settings with an option of their own, the same in every run
FIELDS = SweepRequest.model_fields


@with_options()
def sweep(
    dataset: DatasetId,
    fixed: Annotated[dict[str, Any], Given(TrainConfig, FIXED)],
    recipe: Annotated[str, typer.Option(help="One recipe or several: quick,balanced.")] = "quick",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=V1,V2", help="A setting and its values, as in --set batch=32,64; repeatable."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help=FIELDS["seeds"].description)] = 1,
    evaluate: Annotated[bool, typer.Option("--evaluate", help=FIELDS["evaluate"].description)] = False,
    name: Annotated[str, typer.Option(help=FIELDS["name"].description)] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many runs there would be.")] = False,
    as_json: Json = False,
) -> None:
    """Queue a table of runs: every recipe with every combination of the values and seeds. Workers train them."""
    if "minutes" in fixed and "epochs" not in fixed:
        fixed["epochs"] = 1_000_000.0  # the minutes alone decide
    if fixed.get("start_from"):
        fixed["start_from"] = start_of(fixed["start_from"])
    request = SweepRequest(
        recipes=tuple(filter(None, map(str.strip, recipe.split(",")))),
        values=dict(map(values, set_ or [])),
        seeds=seeds,
        evaluate=evaluate,
        name=name,
    )
    if twice := sorted(set(fixed) & set(request.values)):
        raise UserError("bad_set", f"{twice[0]} is given twice.", f"Give either --{twice[0]} or --set {twice[0]}=....")
    if dry_run:
        runs = [planned.apart for planned in actions.plan(context(), dataset, request, fixed)]
        say(as_json, {"runs": runs, "total": len(runs)}, f"{count(len(runs), 'run')} would be queued.")
        return
    queued = actions.sweep(context(here=False), dataset, request, fixed)
    found = {"sweep": queued.name, "total": len(queued.jobs), "runs": [job.subject for job in queued.jobs]}
    say(as_json, found, f"Sweep {queued.name!r}: {count(len(queued.jobs), 'run is', 'runs are')} queued.")


def values(pair: str) -> tuple[str, tuple[Any, ...]]:
    """'batch=32,64' -> ('batch', (32, 64)), each value once. Raises UserError bad_set."""
    key, text = key_and_text(pair)
    return key, values_of(key, text)


def sweeps(as_json: Json = False) -> None:
    """List the sweeps: each group of settings with the mean and the spread of its runs' figures."""
    found = sweep_view.sweeps(Call.store, Call.workspace, run_table.rows(Call.store, Call.workspace))
    value = {"sweeps": [sweep_view.as_json(one) for one in found]}
    lines = [line for one in found for line in sweep_view.lines(one)] or ["No sweep yet: queue one with `sweep`."]
    print(json.dumps(value, ensure_ascii=False) if as_json else "\n".join(lines))
