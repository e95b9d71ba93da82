"""Copies of a run for other tools: the run is the same with them, without them, and with broken ones."""

import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import mlflow
import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator

from gan_core import tracking
from gan_core.actions import Context
from gan_core.data.dataset import ImageSet
from gan_core.settings.families import TRAITS
from gan_core.tracking import tensorboard
from gan_core.training import checkpoint, loop
from gan_core.training.hooks import Hooks
from tests.builders.toy_images import toy_images

CONTENT = ("loss_d", "loss_g", "d_real", "d_fake", "penalty", "images_seen", "epoch")


class Fails:
    def __init__(self, folder, settings, images_seen):
        self.calls = 0

    def row(self, images_seen, values):
        raise SystemExit("no such server")

    grid = scores = close = row


class Hangs:
    def __init__(self, folder, settings, images_seen):
        self.row = self.grid = lambda *_: threading.Event().wait(600)


def train(config, folder, makers=None, stop_after=None, said=None):
    folder.mkdir(exist_ok=True)
    pictures, labels = toy_images(48, TRAITS[config.family].sizes[0], 1, 3)
    calls = iter(range(10**9))
    said = [] if said is None else said
    trackers = None if makers is None else tracking.Trackers(makers, folder, config.model_dump(), said.append)
    stop = lambda: stop_after is not None and next(calls) >= stop_after
    hooks = Hooks(should_stop=stop, log=said.append, trackers=trackers)
    loop.train(config, ImageSet(pictures, labels, ["a", "b", "c"]), folder, hooks)
    if trackers:
        trackers.close("finished")
    return said


def values(folder):
    return checkpoint.newest(folder / "checkpoints")[0]


def rows(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("makers", [{"tensorboard": tensorboard.EventFiles}, {"broken": Fails}, {"slow": Hangs}])
def test_a_run_is_the_same_bit_for_bit(tiny, tmp_path, monkeypatch, makers):
    monkeypatch.setattr(tracking, "CLOSE_SECONDS", 0.2)
    config = tiny(epochs=4.0, ema_images=100, augment="color+translation")
    train(config, tmp_path / "without")
    said = train(config, tmp_path / "with", makers)
    for name in ("G", "D", "G_ema"):
        mine, other = values(tmp_path / "with")[name], values(tmp_path / "without")[name]
        assert all(torch.equal(mine[key], other[key]) for key in other)
    assert torch.equal(values(tmp_path / "with")["rng"], values(tmp_path / "without")["rng"])
    shown = [[{key: row[key] for key in CONTENT} for row in rows(tmp_path / name)] for name in ("with", "without")]
    assert shown[0][-1]["images_seen"] == shown[1][-1]["images_seen"] == 192
    left_out = [text for text in said if "left out from here on" in text or "does not wait" in text]
    assert len(left_out) == ("tensorboard" not in makers), said


def test_a_sink_that_falls_behind_is_dropped_once(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "MOST_WAITING", 3)
    said = []
    trackers = tracking.Trackers({"slow": Hangs}, tmp_path, {}, said.append)
    trackers.begin(0)
    for number in range(20):
        trackers.row({"images_seen": number, "loss_d": 1.0})
    assert said == ["slow: left out from here on. it cannot keep up"]


def test_a_log_on_a_full_disk_does_not_end_the_run(tmp_path):
    def full(text):
        raise OSError(28, "No space left on device")

    trackers = tracking.Trackers({"broken": Fails}, tmp_path, {}, full)
    trackers.begin(0)
    trackers.row({"images_seen": 1})
    trackers.close("finished")
    trackers.row({"images_seen": 2})


def test_the_environment_chooses(monkeypatch):
    said = []
    for text, names in (
        (None, ["tensorboard"]),
        ("mlflow, WANDB", ["tensorboard", "mlflow", "wandb"]),
        ("none", []),
        ("none,mlflow", ["mlflow"]),
    ):
        monkeypatch.setenv("GANVAS_SINKS", text) if text else monkeypatch.delenv("GANVAS_SINKS", raising=False)
        assert list(tracking.chosen(said.append)) == names
    assert said == []
    monkeypatch.setenv("GANVAS_SINKS", "comet")
    assert list(tracking.chosen(said.append)) == ["tensorboard"] and "comet" in said[0]


def test_a_tracker_that_is_not_installed_is_left_out_with_a_sentence(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    said = train(tiny(epochs=1.0), tmp_path / "run", {"wandb": tracking.TRACKERS["wandb"]})
    assert any(text.startswith("wandb: left out from here on. ModuleNotFoundError") for text in said)


# -- as TensorBoard reads it -------------------------------------------------------------------------------------------


def accumulated(folder: Path):
    found = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    return found.Reload()


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in accumulated(folder).Scalars(tag)]


@pytest.mark.slow
def test_tensorboard_reads_what_metrics_jsonl_says(tiny, tmp_path):
    train(tiny(epochs=4.0), tmp_path / "run", {"tensorboard": tensorboard.EventFiles})
    for tag in ("loss_d", "loss_g", "d_real", "images_per_second"):
        want = [(row["images_seen"], pytest.approx(row[tag], rel=1e-6)) for row in rows(tmp_path / "run")]
        assert scalars(tmp_path / "run", tag) == want and want
    found = accumulated(tmp_path / "run")
    first = found.Images("samples")[0]
    grid = tmp_path / "run" / "samples" / "fakes-000000000.png"
    assert first.encoded_image_string == grid.read_bytes() and first.step == 0
    assert (first.width, first.height) == Image.open(grid).size
    text = found.Tensors("settings")[0].tensor_proto.string_val[0].decode()
    assert '    recipe: "quick"' in text


@pytest.mark.slow
def test_tensorboard_forgets_what_a_resumed_run_dropped(tiny, tmp_path):
    config, folder = tiny(epochs=6.0), tmp_path / "run"
    train(config, folder, {"tensorboard": tensorboard.EventFiles}, stop_after=5)
    at = values(folder)["images_seen"]
    assert 0 < at < 288
    beyond = tensorboard.EventFiles(folder, {}, at)  # rows of an attempt that crashed after its checkpoint
    beyond.row(at + 16, {"loss_d": 99.0})
    beyond.close("failed")
    train(config, folder, {"tensorboard": tensorboard.EventFiles})
    want = [(row["images_seen"], pytest.approx(row["loss_d"], rel=1e-6)) for row in rows(folder)]
    assert scalars(folder, "loss_d") == want and want[-1][0] == 288


def test_scores_stand_by_network_beside_the_measurements(tmp_path):
    (tmp_path / "evaluations").mkdir()
    for seen, distance in ((100, 30.5), (200, 20.25)):
        result = {"images_seen": seen, "extractor": "net", "labels": {"frechet_distance": "F"}, "seed": 3}
        tracking.log_scores(tmp_path, {}, result | {"frechet_distance": distance}, print)
    assert len(list((tmp_path / "evaluations").glob("events.*"))) == 2 and not list(tmp_path.glob("events.*"))
    assert scalars(tmp_path / "evaluations", "scores/net/frechet_distance") == [(100, 30.5), (200, 20.25)]
    assert accumulated(tmp_path / "evaluations").Tags()["scalars"] == ["scores/net/frechet_distance"]


# -- trackers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(workspace, monkeypatch):
    """The folder of a run in a workspace, with one grid."""
    for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    path = workspace.root / "runs" / ("r" + "1" * 16)
    path.mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path / "grid.png")
    return path


