"""The verbs about runs: train, stop, pause, resume, runs, recipes, rename, delete, undelete."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from gan_core import actions
from gan_core.cli import completion
from gan_core.cli.common import Call, Json, carry_out, context, refuse, run_state, say
from gan_core.cli.datasets import print_notes
from gan_core.cli.lookup import DatasetId, DeletableIds, DeletedIds, RunId, RunIds, run_id
from gan_core.cli.options import Given, with_options
from gan_core.data.dataset import DatasetInfo, read_info
from gan_core.errors import UserError
from gan_core.jobs import devices, supervisor
from gan_core.settings import recipes
from gan_core.settings.from_text import value_of
from gan_core.settings.recipes import on_cpu
from gan_core.settings.schema import TrainConfig, build, names_file
from gan_core.settings.training_size import sentence
from gan_core.text import no_such

OPTIONS = ("epochs", "minutes", "seed", "device", "start_from")  # settings that have an option of their own


@with_options()
def train(
    dataset: DatasetId,
    given: Annotated[dict[str, Any], Given(TrainConfig, OPTIONS)],
    recipe: Annotated[
        str,
        typer.Option(
            help="A name that `recipes` lists, or auto, which chooses one and says why.",
            autocompletion=completion.recipe_names,
        ),
    ] = "quick",
    images: Annotated[int | None, typer.Option(help="Images to show, instead of epochs.")] = None,
    name: Annotated[str, typer.Option(help="Name of the run.")] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Another setting, as in --set batch=32.",
            autocompletion=completion.setting_names,
        ),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Leave the training to a worker and return at once.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a run. Ctrl-C stops it and keeps what was learnt."""
    info = read_info(Call.workspace.dataset(Call.store.dataset(dataset).id))
    if images is not None:
        given["epochs"] = images / sum(info.train_counts)
    elif "minutes" in given and "epochs" not in given:
        given["epochs"] = 1_000_000.0  # the minutes alone decide
    values, reasons = start_values(recipe, info, given)
    values |= given | dict(map(setting, set_ or []))
    if values["start_from"]:
        values["start_from"] = start_of(values["start_from"])
    settings = build(values)
    for said in filter(None, (sentence(settings, info.size), cpu_notice(settings, info))):
        print_notes([said])
        reasons = [*reasons, said]
    job = actions.train(context(here=not detach), dataset, settings, name=name)
    asked = {"run": job.subject, "recipe": values["recipe"], "reasons": reasons}
    if detach:
        say(as_json, {**asked, "state": job.state, "images_seen": 0}, f"Run {job.subject} is queued.")
        return
    result = {**asked, **carry_out(job)}
    said = f"Run {job.subject} {result['state']}: {result.get('images_seen', 0):,} images shown. {result.get('why_ended', '')}"
    say(as_json, result, said.strip())


def start_of(text: str) -> str:
    """A file's absolute path, so that a worker finds it, or the id of a run."""
    return str(Path(text).expanduser().absolute()) if names_file(text) else str(run_id(text))


