import json
import math
import time

import pytest
import torch

from gan_core.data.dataset import ImageSet
from gan_core.errors import UserError
from gan_core.settings.families import TRAITS
from gan_core.training import checkpoint, cuda_graph, loop, recorder, step
from gan_core.training.hooks import Hooks
from gan_core.views import run_events
from tests.builders.toy_images import toy_images

CPU = torch.device("cpu")
never = lambda: False


def fresh(config, classes=3, size=None, channels=1):
    return step.new_state(
        config, size=size or TRAITS[config.family].sizes[0], channels=channels, num_classes=classes, device=CPU
    )


def run(config, folder, images=48, stop_after=None, on_tick=lambda status: None):
    folder.mkdir(exist_ok=True)
    pictures, labels = toy_images(images, TRAITS[config.family].sizes[0], 1, 3)
    calls = [0]

    def should_stop():
        calls[0] += 1
        return stop_after is not None and calls[0] > stop_after

    hooks = Hooks(on_tick=on_tick, should_stop=should_stop, log=lambda text: None)
    return loop.train(config, ImageSet(pictures, labels, ["a", "b", "c"]), folder, hooks)


def weights(folder):
    values, _ = checkpoint.newest(folder / "checkpoints")
    return values


def same(a, b):
    """Equal bit for bit, whatever is nested."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


WITH_MEMORY = {  # settings whose state lives outside networks and optimisers
    "ada": {"augment": "ada", "loss": "nonsaturating", "penalty": "none"},
    "lecam": {"loss": "hinge", "penalty": "none", "lecam": 0.3},
    "lazy": {"d_steps": 2, "penalty_every": 3, "schedule": "cosine", "lr_end": 0.1},
}


@pytest.mark.slow
@pytest.mark.parametrize("family", [*TRAITS, *WITH_MEMORY])
def test_a_stopped_and_resumed_run_equals_the_whole_one_bit_for_bit(tiny, tmp_path, family):
    changes = {"augment": "color+translation", "flip": True, **WITH_MEMORY.get(family, {"family": family})}
    epochs = 4 if family in WITH_MEMORY else 2  # of 48 images
    config = tiny(epochs=float(epochs), ema_images=100, **changes)
    whole = run(config, tmp_path / "whole")
    assert whole["phase"] == "finished" and whole["images_seen"] == 48 * epochs
    first = run(config, tmp_path / "parts", stop_after=epochs + 1)
    assert first["phase"] == "stopped" and 0 < first["images_seen"] < 48 * epochs
    torch.manual_seed(999)  # whatever happens in between must not matter
    run(config, tmp_path / "parts")
    for name in ("G", "D", "G_ema", "opt_G", "opt_D", "rng", "images_seen", "memory"):
        assert same(weights(tmp_path / "whole")[name], weights(tmp_path / "parts")[name]), name


def test_the_folder_holds_what_the_pages_read(tiny, tmp_path):
    seen = []
    status = run(tiny(epochs=3.0), tmp_path, on_tick=seen.append)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows and rows[-1]["images_seen"] == 144 and rows[-1]["epoch"] == 3
    assert {"loss_d", "loss_g", "d_real", "d_fake", "images_per_second", "memory_bytes"} <= set(rows[0])
    grids = [json.loads(line) for line in (tmp_path / "samples" / "index.jsonl").read_text().splitlines()]
    assert [g["epoch"] for g in grids] == [0, 1, 2, 3]
    assert (
        all((tmp_path / "samples" / g["file"]).exists() for g in grids)
        and (tmp_path / "samples" / "reals.png").exists()
    )
    assert json.loads((tmp_path / "status.json").read_text()) == status == seen[-1]
    assert status["latest_grid"] == grids[-1]["file"] and status["progress"] == 1


@pytest.mark.slow
def test_what_happened_to_a_run_is_recorded_where_it_happened(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "PAUSE_SECONDS", 0.2)
    config = tiny(epochs=4.0)
    held = []

    def should_stop():
        held.append(1)
        if len(held) == 3:
            time.sleep(0.3)  # as jobs.Watch holds while the wish is to pause
        return len(held) > 5

    pictures, labels = toy_images(48, TRAITS[config.family].sizes[0], 1, 3)
    hooks = Hooks(should_stop=should_stop, log=lambda text: None)
    stopped = loop.train(config, ImageSet(pictures, labels, ["a", "b", "c"]), tmp_path, hooks)["images_seen"]
    events = lambda: [(one.images_seen, one.kind) for one in run_events.recorded_events(tmp_path)]
    assert events() == [(32, "pause"), (stopped, "end")] and stopped == 80
    run(config, tmp_path)
    assert events() == [(32, "pause"), (80, "end"), (80, "resumed"), (192, "end")]
    (tmp_path / "checkpoints" / "ck-000000000192.json").unlink()  # killed before its last checkpoint
    run(config, tmp_path)
    assert events()[2:] == [(80, "resumed"), (80, "resumed"), (192, "end")]


@pytest.mark.slow
def test_a_time_limit_ends_the_run_and_leaves_a_checkpoint(tiny, tmp_path):
    status = run(tiny(epochs=1e6, minutes=0.02), tmp_path)
    assert status["phase"] == "finished" and status["elapsed_seconds"] < 5
    assert weights(tmp_path)["images_seen"] == status["images_seen"] > 0


def test_divergence_stops_the_run_and_keeps_the_last_good_checkpoint(tiny, tmp_path, monkeypatch):
    run(tiny(epochs=2.0), tmp_path)
    good = weights(tmp_path)

    def poisoned(state, real, labels, config, kind):
        return {"loss_d": torch.tensor(math.nan), "loss_g": torch.tensor(0.0)}

    monkeypatch.setattr(cuda_graph, "carry_out", poisoned)
    with pytest.raises(UserError, check=lambda error: error.code == "diverged"):
        run(tiny(epochs=4.0), tmp_path)
    assert same(weights(tmp_path), good)


@pytest.mark.slow
def test_a_time_limit_does_not_make_it_tick_at_every_step(tiny, tmp_path):
    """With a limit of ten hours the next grid is 90 s away; until then a line a second is enough."""
    status = run(tiny(epochs=60.0, minutes=600.0), tmp_path)
    lines = len((tmp_path / "metrics.jsonl").read_text().splitlines())
    assert status["images_seen"] == 2880 and lines <= 3 + status["elapsed_seconds"] / recorder.TICK_SECONDS


def test_a_full_disk_is_tolerated_twice(tiny, tmp_path, monkeypatch):
    calls = []

    def full(*_):
        calls.append(1)
        if len(calls) <= 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder, "save_png", full)
    monkeypatch.setattr(recorder, "GRID_IMAGES", 10**9)
    (tmp_path / "samples").mkdir()
    state_config = tiny(epochs=4.0)
    monkeypatch.setattr(recorder.Recorder, "begin", lambda self: setattr(self, "next_grid", self.every))
    assert run(state_config, tmp_path)["phase"] == "finished" and len(calls) > 2


def test_a_broken_run_says_so_in_its_status(tiny, tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(cuda_graph, "carry_out", broken)
    with pytest.raises(RuntimeError):
        run(tiny(), tmp_path)
    assert json.loads((tmp_path / "status.json").read_text())["phase"] == "failed"


def test_the_probe_measures_and_leaves_nothing(tiny):
    images, labels = toy_images(48, 28, 1, 3)
    found = loop.probe(tiny(), ImageSet(images, labels, ["a", "b", "c"]), 0.3, never)
    assert found["images_per_second"] > 0 and found["memory_bytes"] > 1e7 and found["checkpoint_bytes"] > 1e4