def two_attempts(name, folder):
    """A run that was trackers in two attempts, and scored; what was said."""
    said = []
    for start in (0, 10):
        trackers = tracking.Trackers(
            {name: tracking.TRACKERS[name]}, folder, {"recipe": "quick", "batch": 16}, said.append
        )
        trackers.begin(start)
        trackers.row({"images_seen": start + 5, "loss_d": start + 0.5})
        trackers.grid(start, folder / "grid.png")
        trackers.scores(start, {"extractor": "net", "labels": {"kid": ""}, "kid": 0.25})
        trackers.threads[name].end("finished")
        trackers.threads[name].thread.join(120)
    return said


def test_mlflow_gets_one_run_in_the_workspace(folder, workspace):
    assert two_attempts("mlflow", folder) == []
    client = mlflow.MlflowClient(tracking_uri=(workspace.root / "mlruns").as_uri())
    experiment = client.get_experiment_by_name("ganvas")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params == {"recipe": "quick", "batch": "16"} and run.info.status == "FINISHED"
    history = [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, "loss_d")]
    assert history == [(5, 0.5), (15, 10.5)] and run.data.metrics["scores/net/kid"] == 0.25
    assert [one.path for one in client.list_artifacts(run.info.run_id, "samples")] == ["samples/grid.png"]


