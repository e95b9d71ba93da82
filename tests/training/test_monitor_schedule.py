"""The checks of the collapse monitor while training: they happen when due, cost little, and do not change the training."""

import json

import numpy as np
import pytest
import torch

from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped, UserError
from gan_core.settings.families import TRAITS
from gan_core.training import checkpoint, loop, monitor_schedule
from gan_core.training.hooks import Hooks
from tests.builders.toy_images import toy_images

torch.set_num_threads(1)
SIZE = {name: facts.sizes[0] for name, facts in TRAITS.items()}


class Looker:
    """A panel that draws, judges and uses torch's random numbers as greedily as it likes."""

    def __init__(self):
        self.seen, self.images, self.logits = [], None, None

    def check(self, draw, judge, images_seen, epoch):
        self.seen.append(images_seen)
        y = np.arange(70) % 3
        self.images = draw(np.random.default_rng(0).standard_normal((70, 8), dtype=np.float32), y)
        self.logits = judge(self.images, y) if judge else None
        torch.rand(1000)
        return {"verdict": "red", "sentence": "Everything is one grey."}


def run(config, folder, make_monitor=None, stop_after=None, log=lambda text: None):
    folder.mkdir(exist_ok=True)
    pictures, labels = toy_images(48, SIZE[config.family], 1, 3)
    calls = [0]

    def should_stop():
        calls[0] += 1
        return stop_after is not None and calls[0] > stop_after

    hooks = Hooks(should_stop=should_stop, log=log, make_monitor=make_monitor)
    return loop.train(config, ImageSet(pictures, labels, ["a", "b", "c"]), folder, hooks)


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(monitor_schedule, "IMAGES_BETWEEN", 48)
    monkeypatch.setattr(monitor_schedule, "MOST_SHARE", 1e9)


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


# One family for each way in which drawing in the middle of a run could change it: none, batch norm, noise, dropout, a growing
# G, a population, no D.
FAMILIES = ("r3lite", "dcgan", "stylegan2-lite", "mlp", "progressive", "egan", "vae", "kmeans")


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_with_or_without_a_panel_the_run_is_the_same_bit_for_bit(tiny, tmp_path, often, family):
    config = tiny(family=family, epochs=3.0)
    panel = Looker()

    def make():
        torch.rand(77)  # building it may use random numbers too
        return panel

    run(config, tmp_path / "with", make)
    run(config, tmp_path / "without")
    assert panel.seen == [48, 96, 144]
    assert panel.images.shape == (70, SIZE[family], SIZE[family], 1) and panel.images.dtype == np.uint8
    if TRAITS[family].losses:
        assert panel.logits.shape == (70,) and np.isfinite(panel.logits).all()
    else:
        assert panel.logits is None
    (a, _), (b, _) = (checkpoint.newest(tmp_path / name / "checkpoints") for name in ("with", "without"))
    for name in ("G", "D", "G_ema", "rng", "images_seen"):
        assert same(a[name], b[name]), name


def test_an_alarm_goes_into_the_log_and_building_is_announced(tiny, tmp_path, often):
    lines = []
    run(tiny(epochs=1.0), tmp_path, Looker, log=lines.append)
    assert any("red: Everything is one grey." in line for line in lines)
    assert any("The collapse monitor is ready" in line for line in lines)


@pytest.mark.parametrize("error", [UserError("one_class", "No referee.", "Go on."), OSError("full"), MemoryError()])
def test_a_panel_that_cannot_be_built_costs_no_run(tiny, tmp_path, often, error):
    calls, lines = [], []

    def fail():
        calls.append(1)
        raise error

    assert run(tiny(epochs=3.0), tmp_path, fail, log=lines.append)["phase"] == "finished"
    assert any("No check for mode collapse" in line for line in lines)
    for_good = not isinstance(error, OSError)  # a full disk may have room again later, so it is tried again
    assert (len(calls) == 1) == for_good and any("switched off" in line for line in lines) == for_good


def test_a_stop_while_it_is_being_built_stops_the_run(tiny, tmp_path, often):
    def stopped():
        raise Stopped

    status = run(tiny(epochs=3.0), tmp_path, stopped, stop_after=3)
    assert status["phase"] == "stopped" and status["images_seen"] >= 48


def test_a_costly_look_is_followed_by_a_longer_wait(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(monitor_schedule, "IMAGES_BETWEEN", 16)
    now = [100.0]
    monkeypatch.setattr(monitor_schedule.time, "monotonic", lambda: now[0])

    class Slow(Looker):
        def check(self, *arguments):
            now[0] += 3.0
            return super().check(*arguments)

    config = tiny()
    state = loop.new_state(config, size=32, channels=1, num_classes=3, device=torch.device("cpu"))
    schedule = monitor_schedule.MonitorSchedule(Slow, config, state, 32, torch.device("cpu"), lambda text: None)
    state.images_seen = 16
    assert schedule.is_due(10.0) and schedule.check(0.1, 10.0) == 0.0
    state.images_seen = 320
    assert not schedule.is_due(10.0 + 3.0 / monitor_schedule.MOST_SHARE - 1)
    assert schedule.is_due(10.0 + 3.0 / monitor_schedule.MOST_SHARE)


def test_rows_beyond_the_checkpoint_are_dropped_on_resume(tiny, tmp_path, often):
    run(tiny(epochs=1.0), tmp_path)
    rows = [{"images_seen": seen, "verdict": "ok"} for seen in (40, 48, 96)]
    (tmp_path / "collapse.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run(tiny(epochs=1.0), tmp_path)
    kept = [json.loads(line)["images_seen"] for line in (tmp_path / "collapse.jsonl").read_text().splitlines()]
    assert kept == [40, 48]
