"""Queue, stop, resume and rename a run; list the runs it may start from; estimate its speed."""

import contextlib
import hashlib
import itertools
import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from gan_core.actions.context import Context, trained_run
from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.jobs import cluster, devices, queue, supervisor
from gan_core.jobs.rebuild_index import object_in
from gan_core.settings import recipes, rules, schema
from gan_core.settings.recipes import auto
from gan_core.storage import checkpoints, limits
from gan_core.storage.file_checks import check_room
from gan_core.storage.store import Job, Run
from gan_core.storage.workspace import new_id, write_json
from gan_core.text import no_such

LONGEST_NAME = 100


def train(
    context: Context, dataset_id: str, settings: schema.TrainConfig, *, name: str = "", token: str | None = None
) -> Job:
    """Queue a new run. The job's subject is the run's id. Raises FieldErrors where the settings do not fit the dataset."""
    dataset = context.store.dataset(dataset_id)
    check(context, dataset_folder.read_info(context.workspace.dataset(dataset_id)), settings)
    check_room(context.workspace.dataset(dataset_id))
    if not name:  # two runs of one name look alike in a list
        number = len(context.store.query("SELECT 1 FROM runs WHERE dataset_id = ?", dataset_id)) + 1
        name = f"{dataset.name}, {settings.recipe} {number}"
    return new_run(context, dataset_id, settings, name, token=token)


def check(context: Context, info: dataset_folder.DatasetInfo, settings: schema.TrainConfig) -> None:
    """Raises FieldErrors where a run with these settings cannot be trained on the dataset."""
    if settings.recipe not in recipes.RECIPES:
        raise schema.FieldErrors({"recipe": no_such("recipe", settings.recipe, recipes.RECIPES)})
    rules.check(settings, size=info.size, train_counts=dict(zip(info.classes, info.train_counts, strict=True)))
    check_device(context, settings.device)
    check_start(context, info, settings)


def check_device(context: Context, device: str) -> None:
    """Raises FieldErrors where the device is a GPU that is known not to be there."""
    if not device.startswith("cuda:"):
        return
    if cluster.chosen():
        what = "The cluster chooses the GPU of a run: set the device to auto or cuda."
        raise schema.FieldErrors({"device": what})
    there, detected = devices.known(context.workspace), devices.detected(context.workspace)
    if detected and device not in there:
        what = f"This computer has no GPU {device}: set the device to {' or '.join(['auto', *there])}."
        raise schema.FieldErrors({"device": what})


def suggest(info: dataset_folder.DatasetInfo, device: str, minutes: float | None) -> auto.Suggestion:
    """The auto-recipe for a dataset. device: "cpu" or "cuda"; minutes: the time that the user has, None if not given."""
    counts = dict(zip(info.classes, info.train_counts, strict=True))
    return auto.suggest(size=info.size, mode=info.mode, train_counts=counts, device=device, minutes=minutes)


def likely_device(context: Context) -> str:
    """ "cuda" where a worker found a GPU that torch can use; before one has looked, where the newest probe ran on one, or else
    where a driver is installed. Does not load torch.
    """
    if devices.detected(context.workspace):
        return "cpu" if devices.known(context.workspace) == ["cpu"] else "cuda"
    for probe in context.store.jobs(kind="probe", states=("finished",), limit=1):
        return "cuda" if str((probe.result or {}).get("device", "")).startswith("cuda") else "cpu"
    return "cuda" if shutil.which("nvidia-smi") else "cpu"


def check_start(context: Context, info: dataset_folder.DatasetInfo, settings: schema.TrainConfig) -> None:
    """Raises FieldErrors where settings.start_from is no run and no file, or a run whose weights do not fit.

    What is in a file is found out by the job, which can load torch.
    """
    if not settings.start_from:
        return
    if schema.names_file(settings.start_from):
        if not Path(settings.start_from).is_absolute():  # a worker is in another folder
            what = f"{settings.start_from!r} is not an absolute path: write the path from the root folder (start_from)."
            raise schema.FieldErrors({"start_from": what})
        if not Path(settings.start_from).is_file():
            what = f"There is no file {settings.start_from!r} on this computer: check the path of the weights (start_from)."
            raise schema.FieldErrors({"start_from": what})
        return
    try:
        other = trained_run(context, settings.start_from)
        theirs = dataset_folder.read_info(context.workspace.dataset(other.dataset_id))
    except UserError as error:
        raise schema.FieldErrors({"start_from": str(error)}) from None
    mine = rules.NetworkShape(settings, info.size, info.channels)
    found = rules.transfer_obstacles(mine, rules.NetworkShape(schema.build(other.config), theirs.size, theirs.channels))
    if found:
        raise schema.FieldErrors({"start_from": rules.transfer_refusal(found)})


