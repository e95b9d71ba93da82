"""The verbs from pictures to a trained run: import, train, stop, pause, resume."""

import json
import sys
import time
from typing import Annotated, Any

import typer

from gan_core import actions
from gan_core.cli.common import Call, Json, carry_out, context, run_state, say
from gan_core.cli.names import DatasetId, RunId, a_run, a_source
from gan_core.data.dataset import read_info
from gan_core.data.import_options import Choices
from gan_core.errors import UserError
from gan_core.jobs import queue
from gan_core.settings import recipes
from gan_core.settings.schema import build


def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="ZIP_OR_FOLDER",
            callback=a_source,
            help="A zip or folder of class folders, demo:digits, demo:shapes, ..., or again:DATASET.",
        ),
    ],
    name: str = "",
    size: Annotated[int | None, typer.Option(help="Side in pixels, 32 without it.")] = None,
    mode: Annotated[str | None, typer.Option(help="auto, L (grey) or RGB.")] = None,
    fit: Annotated[str | None, typer.Option(help="To a square: crop, pad or stretch.")] = None,
    test_fraction: Annotated[float | None, typer.Option(help="Share of the test split, 0.15 without it.")] = None,
    seed: int | None = None,
    background: Annotated[
        str | None, typer.Option(help="Behind transparent and beside padded pictures: white, black, grey or #rrggbb.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="The folders train, test, validation: given, given+validation (held out too) or pool."),
    ] = None,
    level: Annotated[str | None, typer.Option(help="The folder that names the class: auto, top or last.")] = None,
    loose: Annotated[
        str | None, typer.Option(help="Pictures in no class folder: skip them, or make them a class, unlabelled.")
    ] = None,
    as_json: Json = False,
):
    """Bring pictures in: one folder per class. Cuts the test split that no GAN sees.

    again:DATASET takes what that import took, except for what is given here.
    """
    settings = actions.settings_before(context(), source)
    given = {
        "size": size,
        "mode": mode,
        "fit": fit,
        "test_fraction": test_fraction,
        "seed": seed,
        "background": background,
    }
    settings |= {key: value for key, value in given.items() if value is not None}
    chosen = {"split": split, "level": level, "loose": loose}
    settings["choices"] = settings.get("choices", Choices())._replace(
        **{key: value for key, value in chosen.items() if value is not None}
    )
    result = carry_out(
        actions.import_dataset(
            context(),
            source,
            name=name,
            **settings,
        )
    )
    for notice in result.get("notices", []):
        print(f"note: {notice}", file=sys.stderr)
    say(
        as_json,
        result,
        f"Dataset {result.get('dataset')}: {result.get('images', 0):,} images in {len(result.get('classes', {}))} classes, "
        f"{len(result.get('rejected', []))} pictures rejected.",
    )


def train(
    dataset: DatasetId,
    recipe: Annotated[str, typer.Option(help="See `recipes`; auto picks one and says why.")] = "quick",
    epochs: float | None = None,
    images: Annotated[int | None, typer.Option(help="Images to show, instead of epochs.")] = None,
    minutes: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    name: str = "",
    start_from: Annotated[
        str | None,
        typer.Option(metavar="RUN", callback=a_run, help="Start from the weights of a run with the same networks."),
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Leave it to a worker and return at once.")] = False,
    as_json: Json = False,
):
    """Train a run. Ctrl-C stops it and keeps what was learnt."""
    info = read_info(Call.workspace.dataset(Call.store.dataset(dataset).id))
    if recipe != "auto" and recipe not in recipes.RECIPES:
        raise UserError(
            "unknown_recipe", f"There is no recipe {recipe!r}.", f"Choose auto or one of {', '.join(recipes.RECIPES)}."
        )
    train_images = sum(info.train_counts)
    reasons: list[str] = []
    if recipe == "auto":
        from gan_core.training.device import choose

        found = actions.suggest(info, choose(device or "auto").type, minutes)
        values, reasons = found.settings.model_dump(), found.reasons
        for reason in reasons:
            print(f"note: {reason}", file=sys.stderr)
    else:
        values = recipes.start(recipe, size=info.size, train_images=train_images).model_dump()
    if minutes is not None and epochs is None and images is None:
        epochs = 1_000_000.0  # the minutes alone decide
    if images is not None:
        epochs = images / train_images
    given = {"epochs": epochs, "minutes": minutes, "seed": seed, "device": device, "start_from": start_from}
    values |= {key: value for key, value in given.items() if value is not None}
    for pair in set_ or []:
        key, equals, text = pair.partition("=")
        if key == "recipe":
            raise UserError("bad_set", "The recipe is not a setting.", "Choose it with --recipe.")
        if not equals:
            raise UserError("bad_set", f"--set {pair!r} has no '='.", "Write --set key=value, as in --set batch=32.")
        values[key] = a_run(text) if key == "start_from" else parse(text)
    job = actions.train(context(here=not detach), dataset, build(values), name=name)
    asked = {"run": job.subject, "recipe": values["recipe"], "reasons": reasons}
    if detach:
        say(as_json, {**asked, "state": job.state, "images_seen": 0}, f"Run {job.subject} is queued.")
        return
    result = {**asked, **carry_out(job)}
    say(as_json, result, f"Run {job.subject} {result['state']}: {result.get('images_seen', 0):,} images shown.")


def parse(text: str) -> Any:
    """'0.5' -> 0.5, 'true' -> True, 'null' -> None, anything else stays text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {"nan": float("nan"), "inf": float("inf")}.get(text.lower(), text)


def steer(run: str, wish: str, as_json: bool) -> None:
    job = actions.control_run(context(), run, wish)
    deadline = time.monotonic() + 30
    while wish == "stop" and (job := Call.store.job(job.id)).live and time.monotonic() < deadline:
        time.sleep(0.1)
        queue.reconcile(Call.store)
    say(as_json, {"run": run, "state": run_state(run)}, f"Run {run}: {run_state(run)}.")


def stop(run: RunId, as_json: Json = False):
    """Stop a run and keep what it learnt."""
    steer(run, "stop", as_json)


def pause(run: RunId, as_json: Json = False):
    """Hold a run where it is."""
    steer(run, "pause", as_json)


def resume(
    run: RunId,
    detach: Annotated[bool, typer.Option("--detach", help="Leave it to a worker.")] = False,
    as_json: Json = False,
):
    """Go on with a paused, stopped or interrupted run from its last checkpoint."""
    latest = Call.store.latest_job("train", Call.store.run(run).id)
    if latest and latest.live and latest.control == "pause":
        steer(run, "run", as_json)
        return
    job = actions.resume(context(here=not detach), run)
    result = {"run": run, **({"state": job.state} if detach else carry_out(job))}
    say(as_json, result, f"Run {run}: {result['state']}.")
