"""The command line: the same jobs as the pages, for scripts, tests and clusters.

Exit 0 done, 1 a job failed, 2 the request was wrong. With --json the last line of stdout is one JSON object. Errors are one
sentence and a next step on stderr.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from gan_core import actions, checks, cli_lab, evaluations, jobs, recipes, worker
from gan_core.config import build
from gan_core.errors import UserError
from gan_core.repair import rebuild
from gan_core.store import Job, Store
from gan_core.workspace import Workspace, atomic_write, default_workspace, read_json

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Ganvas: grow an image dataset with a GAN. The same jobs as the app, without a browser.",
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]


class Context:
    """What every verb needs; set by the callback before a verb runs."""

    store: Store
    workspace: Workspace


@app.callback()
def common(
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


def desk(here: bool = True) -> actions.Desk:
    return actions.Desk(Context.store, Context.workspace, in_this_process=here)


def say(as_json: bool, value: dict[str, Any], text: str) -> None:
    print(json.dumps(value, ensure_ascii=False) if as_json else text)


def refuse(error: UserError, code: int = 2) -> NoReturn:
    print(f"ganvas: {error}", file=sys.stderr)
    raise SystemExit(code)


def carry_out(job: Job) -> dict[str, Any]:
    """Do a job in this process, with progress on stderr; returns its result with its state. Ends the program where it failed."""
    done = threading.Event()
    printer = threading.Thread(target=show_progress, args=(job.id, done), daemon=True)
    printer.start()
    with worker.Shutdown() as shutdown:
        shutdown.watch = jobs.Watch(Context.store, job)
        worker.carry_out(Context.store, Context.workspace, job, shutdown.watch)
    done.set()
    printer.join()
    ended = Context.store.job(job.id)
    if ended.error:
        error = UserError(ended.error["code"], ended.error["what"], ended.error["todo"])
        refuse(error, 1 if error.code in worker.JOB_FAILURES else 2)
    if ended.state == "stopped" and not ended.result:
        print("ganvas: Stopped, and nothing was kept. Start it again when you like.", file=sys.stderr)
        raise SystemExit(1)
    return {**(ended.result or {}), "state": ended.state}


def show_progress(job_id: str, done: threading.Event) -> None:
    """A line on stderr whenever the message of the job changes, at most one every two seconds."""
    said = ""
    while not done.wait(2.0):
        job = Context.store.job(job_id)
        if job.message != said:
            said = job.message
            print(f"{job.progress:4.0%}  {said}", file=sys.stderr, flush=True)


@app.command("import")
def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="ZIP_OR_FOLDER", help="A zip or folder of class folders, or demo:digits, demo:shapes, ..."
        ),
    ],
    name: str = "",
    size: int = 32,
    mode: str = "auto",
    fit: str = "crop",
    test_fraction: float = 0.15,
    seed: int = 0,
    as_json: Json = False,
):
    """Bring pictures in: one folder per class. Cuts the test split that no GAN sees."""
    result = carry_out(
        actions.import_dataset(
            desk(), source, name=name, size=size, mode=mode, fit=fit, test_fraction=test_fraction, seed=seed
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


@app.command()
def datasets(as_json: Json = False):
    """List the datasets."""
    rows = [{"id": d.id, "name": d.name} for d in Context.store.datasets()]
    say(
        as_json,
        {"datasets": rows},
        "\n".join(f"{row['id']}  {row['name']}" for row in rows) or "No dataset yet: import one.",
    )


@app.command()
def runs(as_json: Json = False):
    """List the runs."""
    rows = [
        {"id": r.id, "name": r.name, "dataset": r.dataset_id, "state": run_state(r.id)} for r in Context.store.runs()
    ]
    say(
        as_json,
        {"runs": rows},
        "\n".join(f"{row['id']}  {row['state']:<12} {row['name']}" for row in rows) or "No run yet: train one.",
    )


@app.command("recipes")
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


def run_state(run_id: str) -> str:
    job = Context.store.latest_job("train", run_id)
    return "unknown" if job is None else "paused" if job.live and job.control == "pause" else job.state


@app.command()
def show(id: str, as_json: Json = False):
    """Everything known about a dataset, run, job or export."""
    store, workspace = Context.store, Context.workspace
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
        job = store.latest_job("export", id) if id.startswith("e") else store.job(id)
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


@app.command()
def train(
    dataset: str,
    recipe: Annotated[str, typer.Option(help="See `recipes`; auto picks one and says why.")] = "quick",
    epochs: float | None = None,
    images: Annotated[int | None, typer.Option(help="Images to show, instead of epochs.")] = None,
    minutes: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    name: str = "",
    start_from: Annotated[
        str | None, typer.Option(metavar="RUN", help="Start from the weights of a run with the same networks.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Leave it to a worker and return at once.")] = False,
    as_json: Json = False,
):
    """Train a run. Ctrl-C stops it and keeps what was learnt."""
    info = actions.dataset_folder.read_info(Context.workspace.dataset(Context.store.dataset(dataset).id))
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
        values[key] = parse(text)
    job = actions.train(desk(here=not detach), dataset, build(values), name=name)
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
    job = actions.control_run(desk(), run, wish)
    deadline = time.monotonic() + 30
    while wish == "stop" and (job := Context.store.job(job.id)).live and time.monotonic() < deadline:
        time.sleep(0.1)
        jobs.reconcile(Context.store)
    say(as_json, {"run": run, "state": run_state(run)}, f"Run {run}: {run_state(run)}.")


@app.command()
def stop(run: str, as_json: Json = False):
    """Stop a run and keep what it learnt."""
    steer(run, "stop", as_json)


@app.command()
def pause(run: str, as_json: Json = False):
    """Hold a run where it is."""
    steer(run, "pause", as_json)


@app.command()
def resume(
    run: str,
    detach: Annotated[bool, typer.Option("--detach", help="Leave it to a worker.")] = False,
    as_json: Json = False,
):
    """Go on with a paused, stopped or interrupted run from its last checkpoint."""
    latest = Context.store.latest_job("train", Context.store.run(run).id)
    if latest and latest.live and latest.control == "pause":
        steer(run, "run", as_json)
        return
    job = actions.resume(desk(here=not detach), run)
    result = {"run": run, **({"state": job.state} if detach else carry_out(job))}
    say(as_json, result, f"Run {run}: {result['state']}.")


@app.command()
def sample(
    run: str,
    per_class: Annotated[int, typer.Option(min=1, max=100_000)],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    class_: Annotated[str | None, typer.Option("--class")] = None,
    seed: int = 0,
    truncation: Annotated[float, typer.Option(min=0.0, max=4.0)] = 1.0,
    from_images: Annotated[
        bool, typer.Option("--from-images", help="Variants of real training images, as far as the run can draw them.")
    ] = False,
    strength: Annotated[float, typer.Option(help="With --from-images: share of fresh noise, 0 to 1.")] = 0.3,
    as_json: Json = False,
):
    """Draw images of each class into OUT/<class>/."""
    from gan_core.handlers import fusing
    from gan_core.handlers.sampling import Sampling

    actions.trained_run(desk(), run)
    checks.check_seed(seed)
    checks.check_strength(strength)
    checks.check_out(out, folder=True)
    generator = Sampling(Context.store.run(run), Context.workspace)
    if from_images:
        fused = fusing.write(generator, Context.workspace, out, per_class, class_, seed, strength)
        value = {"run": run, "out": str(out), "seed": seed, "strength": strength, **fused}
        say(as_json, value, f"{fused['files']:,} variants of real images in {out}.")
        return
    written = generator.write(out, per_class, class_, seed, truncation)
    say(as_json, {"run": run, "out": str(out), "files": written, "seed": seed}, f"{written:,} images in {out}.")


@app.command()
def evaluate(
    run: str,
    samples: int = 1000,
    draws: Annotated[int, typer.Option(help="Independent draws of that many samples: they give the intervals.")] = 5,
    extractor: str = "auto",
    weights: str = "",
    against: str = "train",
    seed: int = 0,
    at: Annotated[
        int | None, typer.Option(metavar="IMAGES_SEEN", help="An earlier checkpoint; a run keeps its newest three.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the whole report into one HTML file as well.")] = None,
    as_json: Json = False,
):
    """Scores of a run beside the real-against-real floor, variety and copying, over all and per class."""
    if html is not None:
        checks.check_out(html)
    job = actions.evaluate(
        desk(),
        run,
        samples=samples,
        draws=draws,
        extractor=extractor,
        weights=weights,
        against=against,
        seed=seed,
        at=at,
    )
    result = carry_out(job)
    if html is not None and result["state"] == "finished":
        atomic_write(html, lambda file: file.write(evaluations.report(Context.store, Context.workspace, job).encode()))
    say(as_json, result, json.dumps(result, indent=2, ensure_ascii=False))


@app.command()
def utility(
    run: str,
    seeds: Annotated[int, typer.Option(help="Classifiers trained for each arm.")] = 5,
    shots: Annotated[int | None, typer.Option(help="At most so many real images of each class.")] = None,
    updates: Annotated[int, typer.Option(help="Steps of training, the same for every classifier.")] = 300,
    seed: int = 0,
    as_json: Json = False,
):
    """Do the synthetic images help a classifier? Against classical augmentation, on the held-out images, with intervals."""
    result = carry_out(actions.utility(desk(), run, seeds=seeds, shots=shots, updates=updates, seed=seed))
    say(as_json, result, json.dumps(result, indent=2, ensure_ascii=False))


@app.command()
def detect(
    run: str,
    folder: Annotated[Path, typer.Argument(help="A folder of images; nothing in it is changed.")],
    out: Annotated[Path | None, typer.Option(help="Write the score of every image into this CSV file.")] = None,
    as_json: Json = False,
):
    """Score a folder of images as real or generated by this run, with the detector of its newest measurement."""
    if out is not None:
        checks.check_out(out)
    job = actions.detect(desk(), run, str(folder))
    result = carry_out(job)
    if out is not None and result["state"] == "finished":
        source = Context.workspace.run(run) / "detections" / job.id / "scores.csv"
        atomic_write(out, lambda file: file.write(source.read_bytes()))
    say(
        as_json,
        result,
        f"{result.get('generated', 0):,} of {result.get('n', 0):,} images look generated by run {run}. On images it had not "
        f"seen the detector was right in {result.get('accuracy', 0):.0%}.",
    )


@app.command()
def export(
    run: str,
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    balance: Annotated[str, typer.Option(help="largest, a total per class, or class=total,...")] = "largest",
    originals: Annotated[
        bool, typer.Option("--originals/--no-originals", help="With the real training images, or only synthetic.")
    ] = True,
    seed: int = 0,
    gate: Annotated[bool, typer.Option("--gate/--no-gate", help="Refuse copies of training images.")] = True,
    check_labels: Annotated[
        bool, typer.Option(help="Leave out images in which the dataset's classifier sees another class.")
    ] = True,
    as_json: Json = False,
):
    """Write a balanced zip: real images, the missing ones drawn by the run, the held-out split apart."""
    wanted = actions.parse_balance(desk(), run, balance)
    checks.check_out(out)
    job = actions.export(desk(), run, wanted, originals=originals, seed=seed, gate=gate, check_labels=check_labels)
    result = carry_out(job)
    if result["state"] == "finished":
        actions.copy_export(desk(), job.subject, result["file"], out)
    say(
        as_json,
        {**result, "export": job.subject, "out": str(out)},
        f"{out}: {result.get('bytes', 0):,} bytes. Labels: {result.get('label_check_said', 'not checked')}",
    )


@app.command()
def demo(minutes: float = 1.0, out: Path = Path("ganvas-demo.zip"), as_json: Json = False):
    """Handwritten digits from import to a balanced zip, in under three minutes."""
    here, settings = desk(), actions.demo_settings(minutes)
    checks.check_out(out)
    imported = carry_out(
        actions.import_dataset(here, actions.DEMO_SOURCE, name=actions.DEMO_NAME, size=actions.DEMO_SIZE)
    )
    job = actions.train(here, imported["dataset"], settings, name="Digits demo")
    trained = carry_out(job)
    scores = carry_out(actions.evaluate(here, job.subject, samples=500, draws=3))
    exporting = actions.export(here, job.subject, actions.DEMO_TOTAL)
    zipped = carry_out(exporting)
    if zipped["state"] == "finished":
        actions.copy_export(here, exporting.subject, zipped["file"], out)
    value = {
        "dataset": imported["dataset"],
        "run": job.subject,
        "export": exporting.subject,
        "images_seen": trained.get("images_seen"),
        "scores": scores,
        "per_class": zipped.get("per_class"),
        "out": str(out),
        "state": zipped["state"],
    }
    say(
        as_json,
        value,
        f"{out}: every class has {actions.DEMO_TOTAL} training images. Run {job.subject}, dataset {imported['dataset']}.",
    )


@app.command()
def repair(as_json: Json = False):
    """Rebuild the index from the folders, which are the truth."""
    counts = rebuild(Context.store, Context.workspace)
    say(as_json, counts, f"Found {counts['datasets']} datasets, {counts['runs']} runs and {counts['exports']} exports.")


app.command("lab")(cli_lab.lab)


def main() -> None:
    try:
        app()
    except UserError as error:
        refuse(error)


if __name__ == "__main__":
    main()
