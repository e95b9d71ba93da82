"""What a page and the command line ask for, in the same words: check, give an id, queue the job.

Every refusal is a UserError raised here, before anything is queued.
"""

import contextlib
import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

from gan_core import config, jobs, recipes, runfolder, starting
from gan_core.checks import check_room, check_seed, check_strength, exists
from gan_core.data import dataset as dataset_folder
from gan_core.data.demos import READY_SETS
from gan_core.errors import UserError
from gan_core.export import plan
from gan_core.recipes import auto
from gan_core.store import Job, Run, Store
from gan_core.workspace import Workspace, atomic_write, new_id, write_json

MOST_SAMPLES, MOST_DRAWS = 100_000, 20  # of one measurement
EXTRACTORS = ("auto", "inception-v3", "efficientnet-lite0", "referee")
LEAST_SEEDS, MOST_SEEDS, MOST_UPDATES = 5, 50, 100_000  # classifiers for each arm of `utility`, and their steps
DEMO_SOURCE, DEMO_NAME, DEMO_SIZE = "demo:digits", "Handwritten digits", 32
DEMO_TRAIN_IMAGES = 1528  # of the 1,797 digits, after the test split; checked by a test
DEMO_TOTAL = 200  # images a class in the demo's zip; each digit has about 153 real ones to train on


class Desk(NamedTuple):
    """Where requests are made: a store and its workspace, and whether this very process carries the job out."""

    store: Store
    workspace: Workspace
    in_this_process: bool = False

    def submit(
        self, kind: str, subject: str, payload: dict[str, Any], token: str | None = None, after: str | None = None
    ) -> Job:
        job = jobs.submit(self.store, kind, subject, payload, token=token, after=after, claim=self.in_this_process)
        if not self.in_this_process:
            jobs.ensure_workers(self.store, self.workspace)
        return job


def import_dataset(
    desk: Desk,
    source: str,
    *,
    name: str = "",
    size: int = 32,
    mode: str = "auto",
    fit: str = "crop",
    test_fraction: float = 0.15,
    seed: int = 0,
    token: str | None = None,
) -> Job:
    """Queue the import of a zip, a folder, 'demo:<ready set>' or 'upload:<id>'. The job's subject is the new dataset's id."""
    if size not in dataset_folder.SIZES:
        raise UserError(
            "bad_size",
            f"Image size {size} px is not offered.",
            f"Choose one of {', '.join(map(str, dataset_folder.SIZES))}.",
        )
    check_seed(seed)
    if not source.strip():
        raise UserError("no_source", "No zip or folder is named.", "Give a path, or demo:digits.")
    if not 0 < test_fraction <= 0.5:
        raise UserError("bad_test_fraction", "The test share must be above 0 and at most 0.5.", "0.15 is usual.")
    if source.startswith("demo:"):
        if source[5:] not in READY_SETS:
            raise UserError(
                "unknown_demo", f"There is no ready set {source[5:]!r}.", f"Choose one of {', '.join(READY_SETS)}."
            )
        name = name or READY_SETS[source[5:]].title
    elif source.startswith("upload:"):
        if not (desk.workspace.upload(source[7:]) / "upload.zip").exists():
            raise UserError("no_upload", "That upload is not here any more.", "Upload the zip again.")
    elif not exists(source):
        raise UserError(
            "no_such_path", f"There is no file or folder {source!r} on this computer.", "Check the path and try again."
        )
    else:
        name = name or Path(source).stem
        source = str(Path(source).expanduser().absolute())
    payload = {
        "source": source,
        "name": (name or "Dataset")[:100],
        "size": size,
        "mode": mode,
        "fit": fit,
        "test_fraction": test_fraction,
        "seed": seed,
    }
    return desk.submit("import", new_id("dataset"), payload, token=token)


def train(
    desk: Desk, dataset_id: str, settings: config.TrainConfig, *, name: str = "", token: str | None = None
) -> Job:
    """Queue a new run. The job's subject is the run's id. Raises FieldErrors where the settings do not fit the dataset."""
    dataset = desk.store.dataset(dataset_id)
    info = dataset_folder.read_info(desk.workspace.dataset(dataset_id))
    if settings.recipe not in recipes.RECIPES:
        raise config.FieldErrors({"recipe": f"There is no recipe {settings.recipe!r}."})
    config.check(settings, size=info.size, train_counts=dict(zip(info.classes, info.train_counts, strict=True)))
    check_start(desk, info, settings)
    check_room(desk.workspace.dataset(dataset_id))
    if not name:  # two runs of one name cannot be told apart in a list
        number = len(desk.store.query("SELECT 1 FROM runs WHERE dataset_id = ?", dataset_id)) + 1
        name = f"{dataset.name}, {settings.recipe} {number}"
    return new_run(desk, dataset_id, settings, name, token=token)


