"""The jobs `train` and `probe`."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gan_core import tracking
from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped, UserError
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter, run_log
from gan_core.jobs.shared.collapse_monitor import make_monitor
from gan_core.settings.schema import build
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, read_json

PROBE_SECONDS = 3.0
GUIDE_SEED = 1_000_003  # so that the guide is never the referee


def train(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Train a run from its newest checkpoint, or from the start."""
    from gan_core.settings.rules import check
    from gan_core.training import device, distributed, loop, out_of_memory

    run, folder = store.run(job.subject), workspace.run(job.subject)
    config = build(run.config)
    info = dataset_folder.read_info(workspace.dataset(run.dataset_id))
    check(config, size=info.size, train_counts=dict(zip(info.classes, info.train_counts, strict=True)))
    data = dataset_folder.load(workspace.dataset(run.dataset_id), "train")
    report, log = Reporter(store, job), run_log(folder)

    def on_tick(status: dict[str, Any]) -> None:
        if status["images_seen"]:  # until then the job says what comes first
            report(status["progress"], f"epoch {status['epoch']:.1f}")

    dataset = workspace.dataset(run.dataset_id)
    other = (lambda: newest_weights(workspace, config.start_from)) if config.start_from else None

    def guide() -> dict[str, Any]:
        report(0.0, "First a small classifier learns the classes, to guide D; the first numbers come after that.")
        return guiding_layers(data, config.seed, device.choose(config.device).type, log, watch)

    told = tracking.Sinks(tracking.chosen(log), folder, run.config, log)
    panel = lambda: make_monitor(workspace, dataset, folder, config, device.choose(config.device).type, watch)

    def work() -> dict[str, Any]:
        with distributed.process_group():
            distributed.broadcast(run.id)
            return loop.train(
                config, data.images, data.labels, data.classes, folder, on_tick, watch, log, panel, other, guide,
                dataset=info.name, sinks=told,
            )  # fmt: skip

    ended = "failed"
    try:
        status = out_of_memory.guarded(config, data, work)
        ended = status["phase"]
    except Stopped:
        ended = "stopped"
        raise
    except Exception as error:
        log(f"failed: {error}")
        raise
    finally:
        told.close(ended)
    return {
        "run": run.id,
        **{
            key: status[key]
            for key in ("images_seen", "images_total", "images_per_second", "elapsed_seconds", "memory_bytes", "device")
        },
    }


def follow(workspace: Workspace) -> None:
    """Train beside the process that leads (team.py), on whatever run it names; all see the same workspace."""
    from gan_core.training import distributed, loop

    with distributed.process_group():
        folder = workspace.run(distributed.broadcast(None))
        facts = read_json(folder / "config.json")
        config = build(facts["config"])
        data = dataset_folder.load(workspace.dataset(facts["dataset"]), "train")
        other = (lambda: newest_weights(workspace, config.start_from)) if config.start_from else None
        silent = lambda _: None
        loop.train(
            config, data.images, data.labels, data.classes, folder, silent, lambda: False, silent, other_weights=other
        )


def guiding_layers(data: ImageSet, seed: int, where: str, log: Callable[[str], None], should_stop) -> dict[str, Any]:
    """The layers of a classifier of the training images, for a guided D: another than the referee, which is to judge."""
    from gan_core.evaluation.classifier import fit
    from gan_core.evaluation.dataset_classifier import BATCH, update_count

    started = time.monotonic()
    labels, classes = np.asarray(data.labels), len(data.classes)
    found = fit(
        data.images, labels, classes, updates=update_count(len(labels)), batch=BATCH, seed=seed + GUIDE_SEED,
        balanced=True, device=where, should_stop=should_stop,
    )  # fmt: skip
    log(f"Trained the classifier that guides D in {time.monotonic() - started:.1f} s.")
    return {name: value.cpu() for name, value in found.network.body.state_dict().items()}


def newest_weights(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """The newest checkpoint of the run to start from. Raises UserError where there is none any more."""
    from gan_core.training import checkpoint

    found = checkpoint.newest(workspace.run(run_id) / "checkpoints")
    if found is None:
        raise UserError(
            "no_checkpoint", "The run to start from has no usable checkpoint.", "Choose another run, or start fresh."
        )
    return found[0]


def probe(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """A few seconds of real steps with these settings on this dataset: speed, memory, size of a checkpoint."""
    from gan_core.training import loop, out_of_memory

    config, folder = build(job.payload["config"]), workspace.dataset(job.subject)
    data = dataset_folder.load(folder, "train")
    return out_of_memory.guarded(config, data, lambda: loop.probe(config, data, PROBE_SECONDS, watch))