def possible_starts(context: Context, info: dataset_folder.DatasetInfo, values: dict[str, Any]) -> list[Run]:
    """The runs whose weights a run with these settings could start from, newest first; [] where the settings are refused."""
    try:
        mine = rules.NetworkShape(
            schema.build(values | {"start_from": "", "freeze_d": 0}), size=info.size, channels=info.channels
        )
    except schema.FieldErrors:
        return []
    runs, shapes = context.store.runs(), {}
    for dataset_id in {run.dataset_id for run in runs}:
        with contextlib.suppress(UserError):
            theirs = dataset_folder.read_info(context.workspace.dataset(dataset_id))
            shapes[dataset_id] = theirs.size, theirs.channels
    return [
        run
        for run in runs
        if run.dataset_id in shapes
        and not rules.transfer_obstacles(mine, rules.NetworkShape(schema.build(run.config), *shapes[run.dataset_id]))
        and checkpoints.of_run(context.workspace.run(run.id))
    ]


def new_run(
    context: Context,
    dataset_id: str,
    settings: schema.TrainConfig,
    name: str,
    *,
    token: str | None = None,
    after: str | None = None,
    sweep: str | None = None,
) -> Job:
    """Make a run and queue its training. after: a job that must finish first; sweep: the name of the sweep it belongs to."""
    run_id, values = new_id("run"), settings.model_dump()
    if token is not None and (row := context.store.query("SELECT id FROM jobs WHERE token = ?", token)):
        return context.store.job(row[0]["id"])
    context.check_cluster()
    limits.check(context.store, context.workspace, "train")
    folder = context.workspace.run(run_id)
    folder.mkdir(mode=0o700)
    created_at = time.time()
    write_json(
        folder / "config.json",
        {
            "schema": schema.SCHEMA_VERSION,
            "run": run_id,
            "name": name[:LONGEST_NAME],
            "dataset": dataset_id,
            "created_at": created_at,
            "config": values,
            "held_out": ["validation", "test"],  # a run without this began before there was a validation split
            **({"sweep": sweep} if sweep else {}),
        },
    )
    context.store.add_run(run_id, name[:LONGEST_NAME], dataset_id, values, created_at, sweep)
    job = context.submit("train", run_id, {}, token=token, after=after, device=settings.device)
    if job.subject != run_id:  # the other click of a double click was first
        context.store.remove_run(run_id)
        shutil.rmtree(folder)
    return job


def rename(context: Context, run_id: str, name: str) -> Run:
    """Rename a run in its folder, then in the index."""
    run, name = context.store.run(run_id), " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        what = f"A name has 1 to {LONGEST_NAME} letters, not {len(name)}."
        raise UserError("bad_name", what, "Type another one.")
    path = context.workspace.run(run.id) / "config.json"
    facts = object_in(path)
    if facts is None:
        what = "The folder of this run is missing, or its description is damaged."
        raise UserError("no_folder", what, "Look for it in the workspace.")
    write_json(path, facts | {"name": name})
    context.store.rename_run(run.id, name)
    return run._replace(name=name)


def name_of_copy(context: Context, run: Run) -> str:
    """'Birds' -> 'Birds (2)', or the next number that no run has."""
    taken, stem = {other.name for other in context.store.runs()}, re.sub(r" \(\d+\)$", "", run.name)
    names = (f"{stem[: LONGEST_NAME - 6]} ({number})" for number in itertools.count(2))
    return next(name for name in names if name not in taken)