def suggest(info: dataset_folder.DatasetInfo, device: str, minutes: float | None) -> auto.Suggestion:
    """The auto-recipe for a dataset. device: "cpu" or "cuda"; minutes: what the user has, if told."""
    counts = dict(zip(info.classes, info.train_counts, strict=True))
    return auto.suggest(size=info.size, mode=info.mode, train_counts=counts, device=device, minutes=minutes)


def likely_device(desk: Desk) -> str:
    """ "cuda" where the last measured steps ran on a GPU, or, before any, where its driver is; without torch."""
    for probe in desk.store.jobs(kind="probe", states=("finished",), limit=1):
        return "cuda" if str((probe.result or {}).get("device", "")).startswith("cuda") else "cpu"
    return "cuda" if shutil.which("nvidia-smi") else "cpu"


def check_start(desk: Desk, info: dataset_folder.DatasetInfo, settings: config.TrainConfig) -> None:
    """Raises FieldErrors where settings.start_from names no run, or one whose weights do not fit."""
    if not settings.start_from:
        return
    try:
        other = trained_run(desk, settings.start_from)
        theirs = dataset_folder.read_info(desk.workspace.dataset(other.dataset_id))
    except UserError as error:
        raise config.FieldErrors({"start_from": str(error)}) from None
    mine = starting.Shape(settings, info.size, info.channels)
    found = starting.obstacles(mine, starting.Shape(config.build(other.config), theirs.size, theirs.channels))
    if found:
        raise config.FieldErrors({"start_from": starting.refusal(found)})


def possible_starts(desk: Desk, info: dataset_folder.DatasetInfo, values: dict[str, Any]) -> list[Run]:
    """The runs whose weights a run with these settings could start from, newest first; none where the settings are refused."""
    try:
        mine = starting.Shape(
            config.build(values | {"start_from": "", "freeze_d": 0}), size=info.size, channels=info.channels
        )
    except config.FieldErrors:
        return []
    runs, shapes = desk.store.runs(), {}
    for dataset_id in {run.dataset_id for run in runs}:
        with contextlib.suppress(UserError):
            theirs = dataset_folder.read_info(desk.workspace.dataset(dataset_id))
            shapes[dataset_id] = theirs.size, theirs.channels
    return [
        run
        for run in runs
        if run.dataset_id in shapes
        and not starting.obstacles(mine, starting.Shape(config.build(run.config), *shapes[run.dataset_id]))
        and any((desk.workspace.run(run.id) / "checkpoints").glob("ck-*.json"))
    ]


def new_run(
    desk: Desk,
    dataset_id: str,
    settings: config.TrainConfig,
    name: str,
    *,
    token: str | None = None,
    after: str | None = None,
) -> Job:
    run_id, values = new_id("run"), settings.model_dump()
    if token is not None and (row := desk.store.query("SELECT id FROM jobs WHERE token = ?", token)):
        return desk.store.job(row[0]["id"])
    folder = desk.workspace.run(run_id)
    folder.mkdir(mode=0o700)
    created_at = time.time()
    write_json(
        folder / "config.json",
        {
            "schema": config.SCHEMA_VERSION,
            "run": run_id,
            "name": name[:100],
            "dataset": dataset_id,
            "created_at": created_at,
            "config": values,
        },
    )
    desk.store.add_run(run_id, name[:100], dataset_id, values, created_at)
    job = desk.submit("train", run_id, {}, token=token, after=after)
    if job.subject != run_id:  # the other click of a double click was first
        desk.store.remove_run(run_id)
        shutil.rmtree(folder)
    return job


def demo_settings(minutes: float) -> config.TrainConfig:
    """The default recipe on the digits, ended by the clock."""
    settings = recipes.start("quick", size=DEMO_SIZE, train_images=DEMO_TRAIN_IMAGES)
    return config.build(settings.model_dump() | {"minutes": minutes, "epochs": 1_000_000.0})


def demo(desk: Desk, *, minutes: float = 1.0, token: str | None = None) -> tuple[Job, Job]:
    """Queue the digits demo: (import job, train job); the second waits for the first."""
    settings = demo_settings(minutes)
    bringing = import_dataset(
        desk,
        DEMO_SOURCE,
        name=DEMO_NAME,
        size=DEMO_SIZE,
        token=f"{token}-import" if token else None,
    )
    return bringing, new_run(desk, bringing.subject, settings, "Digits demo", token=token, after=bringing.id)


def resume(desk: Desk, run_id: str) -> Job:
    """Queue a run again from its last checkpoint."""
    run = desk.store.run(run_id)
    latest = desk.store.latest_job("train", run_id)
    if latest and latest.live:
        raise UserError("already_running", "This run is already training or waiting.", "Watch it on the Live page.")
    if latest and latest.state == "finished":
        raise UserError(
            "already_finished",
            "This run has shown all the images it was asked to.",
            "Start a new run with more epochs.",
        )
    return desk.submit("train", run.id, {})


