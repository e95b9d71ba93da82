"""Which checkpoint of a run is kept as the best, and when a run without gain ends."""

import json

import numpy as np
import pytest
import torch

from gan_core.data.dataset import ImageSet
from gan_core.storage import checkpoints
from gan_core.training import checkpoint, loop, monitor_schedule
from gan_core.training.best_checkpoint import BestCheckpoint, best_of, check_of, without_gain
from gan_core.training.hooks import Hooks
from tests.builders.toy_images import toy_images

FLOOR = 0.6


def row(seen, distance, coverage=0.9, error=0.0):
    values = {"kernel_distance": distance, "coverage_ratio": coverage}
    return {"images_seen": seen, "values": values, "kernel_distance_error": error, "coverage_floor": FLOOR}


def checks(*rows):
    return [check_of(one, at / len(rows)) for at, one in enumerate(rows)]


def test_the_least_distance_is_the_best_and_chance_is_left_to_the_latest():
    run = checks(row(1, 2.0), row(2, 1.0, error=0.2), row(3, 1.15), row(4, 1.3))
    assert best_of(run).images_seen == 3 and without_gain(run) == 2
    assert best_of(checks(row(1, 2.0), row(2, 1.0), row(3, 1.15))).images_seen == 2
    assert best_of([]) is None and without_gain([]) == 0


def test_a_collapsed_check_never_wins_by_its_distance():
    collapsed, varied = row(2, 0.1, coverage=0.3), row(1, 1.0)
    assert best_of(checks(varied, collapsed)).images_seen == 1
    early = checks(row(1, 3.0, coverage=0.1), row(2, 9.0, coverage=0.4), row(3, 0.5, coverage=0.2))
    assert best_of(early).images_seen == 2 and without_gain(early) == 1
    assert best_of([*early, check_of(row(4, 8.0, coverage=FLOOR), 0.9)]).images_seen == 4
    assert best_of(checks(row(1, 2.0, coverage=None), row(2, 3.0))).images_seen == 1


@pytest.mark.parametrize("broken", [{}, {"images_seen": 1}, row(1, None), row(1, float("nan")), row(1, float("inf"))])
def test_a_check_without_a_distance_is_none(broken):
    assert check_of(broken, 0.5) is None


class Folder:
    """A run's checkpoints as files with nothing in them."""

    def __init__(self, path):
        self.path, self.seen = path, 0
        path.mkdir()
        self.best = BestCheckpoint(path, 0)

    def save(self):
        manifest = checkpoints.manifest(self.path, self.seen)
        manifest.write_text("{}")
        for old in checkpoints.superseded(self.path, 2):
            old.unlink()

    def check(self, seen, distance, progress):
        self.seen = seen
        self.best.add(row(seen, distance), progress, self.save)


def test_the_mark_moves_only_to_a_checkpoint_that_exists_and_is_never_pruned(tmp_path):
    run = Folder(tmp_path / "checkpoints")
    run.check(10, 1.0, 0.1)
    assert checkpoints.best(run.path) == (10, 1.0, 0.9)
    for seen in (20, 30, 40):
        run.seen = seen
        run.save()
    assert [checkpoints.images_seen(path) for path in checkpoints.manifests(run.path)] == [40, 30, 10]
    run.check(50, 2.0, 0.5)
    assert checkpoints.best(run.path).images_seen == 10
    run.best.add(row(60, 0.5), 0.6, lambda: None)  # the disk is full
    assert checkpoints.best(run.path).images_seen == 10 and len(run.best.checks) == 2
    run.check(70, 0.5, 0.7)
    assert checkpoints.best(run.path).images_seen == 70


def test_checks_that_follow_each_other_closely_are_not_compared(tmp_path):
    run = Folder(tmp_path / "checkpoints")
    for seen in range(1, 1001):
        run.check(seen, 1000.0 - seen, seen / 1000)
    assert 40 < len(run.best.checks) <= 50


def test_a_resumed_run_forgets_later_checks_and_a_mark_without_checkpoint_is_none(tmp_path):
    run = Folder(tmp_path / "checkpoints")
    for seen, distance in ((10, 3.0), (20, 2.0), (30, 2.5), (40, 1.0)):
        run.check(seen, distance, seen / 50)
    assert [one.images_seen for one in BestCheckpoint(run.path, 40).checks] == [10, 20, 30, 40]
    resumed = BestCheckpoint(run.path, 35)
    assert [one.images_seen for one in resumed.checks] == [10, 20, 30]
    assert checkpoints.best(run.path).images_seen == 20
    checkpoints.manifest(run.path, 20).unlink()
    assert checkpoints.best(run.path) is None
    (run.path / checkpoints.BEST).write_text("[not json")
    assert checkpoints.best(run.path) is None and BestCheckpoint(run.path, 35).checks == []


