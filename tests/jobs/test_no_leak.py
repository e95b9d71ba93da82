"""Nothing is decided by the test split: with noise in its place every decision before the last verdict is the same."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import load
from gan_core.evaluation import dataset_classifier
from gan_core.export.quality_filter import FilterOptions
from gan_core.jobs import queue, worker
from gan_core.jobs.shared.evaluation_inputs import dataset_classifier_of
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests.export import CHECKS
from gan_core.storage import checkpoints
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from gan_core.training import monitor_schedule

pytestmark = pytest.mark.slow

# Of a check while training; the others follow from the loss of D, whose records are written by the clock.
COMPARED = ("images_seen", "class_variance", "class_agreement", "kernel_distance_error", "coverage_floor")
BY_THE_CLOCK = "d_loss_left"


def checks(text: str) -> list[str]:
    """The lines of collapse.jsonl, without what differs between any two runs."""
    rows = [json.loads(line) for line in text.splitlines()]
    values = [{name: value for name, value in row["values"].items() if name != BY_THE_CLOCK} for row in rows]
    return [json.dumps([[row[key] for key in COMPARED], found]) for row, found in zip(rows, values, strict=True)]


def decisions(workspace: Workspace, dataset: str, settings) -> dict[str, object]:
    """Everything that a training with its monitor, the dataset classifier and the quality filter decide."""
    context = Context(Store(workspace), workspace, in_this_process=True)
    job = actions.train(context, dataset, settings)
    worker.carry_out(context.store, workspace, job, queue.Watch(context.store, job))
    assert context.store.job(job.id).state == "finished", context.store.job(job.id).error
    run, data = workspace.run(job.subject), workspace.dataset(dataset)
    sampler = RunSampler(context.store.run(job.subject), workspace)
    options = FilterOptions(patience=32)  # hardly an image of so short a training passes
    keep = sampler.quality_filter(data, 0, tuple(CHECKS), lambda *_: None, lambda: False, options)
    kept = {label: keep(label, 2, 0) for label in range(3)}
    train = load(data, "train")
    judged = []
    for label in range(3):  # the thresholds, seen in what becomes of images that are real
        keep.image_checks.begin(label)
        some = np.asarray(train.images[train.labels == label][:8])
        refused, facts = keep.image_checks(label, some, np.zeros(len(some), bool))
        judged.append((refused, {name: values.tolist() for name, values in facts.items()}))
    best = json.loads((run / "checkpoints" / checkpoints.BEST).read_text())
    classifier = dataset_classifier_of(data, "cpu")
    return {
        "dataset classifier": (data / "referee.safetensors").read_bytes(),
        "its accuracy": (classifier.accuracy, classifier.per_class, classifier.n_test),
        "checks while training": checks((run / "collapse.jsonl").read_text()),
        "best checkpoint": checkpoints.best(run / "checkpoints").images_seen,
        "checks it was chosen by": json.dumps(best["checks"]),
        "what it draws": sampler.draw([0, 1, 2], seed=1).tobytes(),
        "kept": [(label, images.tobytes()) for label, images in kept.items()],
        "thresholds": json.dumps(judged),
        "which of the drawn": json.dumps(keep.report(), sort_keys=True, default=str),
        "their scores": json.dumps([keep.entry(label, at) for label, some in kept.items() for at in range(len(some))]),
    }


def copied(workspace: Workspace, to: Path) -> Workspace:
    shutil.copytree(workspace.root, to)
    return Workspace(to)


def test_noise_in_the_place_of_the_test_split_changes_no_decision(workspace, toy_dataset, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(monitor_schedule, "IMAGES_BETWEEN", 160)
    monkeypatch.setattr(monitor_schedule, "MOST_SHARE", 1e9)
    monkeypatch.setattr(dataset_classifier, "LEAST_UPDATES", 30)
    other = copied(workspace, tmp_path / "with noise")
    file = other.dataset(toy_dataset) / "test_images.npy"
    noise = np.random.default_rng(0).integers(0, 256, np.load(file).shape, np.uint8)
    np.save(file, noise)
    np.save(file.with_name("test_labels.npy"), np.load(file.with_name("test_labels.npy"))[::-1])
    settings = tiny(epochs=6.0)
    first, second = (decisions(each, toy_dataset, settings) for each in (workspace, other))
    assert [name for name in first if first[name] != second[name]] == []
    assert len(first["checks while training"]) > 1 and first["its accuracy"][2] == 12