def resume(context: Context, run_id: str) -> Job:
    """Queue a run again from its last checkpoint. One that waits, but whose worker died before it took it, goes on as it is."""
    run = context.store.run(run_id)
    latest = context.store.latest_job("train", run_id)
    if latest and latest.state == "queued" and (taken := taken_up(context, latest)):
        return taken
    if latest and latest.live:
        raise UserError("already_running", "This run is already training or waiting.", "Watch it on the Live page.")
    if latest and latest.state == "finished":
        raise UserError(
            "already_finished",
            "This run has shown all the images that it was asked to show, or its patience ended it.",
            "Start a new run with more epochs or patience.",
        )
    context.check_cluster()
    job = context.submit("train", run.id, {}, device=device_to_resume(context, run.config.get("device", "auto")))
    for behind in context.store.jobs(
        kind="evaluate", subject=run.id, limit=1
    ):  # it ended with the training that it waited for
        if latest and behind.after == latest.id and behind.attempt == 0 and not behind.live:
            queue.submit(context.store, "evaluate", run.id, behind.payload, after=job.id)
    return job


def taken_up(context: Context, waiting: Job) -> Job | None:
    """The queued training, claimed by this process where that carries jobs out itself, else with a new worker; None where a worker
    lives, which will take it."""
    device = devices.pick(context.store, context.workspace, waiting.device_wanted)
    name = devices.lock_name(device, devices.known(context.workspace))
    if waiting.cluster_job is not None or supervisor.has_worker(context.workspace, name):
        return None
    if context.in_this_process:
        return queue.claim_one(context.store, waiting.id, device)
    context.start_workers()
    return context.store.job(waiting.id)


def resume_lost(context: Context, lost: list[Job]) -> list[Job]:
    """Queue again the trainings whose process was lost, where $GANVAS_RESUME allows so many times in a row; the new jobs.

    lost: what supervisor.reconcile() returned. Off where it is not set: a run that brings the computer down would do it again.
    """
    text = os.environ.get("GANVAS_RESUME", "").strip()
    most, queued = int(text) if text.isdecimal() else 0, []
    for job in lost:
        if job.kind != "train":
            continue
        ended = context.store.jobs(kind="train", subject=job.subject, limit=most + 1)
        if sum(1 for _ in itertools.takewhile(lambda one: one.state == "interrupted", ended)) > most:
            continue
        with contextlib.suppress(UserError):  # deleted, or resumed meanwhile
            queued.append(resume(context, job.subject))
    return queued


def force_stop(context: Context, run_id: str) -> Job:
    """End the process of a run at once, as where it hangs: what it learnt since its last checkpoint is lost."""
    latest = context.store.latest_job("train", context.store.run(run_id).id)
    if latest is None or not latest.live:
        raise UserError("not_running", "This run is not training.", "Resume it, or start a new one.")
    if latest.state == "queued":
        return queue.control(context.store, latest.id, "stop")
    supervisor.force_stop(context.store, latest)
    return context.store.job(latest.id)


def device_to_resume(context: Context, wanted: str) -> str:
    """The device of the run, or "cuda" where it names a GPU that cannot be named here: a card that is gone, or a cluster."""
    try:
        check_device(context, wanted)
    except schema.FieldErrors:
        return "cuda"
    return wanted


def control_run(context: Context, run_id: str, wish: str) -> Job:
    """'stop' (and keep), 'pause' or 'run' for the live job of a run."""
    latest = context.store.latest_job("train", context.store.run(run_id).id)
    if latest is None or not latest.live:
        raise UserError("not_running", "This run is not training.", "Resume it, or start a new one.")
    return queue.control(context.store, latest.id, wish)


def probe(context: Context, dataset_id: str, settings: schema.TrainConfig) -> Job:
    """Queue a few training steps that measure speed and memory; at most once for the same settings and dataset."""
    check_room(context.workspace.dataset(dataset_id))
    speed_only = settings.model_dump(
        exclude={
            "recipe",
            "epochs",
            "minutes",
            "patience",
            "seed",
            "lr_G",
            "lr_D",
            "beta1",
            "beta2",
            "ema_images",
            "start_from",
        }
    )
    digest = hashlib.sha256(json.dumps(speed_only, sort_keys=True).encode()).hexdigest()[:16]
    token = f"probe-{context.store.dataset(dataset_id).id}-{digest}"
    earlier = context.store.query("SELECT id, state FROM jobs WHERE token = ?", token)
    if earlier and earlier[0]["state"] in ("failed", "interrupted", "stopped"):
        token += f"-{int(time.time())}"
    return context.submit("probe", dataset_id, {"config": settings.model_dump()}, token=token)