@pytest.mark.parametrize("ended, shown", [("failed", "FAILED"), ("stopped", "KILLED"), ("finished", "FINISHED")])
def test_mlflow_shows_how_a_run_ended_and_a_measurement_leaves_it_so(folder, workspace, ended, shown):
    client = mlflow.MlflowClient(tracking_uri=(workspace.root / "mlruns").as_uri())
    state = lambda: client.get_run(json.loads((folder / "trackers.json").read_text())["mlflow"]).info.status
    makers = {"mlflow": tracking.TRACKERS["mlflow"]}

    def attempt(what, value, ended=""):
        trackers = tracking.Trackers(makers, folder, {}, print)
        trackers.begin(0)
        trackers.send(what, 1, value)
        trackers.threads["mlflow"].end(ended)
        trackers.threads["mlflow"].thread.join(120)

    attempt("row", {"loss_d": 1.0}, ended)
    assert state() == shown
    attempt("scores", {"kid": 0.5})
    assert state() == shown
    attempt("grid", folder / "grid.png", "failed")  # an attempt that ended before its first row
    assert state() == "FAILED"


@pytest.mark.slow
def test_wandb_stays_offline(folder, workspace):
    assert two_attempts("wandb", folder) == []
    attempts = sorted((workspace.root / "wandb").glob(f"offline-run-*-{folder.name}"))
    assert len(attempts) == 2 and os.environ["WANDB_MODE"] == "offline"
    assert all(list(attempt.glob("*.wandb")) for attempt in attempts)


class Hears:
    """Notes how a run ended."""

    ended: ClassVar[list[str]] = []

    def __init__(self, folder, settings, images_seen):
        self.row = self.grid = self.scores = lambda *_: None

    def close(self, ended):
        self.ended.append(ended)


@pytest.mark.parametrize("ended", ["finished", "stopped", "failed"])
def test_sinks_hear_how_a_run_ended(context: Context, toy_dataset, tiny, monkeypatch, ended):
    from gan_core import actions
    from gan_core.jobs import queue, worker
    from gan_core.training.recorder import Recorder

    monkeypatch.setenv("GANVAS_SINKS", "mlflow")
    monkeypatch.setitem(tracking.TRACKERS, "mlflow", Hears)
    monkeypatch.setattr(Hears, "ended", [])
    job = actions.train(context, toy_dataset, tiny(epochs=1.0))
    watch = queue.Watch(context.store, job)
    if ended == "stopped":
        monkeypatch.setattr(queue.Watch, "__call__", lambda self: setattr(self, "stop", True) or True)
    if ended == "failed":
        monkeypatch.setattr(Recorder, "write_metrics", lambda self: 1 / 0)
    assert worker.carry_out(context.store, context.workspace, job, watch) == ended
    assert Hears.ended == [ended]


@pytest.mark.parametrize("kind", ["slow", "broken"])
def test_a_sink_that_is_left_out_still_hears_how_the_run_ended(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(tracking, "MOST_WAITING", 3)
    monkeypatch.setattr(Hears, "ended", [])
    gone = threading.Event()

    class Bad(Hears):
        def __init__(self, *_):
            self.row = (lambda *_: gone.wait(60)) if kind == "slow" else (lambda *_: 1 / 0)

    trackers = tracking.Trackers({"bad": Bad}, tmp_path, {}, lambda _: None)
    trackers.begin(0)
    for number in range(9):
        trackers.row({"images_seen": number, "loss_d": 1.0})
    line = trackers.threads["bad"]
    line.thread.join(0.3)
    assert line.thread.is_alive() and Hears.ended == []
    gone.set()
    trackers.close("finished")
    assert Hears.ended == ["finished"] and line.dropped


def test_wandb_hears_of_a_failure_and_a_measurement_leaves_it_so(folder, monkeypatch):
    codes = []
    run = SimpleNamespace(define_metric=lambda *_, **__: None, log=lambda _: None)
    run.finish = lambda exit_code: codes.append(exit_code)
    fake = SimpleNamespace(init=lambda **_: run, Settings=lambda **_: None)
    monkeypatch.setitem(__import__("sys").modules, "wandb", fake)
    for ended in ("failed", "", "finished", ""):
        trackers = tracking.Trackers({"wandb": tracking.TRACKERS["wandb"]}, folder, {}, print)
        trackers.begin(0)
        trackers.close(ended)
    assert codes == [1, 1, 0, 0]


def test_a_job_leaves_event_files_beside_its_rows(context: Context, toy_dataset, tiny, monkeypatch):
    from gan_core import actions
    from gan_core.jobs import queue, worker

    monkeypatch.delenv("GANVAS_SINKS", raising=False)
    job = actions.train(context, toy_dataset, tiny(epochs=1.0))
    assert worker.carry_out(context.store, context.workspace, job, queue.Watch(context.store, job)) == "finished"
    (file,) = context.workspace.run(job.subject).glob("events.out.tfevents.*")
    assert b"loss_d" in file.read_bytes()