def control_run(desk: Desk, run_id: str, wish: str) -> Job:
    """'stop' (and keep), 'pause' or 'run' for the live job of a run."""
    latest = desk.store.latest_job("train", desk.store.run(run_id).id)
    if latest is None or not latest.live:
        raise UserError("not_running", "This run is not training.", "Resume it, or start a new one.")
    return jobs.control(desk.store, latest.id, wish)


def probe(desk: Desk, dataset_id: str, settings: config.TrainConfig) -> Job:
    """A few training steps that tell speed and memory. The same question on the same dataset is asked once."""
    check_room(desk.workspace.dataset(dataset_id))
    speed_only = settings.model_dump(
        exclude={"recipe", "epochs", "minutes", "seed", "lr_G", "lr_D", "beta1", "beta2", "ema_images", "start_from"}
    )
    digest = hashlib.sha256(json.dumps(speed_only, sort_keys=True).encode()).hexdigest()[:16]
    token = f"probe-{desk.store.dataset(dataset_id).id}-{digest}"
    earlier = desk.store.query("SELECT id, state FROM jobs WHERE token = ?", token)
    if earlier and earlier[0]["state"] in ("failed", "interrupted", "stopped"):
        token += f"-{int(time.time())}"
    return desk.submit("probe", dataset_id, {"config": settings.model_dump()}, token=token)


def trained_run(desk: Desk, run_id: str) -> Run:
    """The run, where it has something to sample from."""
    run = desk.store.run(run_id)
    if not list((desk.workspace.run(run_id) / "checkpoints").glob("ck-*.json")):
        raise UserError(
            "no_checkpoint",
            "This run has no checkpoint yet.",
            "Wait for its first minute of training, or train it again.",
        )
    return run


def evaluate(
    desk: Desk,
    run_id: str,
    *,
    samples: int = 1000,
    draws: int = 5,
    extractor: str = "auto",
    weights: str = "",
    against: str = "train",
    seed: int = 0,
    at: int | None = None,
    token: str | None = None,
) -> Job:
    """Queue the scores of a run: `draws` independent draws of `samples` images, whose spread gives the intervals.

    at: images that the checkpoint had seen, None for the newest. weights: a file with Inception-v3 weights, '' to look in the
    usual places.
    """
    check_seed(seed)
    if not 1 <= draws <= MOST_DRAWS:
        raise UserError("bad_draws", f"Scores need 1 to {MOST_DRAWS} draws, not {draws}.", "5 is usual.")
    if not 2 <= samples <= MOST_SAMPLES:
        raise UserError("bad_samples", f"Scores need 2 to {MOST_SAMPLES:,} samples.", "1,000 or more is usual.")
    if extractor not in EXTRACTORS:
        raise UserError(
            "unknown_extractor", f"There is no extractor {extractor!r}.", f"Choose one of {', '.join(EXTRACTORS)}."
        )
    if against not in ("train", "test"):
        raise UserError(
            "bad_against", f"Scores compare with 'train' or 'test', not {against!r}.", "Choose one of the two."
        )
    if weights and extractor in ("efficientnet-lite0", "referee"):
        raise UserError(
            "unused_weights",
            f"The extractor {extractor} has its own weights.",
            "Leave the weights file out, or choose inception-v3.",
        )
    if weights and not exists(weights):
        raise UserError(
            "no_such_path", f"There is no weights file {weights!r} on this computer.", "Check the path and try again."
        )
    payload = {
        "samples": samples,
        "draws": draws,
        "extractor": extractor,
        "against": against,
        "seed": seed,
        "at": at,
        "weights": str(Path(weights).expanduser().absolute()) if weights else "",
    }
    run = trained_run(desk, run_id)
    kept = runfolder.checkpoints(desk.workspace.run(run.id))
    if at is not None and at not in kept:
        there = ", ".join(f"{seen:,}" for seen in kept)
        raise UserError(
            "no_checkpoint", f"This run has no checkpoint at {at:,} images.", f"Choose the newest, or one of {there}."
        )
    return desk.submit("evaluate", run.id, payload, token=token)


