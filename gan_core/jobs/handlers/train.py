"""The job `train`: train a run."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_core import tracking
from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import ImageSet
from gan_core.data.older_dataset import saw_validation
from gan_core.errors import Overtaken, Stopped, UserError
from gan_core.jobs import failures, queue
from gan_core.jobs.progress import Reporter, run_log
from gan_core.jobs.shared.collapse_monitor import make_monitor
from gan_core.jobs.shared.evaluation_inputs import learned_from
from gan_core.settings.schema import TrainConfig, build, names_file
from gan_core.storage import full_disk, run_lock
from gan_core.storage.store import Job, Run, Store
from gan_core.storage.workspace import Workspace, read_json

if TYPE_CHECKING:
    from gan_core.training.hooks import Hooks

GUIDE_SEED = 1_000_003  # so that the guide is never the dataset classifier
RESULT_KEYS = (
    "images_seen",
    "images_total",
    "images_per_second",
    "elapsed_seconds",
    "memory_bytes",
    "device",
    "why_ended",
)


def train(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Train a run from its newest checkpoint, or from the start."""
    from gan_core.training import distributed, largest_batch, loop

    run, folder = store.run(job.subject), workspace.run(job.subject)
    config, data = config_and_data(workspace, run)
    if config.device.startswith("cuda:") and job.device_wanted == "cuda":  # resumed where that GPU is not
        config = config.model_copy(update={"device": "cuda"})
    log = run_log(folder)
    trackers = tracking.Trackers(tracking.chosen(log), folder, run.config, log)

    def work() -> dict[str, Any]:
        with run_lock.held(folder) as lock, distributed.process_group():
            distributed.broadcast(run.id)
            watch.may_write = lock.is_mine
            hooks = hooks_of(workspace, run, config, data, Reporter(store, job), log, watch, trackers)
            return loop.train(config, data, folder, hooks)

    ended = "failed"
    try:
        status = largest_batch.explained(config, data, work, lambda: failures.beside(store, job))
        ended = status["phase"]
    except (Stopped, Overtaken):
        ended = "stopped"
        raise
    except Exception as error:
        log(f"failed: {error}")
        raise
    finally:
        trackers.close(ended)
    return {"run": run.id, **{key: status[key] for key in RESULT_KEYS}}


def config_and_data(workspace: Workspace, run: Run) -> tuple[TrainConfig, ImageSet]:
    """Settings and training images of a run. Raises UserError where the settings do not fit these images."""
    from gan_core.settings.rules import check

    config, data = build(run.config), learned_from(workspace, run)
    counts = np.bincount(data.labels, minlength=len(data.classes)).tolist()
    check(config, size=data.images.shape[1], train_counts=dict(zip(data.classes, counts, strict=True)))
    return config, data


def hooks_of(
    workspace: Workspace,
    run: Run,
    config: TrainConfig,
    data: ImageSet,
    report: Reporter,
    log: Callable[[str], None],
    watch: queue.Watch,
    trackers: tracking.Trackers,
) -> "Hooks":
    from gan_core.models.refiner import shrink_pixels
    from gan_core.training import autotune, device
    from gan_core.training.hooks import Hooks

    dataset, where = workspace.dataset(run.dataset_id), device.choose(config.device).type

    def on_tick(status: dict[str, Any]) -> None:
        if status["trouble"]:
            report(status["progress"], status["trouble"])
        elif status["images_seen"]:  # until then the job says what comes first
            report(status["progress"], f"epoch {status['epoch']:.1f}")

    def guide_weights() -> dict[str, Any]:
        report(0.0, "First a small classifier learns the classes, to guide D; the first numbers come after that.")
        small = shrink_pixels(data.images, config.train_size or None)
        return guiding_layers(dataclasses.replace(data, images=small), config.seed, where, log, watch)

    return Hooks(
        on_tick=on_tick,
        on_preparing=lambda share, sentence: report(0.0, sentence),
        should_stop=watch,
        log=log,
        make_monitor=lambda: make_monitor(workspace, dataset, workspace.run(run.id), config, where, watch),
        start_weights=start_weights(workspace, config, dataset),
        guide_weights=guide_weights,
        dataset_name=dataset_folder.read_info(dataset).name,
        trackers=trackers,
        compute_modes=workspace.root / autotune.SHARED_FILE,
        give_up=watch.gives_up,
        may_write=watch.may_write,
        make_room=lambda: full_disk.drop_ballast(workspace.root),
    )


def follow(workspace: Workspace) -> None:
    """Train beside rank 0, on the run that it names; all processes see the same workspace."""
    from gan_core.training import distributed, loop
    from gan_core.training.hooks import Hooks

    with distributed.process_group():
        folder = workspace.run(distributed.broadcast(None))
        facts = read_json(folder / "config.json")
        config = build(facts["config"])
        dataset = workspace.dataset(facts["dataset"])
        data = dataset_folder.load(dataset, "train", whole=saw_validation(dataset, folder))
        weights = start_weights(workspace, config, dataset)
        loop.train(config, data, folder, Hooks(log=lambda _: None, start_weights=weights))


def guiding_layers(
    data: ImageSet, seed: int, where: str, log: Callable[[str], None], should_stop: Callable[[], bool]
) -> dict[str, Any]:
    """The layers of a classifier of the training images, for a guided D; not the dataset classifier, which evaluates the run."""
    from gan_core.evaluation.classifier import FitOptions, fit
    from gan_core.evaluation.dataset_classifier import BATCH, update_count
    from gan_core.evaluation.inputs import Progress

    started = time.monotonic()
    labels, classes = np.asarray(data.labels), len(data.classes)
    options = FitOptions(update_count(len(labels)), BATCH, seed + GUIDE_SEED, balanced=True, device=where)
    found = fit(data.images, labels, classes, options, Progress(should_stop=should_stop))
    log(f"Trained the classifier that guides D in {time.monotonic() - started:.1f} s.")
    return {name: value.cpu() for name, value in found.network.body.state_dict().items()}


def start_weights(workspace: Workspace, config: TrainConfig, dataset: Path) -> Callable[[], Any] | None:
    """Loads the file, or the newest checkpoint of the run, to start from; None for a run that starts fresh.

    dataset: its folder. Raises UserError other_shape where a file's networks are not those of the settings and images.
    """
    from gan_core.training import checkpoint, published

    def load() -> Any:
        if names_file(config.start_from):
            info = dataset_folder.read_info(dataset)
            return published.read_for(Path(config.start_from), config, config.train_size or info.size, info.channels)
        found = checkpoint.newest(workspace.run(config.start_from) / "checkpoints")
        if found is None:
            raise UserError(
                "no_checkpoint",
                "The run to start from has no usable checkpoint.",
                "Choose another run, or start fresh.",
            )
        return found[0]

    return load if config.start_from else None