def start_values(recipe: str, info: DatasetInfo, given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """(the settings of a recipe for this dataset, why auto chose them)."""
    if recipe == "auto":
        found = actions.suggest(info, device_of(given.get("device", "auto")), given.get("minutes"))
        print_notes(found.reasons)
        return found.settings.model_dump(), found.reasons
    if recipe not in recipes.RECIPES:
        raise UserError(
            "unknown_recipe",
            no_such("recipe", recipe, ("auto", *recipes.RECIPES)),
            f"Choose auto or one of {', '.join(recipes.RECIPES)}.",
        )
    budget = {name: given.get(name) for name in ("minutes", "epochs")}
    gpu = given.get("device", "auto") != "cpu" and actions.likely_device(context()) == "cuda"
    own = recipes.start(recipe, size=info.size, train_images=sum(info.train_counts), gpu=gpu, **budget)
    return own.model_dump(), []


def device_of(wanted: str) -> str:
    """ "cpu" or "cuda": where a run will train. Raises UserError no_gpu.

    torch is not asked where a worker has found GPUs: it would bind this process to all of them before it is given one.
    """
    if wanted != "cpu" and devices.detected(Call.workspace) and actions.likely_device(context()) == "cuda":
        return "cuda"
    from gan_core.training.device import choose

    return choose(wanted).type


def cpu_notice(settings: TrainConfig, info: DatasetInfo) -> str:
    """What a recipe for a GPU says where the run will be on a CPU; torch is loaded only for such a recipe."""
    said = on_cpu.notice(settings, info.size, sum(info.train_counts))
    return said if said and device_of(settings.device) == "cpu" else ""


def setting(pair: str) -> tuple[str, Any]:
    """'batch=32' -> ('batch', 32). Raises UserError bad_set."""
    key, text = key_and_text(pair)
    return key, value_of(key, text)


def key_and_text(pair: str) -> tuple[str, str]:
    """'batch=32' -> ('batch', '32'). Raises UserError bad_set."""
    key, equals, text = pair.partition("=")
    if key == "recipe":
        raise UserError("bad_set", "The recipe is not a setting.", "Choose it with --recipe.")
    if not equals:
        raise UserError("bad_set", f"--set {pair!r} has no '='.", "Write --set key=value, as in --set batch=32.")
    return key, text


def steer(runs: list[str], wish: str, as_json: bool) -> None:
    """wish: stop, pause or run."""
    jobs = [actions.control_run(context(), run, wish) for run in runs if len(runs) == 1 or is_live(run)]
    deadline = time.monotonic() + 30
    while wish == "stop" and any(Call.store.job(job.id).live for job in jobs) and time.monotonic() < deadline:
        time.sleep(0.1)
        supervisor.reconcile(Call.store)
    tell(as_json, {run: run_state(run) for run in runs})


def is_live(run: str) -> bool:
    """Whether a run trains or waits; of several only such ones are asked to stop or to pause."""
    latest = Call.store.latest_job("train", run)
    return latest is not None and latest.live


def tell(as_json: bool, states: dict[str, str]) -> None:
    """The state of one run, or of each of several."""
    one = next(iter(states))
    value = {"run": one, "state": states[one]} if len(states) == 1 else {"runs": states}
    say(as_json, value, "\n".join(f"Run {run}: {state}." for run, state in states.items()))


def stop(
    runs: RunIds,
    force: Annotated[
        bool, typer.Option("--force", help="End the process at once, as where it hangs; only its checkpoints are kept.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Stop runs and keep what they have learnt."""
    if force:
        for run in runs:
            actions.force_stop(context(), run)
        tell(as_json, {run: run_state(run) for run in runs})
        return
    steer(runs, "stop", as_json)


def pause(runs: RunIds, as_json: Json = False) -> None:
    """Pause runs."""
    steer(runs, "pause", as_json)


def resume(
    runs: RunIds,
    detach: Annotated[
        bool, typer.Option("--detach", help="Leave the training to a worker and return at once.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Continue paused, stopped or interrupted runs from their last checkpoint. Several are left to the workers."""
    if len(runs) > 1:
        with context(here=False).together() as waiting:
            refused = dict(filter(None, (resume_of_several(waiting, run) for run in runs)))
        tell(as_json, {run: run_state(run) for run in runs})
        for run, error in refused.items():
            refuse(UserError(error.code, f"Run {run} was not resumed: {error.what}", error.todo))
        return
    (run,) = runs
    latest = Call.store.latest_job("train", Call.store.run(run).id)
    if latest and latest.live and latest.control == "pause":
        steer(runs, "run", as_json)
        return
    job = actions.resume(context(here=not detach), run)
    result = {"run": run, **({"state": job.state} if detach else carry_out(job))}
    say(as_json, result, f"Run {run}: {result['state']}.")


def resume_of_several(waiting: actions.Context, run: str) -> tuple[str, UserError] | None:
    """Continue a run that is paused or has ended early; leave one that trains, waits or has finished as it is.

    Returns the run with its refusal, which does not keep the others from being resumed.
    """
    latest = Call.store.latest_job("train", run)
    try:
        if latest and latest.live and latest.control == "pause":
            actions.control_run(waiting, run, "run")
        elif latest is None or not (latest.live or latest.state == "finished"):
            actions.resume(waiting, run)
    except UserError as refused:
        return run, refused
    return None


def runs(
    deleted: Annotated[
        bool, typer.Option("--deleted", help="List the deleted runs, datasets and exports instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the runs."""
    if deleted:
        trash = [one._asdict() for one in actions.deleted(context(), "")]
        lines = [
            f"{one['id']}  deleted {time.strftime('%Y-%m-%d %H:%M', time.localtime(one['deleted_at']))}  {one['name']}"
            for one in trash
        ]
        value = {kind: [one for one in trash if one["id"][0] == kind[0]] for kind in ("runs", "datasets", "exports")}
        say(as_json, value, "\n".join(lines) or "Nothing is deleted.")
        return
    rows = [
        {"id": r.id, "name": r.name, "dataset": r.dataset_id, "state": run_state(r.id), "sweep": r.sweep}
        for r in Call.store.runs()
    ]
    lines = [f"{row['id']}  {row['state']:<12} {row['name']}" for row in rows] or ["No run yet: train one."]
    say(as_json, {"runs": rows}, "\n".join(lines))


def recipes_(as_json: Json = False) -> None:
    """List the recipes."""
    rows = [
        {
            "name": name,
            "title": recipe.title,
            "sentence": recipe.sentence,
            "shortfall": recipe.shortfall,
            "sizes": list(recipe.sizes),
            "source": recipe.source,
        }
        for name, recipe in recipes.RECIPES.items()
    ]
    say(as_json, {"recipes": rows}, "\n".join(f"{row['name']:<18} {row['sentence']}" for row in rows))


def rename(run: RunId, name: str, as_json: Json = False) -> None:
    """Rename a run."""
    renamed = actions.rename(context(), run, name)
    say(as_json, {"run": run, "name": renamed.name}, f"Run {run} is now {renamed.name!r}.")


def delete(
    ids: DeletableIds,
    with_derived: Annotated[
        bool,
        typer.Option("--with-derived", help="Also delete the runs, datasets and exports that were made from them."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete runs, datasets and exports; `undelete` brings them back."""
    gone: list[actions.Thing] = []
    left: list[actions.Thing] = []
    for id in ids:
        if id not in {thing.id for thing in gone}:
            gone += actions.delete(context(), id, with_derived=with_derived)
    for id in ids:
        left += [thing for thing in actions.derived(context(), id) if thing not in left]
    listed = " ".join(thing.id for thing in gone)
    lines = [f"Deleted {', '.join(listed.split())}. Back with: undelete {listed}, until the trash is cleaned."]
    lines += [f"Made from it, and still there: {thing.kind} {thing.id}  {thing.name}" for thing in left]
    value = {f"{kind}s": [thing.id for thing in gone if thing.kind == kind] for kind in ("run", "dataset", "export")}
    value["derived"] = [thing.id for thing in left]
    say(as_json, value, "\n".join(lines))


def undelete(ids: DeletedIds, as_json: Json = False) -> None:
    """Bring back what was deleted; `runs --deleted` lists it."""
    names = {id: actions.undelete(context(), id).name for id in ids}
    value = {
        kind: {id: name for id, name in names.items() if id[0] == kind[0]} for kind in ("runs", "datasets", "exports")
    }
    say(as_json, value, "\n".join(f"{id} is back: {name}." for id, name in names.items()))