def test_patience_ends_a_run_without_gain(tmp_path):
    run = Folder(tmp_path / "checkpoints")
    for at, distance in enumerate((3.0, 2.0, 2.5, 2.2)):
        run.check(at + 1, distance, at / 10)
    assert run.best.no_gain(0) == "" and run.best.no_gain(3) == ""
    said = run.best.no_gain(2)
    assert "2 checks" in said and "at 2 images" in said
    run.check(9, 1.0, 0.9)
    assert run.best.no_gain(2) == ""


class Scripted:
    """A collapse monitor whose kernel distances are given in advance."""

    def __init__(self, distances):
        self.distances = iter(distances)

    def check(self, draw, discriminate, images_seen, epoch):
        return row(images_seen, next(self.distances)) | {"verdict": "ok", "sentence": "Fine."}


@pytest.fixture
def train(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(monitor_schedule, "IMAGES_BETWEEN", 48)
    monkeypatch.setattr(monitor_schedule, "MOST_SHARE", 1e9)
    pictures, labels = toy_images(48, 32, 1, 3)
    data = ImageSet(pictures, labels, ["a", "b", "c"])

    def run(distances, name="run", stop_after=None, **settings):
        calls = iter(range(10_000))
        stop = lambda: stop_after is not None and next(calls) > stop_after
        hooks = Hooks(should_stop=stop, log=lambda text: None, make_monitor=lambda: Scripted(distances))
        (tmp_path / name).mkdir(exist_ok=True)
        return tmp_path / name, loop.train(tiny(**settings), data, tmp_path / name, hooks)

    return run


@pytest.mark.slow
def test_a_run_keeps_its_best_checkpoint_and_draws_from_it(train):
    folder, status = train([3.0, 1.0, 2.0, 2.5, 2.5, 2.5], epochs=6.0)
    kept = folder / "checkpoints"
    assert status["phase"] == "finished" and checkpoints.best(kept).images_seen == 96
    assert checkpoint.generator_weights(kept)[1] == 96
    assert checkpoint.generator_weights(kept, "newest")[1] == 288 == checkpoint.newest(kept)[0]["images_seen"]
    values = checkpoints.values_of(checkpoints.manifest(kept, 96))
    values.write_bytes(b"damaged")
    assert checkpoint.generator_weights(kept)[1] == 288


def test_a_finished_run_ends_with_a_check_so_that_its_last_state_may_be_the_best(train):
    folder, _ = train([3.0, 1.0], epochs=1.5)
    assert checkpoints.best(folder / "checkpoints")[:2] == (80, 1.0)


def test_patience_ends_the_run_as_finished_and_says_why(train):
    folder, status = train([1.0, 2.0, 2.0, 2.0, 2.0, 2.0], epochs=6.0, patience=2)
    assert (status["phase"], status["images_seen"]) == ("finished", 144)
    (end,) = [
        one for one in map(json.loads, (folder / "events.jsonl").read_text().splitlines()) if one["kind"] == "end"
    ]
    assert "No gain in 2 checks" in end["text"] and status["why_ended"] in end["text"]


@pytest.mark.slow
def test_a_resumed_run_is_the_same_and_counts_its_checks_on(train):
    distances = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    whole, ended = train(distances, "whole", epochs=6.0, patience=4)
    parts, _ = train(distances, "parts", stop_after=8, epochs=6.0, patience=4)
    done = len(BestCheckpoint(parts / "checkpoints", 10**9).checks)
    assert 0 < done < 4
    _, resumed = train(distances[done:], "parts", epochs=6.0, patience=4)
    assert resumed["images_seen"] == ended["images_seen"] == 240
    assert (parts / "checkpoints" / checkpoints.BEST).read_text() == (
        whole / "checkpoints" / checkpoints.BEST
    ).read_text()
    a, b = (checkpoint.newest(one / "checkpoints")[0]["G_ema"] for one in (whole, parts))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert np.isfinite(checkpoints.best(parts / "checkpoints").kernel_distance)