def utility(
    desk: Desk,
    run_id: str,
    *,
    seeds: int = 5,
    shots: int | None = None,
    updates: int = 300,
    seed: int = 0,
    token: str | None = None,
) -> Job:
    """Queue the question whether the synthetic images help a classifier.

    shots: at most so many real images a class; updates: steps of training, the same for each classifier.
    """
    check_seed(seed)
    run = trained_run(desk, run_id)
    info = dataset_folder.read_info(desk.workspace.dataset(run.dataset_id))
    if not LEAST_SEEDS <= seeds <= MOST_SEEDS:
        what = f"A comparison needs {LEAST_SEEDS} to {MOST_SEEDS} seeds, not {seeds}."
        raise UserError("bad_seeds", what, "Fewer say more of luck than of the images.")
    if shots is not None and shots < 1:
        raise UserError("bad_shots", "At least one real image a class is needed.", "Leave it out to use all of them.")
    if not 1 <= updates <= MOST_UPDATES:
        raise UserError("bad_updates", f"A classifier takes 1 to {MOST_UPDATES:,} updates.", "300 is usual.")
    if len(info.classes) < 2:
        raise UserError(
            "one_class", "This dataset has one class, so there is nothing to classify.", "Import one with more classes."
        )
    if not run.config["conditional"]:
        raise UserError(
            "ignored_labels",
            "This run ignored the labels, so its images cannot train a classifier.",
            "Train a run with 'Use the class labels' on.",
        )
    if not any(info.test_counts):
        raise UserError(
            "no_test_images", "This dataset has no held-out images to test on.", "Import it again with a test share."
        )
    return desk.submit(
        "utility", run.id, {"seeds": seeds, "shots": shots, "updates": updates, "seed": seed}, token=token
    )


def detect(desk: Desk, run_id: str, folder: str, *, token: str | None = None) -> Job:
    """Queue the scoring of a folder of images as real or generated by this run. Needs a measurement of the run."""
    run = desk.store.run(run_id)
    if not folder.strip() or not exists(folder) or not Path(folder).expanduser().is_dir():
        raise UserError(
            "no_such_path", f"There is no folder {folder!r} on this computer.", "Check the path and try again."
        )
    if not sorted((desk.workspace.run(run.id) / "evaluations").glob("*/detector.npz")):
        raise UserError("no_detector", "This run has no detector yet.", "Measure the run first: that trains it.")
    return desk.submit("detect", run.id, {"folder": str(Path(folder).expanduser().absolute())}, token=token)


def timelapse(desk: Desk, run_id: str, token: str | None = None) -> Job:
    return desk.submit("timelapse", trained_run(desk, run_id).id, {}, token=token)


def fuse(desk: Desk, run_id: str, name: str, strength: float = 0.3, *, seed: int = 0, token: str | None = None) -> Job:
    """Queue a sheet of real images of the class `name` fused with noise. strength 0: none of it, 1: nothing else."""
    check_seed(seed)
    check_strength(strength)
    run = trained_run(desk, run_id)
    classes = dataset_folder.read_info(desk.workspace.dataset(run.dataset_id)).classes
    if name not in (classes if run.config["conditional"] else ["all"]):
        raise UserError("unknown_class", f"There is no class {name!r} in this run.", "Pick one from the list.")
    return desk.submit("fuse", run.id, {"class": name, "strength": strength, "seed": seed}, token=token)


def export(
    desk: Desk,
    run_id: str,
    balance: str | int | dict[str, int],
    *,
    originals: bool = True,
    seed: int = 0,
    gate: bool = True,
    check_labels: bool = True,
    token: str | None = None,
) -> Job:
    """Queue a balanced zip. balance: 'largest', a total per class, or totals by class. The job's subject is the export's id.

    gate: the export is refused where the images turn out to be copies of training images. check_labels: images in which the
    dataset's classifier sees another class than was asked for are left out (export/gate.py).
    """
    check_seed(seed)
    run = trained_run(desk, run_id)
    info = dataset_folder.read_info(desk.workspace.dataset(run.dataset_id))
    counts = dict(zip(info.classes, info.train_counts, strict=True))
    plan.deficits(counts, balance, originals)  # refuses what cannot be planned
    if not run.config["conditional"] and len(info.classes) > 1:
        raise UserError(
            "ignored_labels",
            "This run ignored the labels, so it cannot draw images of one class.",
            "Train a run with 'Use the class labels' on.",
        )
    return desk.submit(
        "export",
        new_id("export"),
        {
            "run": run.id,
            "balance": balance,
            "originals": originals,
            "seed": seed,
            "gate": gate,
            "check_labels": check_labels,
        },
        token=token,
    )


def parse_balance(desk: Desk, run_id: str, text: str) -> str | int | dict[str, int]:
    """'largest', '500' or 'kiwi=300,owl=200' -> what `export` takes."""
    info = dataset_folder.read_info(desk.workspace.dataset(desk.store.run(run_id).dataset_id))
    return plan.parse_balance(text, info.classes)


def copy_export(desk: Desk, export_id: str, file: str, out: Path) -> None:
    """The finished zip to where the user wants it, whole or not at all."""
    with open(desk.workspace.export(export_id) / file, "rb") as source:
        atomic_write(out.absolute(), lambda target: shutil.copyfileobj(source, target, 1 << 20))
