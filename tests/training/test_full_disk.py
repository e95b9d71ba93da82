"""What becomes of a run whose disk is full, may not be written, or lost checkpoints."""

import errno
import json
import math

import pytest
import torch

from gan_core.data.dataset import ImageSet
from gan_core.errors import Overtaken, UserError
from gan_core.storage import checkpoints
from gan_core.training import checkpoint, loop, recorder
from gan_core.training.hooks import Hooks
from gan_core.views import run_events
from tests.builders.failing_disk import FailingDisk
from tests.builders.toy_images import toy_images


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    for name in ("TICK_SECONDS", "CHECKPOINT_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(recorder, name, 0.005)


def run(config, folder, **hooks):
    folder.mkdir(exist_ok=True)
    images, labels = toy_images(48, 28, 1, 3)
    hooks = {"log": lambda text: None, **hooks}
    return loop.train(config, ImageSet(images, labels, ["a", "b", "c"]), folder, Hooks(**hooks))


def last_values(folder):
    return checkpoint.newest(folder / "checkpoints")[0]


def equal(a, b) -> bool:
    mine, theirs = list(checkpoint.tensors_in(a)), list(checkpoint.tensors_in(b))
    return len(mine) == len(theirs) and all(map(torch.equal, mine, theirs))


def rows_of(folder, name="metrics.jsonl"):
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def events_of(folder):
    return [one.text for one in run_events.recorded_events(folder)]


def big_files_fail(operation):
    return errno.ENOSPC if "/checkpoints/" in operation.path and operation.name != "unlink" else None


@pytest.mark.slow
def test_a_run_waits_with_its_weights_until_there_is_room_and_ends_as_if_nothing_had_been(tiny, tmp_path, monkeypatch):
    config = tiny(epochs=6.0)
    run(config, tmp_path / "whole")
    disk, waited = FailingDisk(tmp_path / "full", monkeypatch, big_files_fail), []

    def on_tick(status):
        if status["phase"] == "unsaved":
            waited.append(status)
            if len(waited) > 3:
                disk.empty()

    status = run(config, tmp_path / "full", on_tick=on_tick)
    assert status["phase"] == "finished" and status["trouble"] == "" and status["saved_at"] == status["images_seen"]
    assert waited and all("full" in one["trouble"] and str(tmp_path) in one["trouble"] for one in waited)
    assert equal(last_values(tmp_path / "whole"), last_values(tmp_path / "full"))
    assert rows_of(tmp_path / "full")[-1]["images_seen"] == status["images_seen"]
    told = events_of(tmp_path / "full")
    assert any("is full" in text for text in told) and any("room again" in text for text in told)


@pytest.mark.slow
def test_a_run_is_never_finished_without_its_last_checkpoint(tiny, tmp_path, monkeypatch):
    disk, phases = FailingDisk(tmp_path, monkeypatch, big_files_fail), []
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", 1e9)  # only the last one
    with pytest.raises(UserError, check=lambda error: error.code == "unsaved"):
        run(
            tiny(epochs=2.0),
            tmp_path,
            on_tick=lambda status: phases.append(status["phase"]),
            give_up=lambda: phases.count("unsaved") > 2,
        )
    assert "finished" not in phases and phases[-1] == "failed"
    assert checkpoints.of_run(tmp_path) == []
    disk.empty()
    assert run(tiny(epochs=2.0), tmp_path)["phase"] == "finished"
    assert checkpoints.of_run(tmp_path) == [96]


def test_a_stop_that_cannot_be_saved_waits_too(tiny, tmp_path, monkeypatch):
    disk, phases = FailingDisk(tmp_path, monkeypatch, big_files_fail), []

    def on_tick(status):
        phases.append(status["phase"])
        if phases.count("unsaved") > 2:
            disk.empty()

    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", 1e9)
    asked = iter([False, False, True])
    status = run(tiny(epochs=9.0), tmp_path, on_tick=on_tick, should_stop=lambda: next(asked, True))
    assert status["phase"] == "stopped" and checkpoints.of_run(tmp_path) == [status["images_seen"]]


@pytest.mark.slow
def test_failures_of_small_files_end_no_run_and_leave_no_gap(tiny, tmp_path, monkeypatch):
    """metrics, status, events and grids fail for the whole middle of the run."""
    disk = FailingDisk(tmp_path, monkeypatch)
    ticks, made_room = [], []

    def on_tick(status):
        ticks.append(status)
        if len(ticks) == 3:
            disk.rule = lambda operation: None if "/checkpoints" in operation.path else errno.ENOSPC
        if len(ticks) == 12:
            disk.empty()

    monkeypatch.setattr(recorder, "TICK_SECONDS", 0.0)
    status = run(tiny(epochs=8.0), tmp_path, on_tick=on_tick, make_room=lambda: made_room.append(1))
    assert status["phase"] == "finished" and len(ticks) > 12 and made_room
    seen = [row["images_seen"] for row in rows_of(tmp_path)]
    assert seen == list(range(16, status["images_seen"] + 1, 16))
    assert json.loads((tmp_path / "status.json").read_text())["phase"] == "finished"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO, errno.EDQUOT])
def test_every_error_of_the_file_system_is_told_in_a_sentence(tiny, tmp_path, monkeypatch, number):
    FailingDisk(tmp_path, monkeypatch, lambda operation: number if "/checkpoints" in operation.path else None)
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", 1e9)
    statuses = []
    with pytest.raises(UserError, check=lambda error: error.code == "unsaved"):
        run(tiny(epochs=1.0), tmp_path, on_tick=statuses.append, give_up=lambda: True)
    assert str(tmp_path) in statuses[-1]["trouble"] and statuses[-1]["trouble"].endswith(".")


def damage(folder, count):
    """Damage the newest checkpoints of a run."""
    for manifest in checkpoints.manifests(folder / "checkpoints")[:count]:
        checkpoints.values_of(manifest).write_bytes(b"no checkpoint")


def three_checkpoints(tiny, folder):
    for epochs in (1.0, 2.0, 3.0):
        run(tiny(epochs=epochs), folder)
    assert len(checkpoints.of_run(folder)) >= 3


@pytest.mark.slow
def test_a_run_that_goes_on_from_an_older_checkpoint_says_so(tiny, tmp_path):
    three_checkpoints(tiny, tmp_path)
    kept = checkpoints.of_run(tmp_path)
    damage(tmp_path, 2)
    lines = []
    run(tiny(epochs=4.0), tmp_path, log=lines.append)
    sentence = next(text for text in events_of(tmp_path) if "could not be read" in text)
    assert all(f"{seen:,}" in sentence for seen in kept[:3]) and sentence in lines
    assert len(list((tmp_path / "checkpoints" / "bad").glob("*.pt"))) == 2


@pytest.mark.slow
def test_a_run_without_a_usable_checkpoint_is_not_started_and_keeps_its_history(tiny, tmp_path):
    three_checkpoints(tiny, tmp_path)
    damage(tmp_path, 99)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, check=lambda error: error.code == "damaged_checkpoints"):
        run(tiny(epochs=4.0), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_run_whose_checkpoints_are_all_gone_is_not_started_either(tiny, tmp_path):
    run(tiny(epochs=2.0), tmp_path)
    for path in (tmp_path / "checkpoints").iterdir():
        path.unlink()
    with pytest.raises(UserError, check=lambda error: error.code == "damaged_checkpoints"):
        run(tiny(epochs=4.0), tmp_path)
    assert len(rows_of(tmp_path)) > 0


@pytest.mark.slow
def test_a_run_that_ended_before_its_first_checkpoint_begins_again_and_says_so(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", 1e9)
    monkeypatch.setattr(recorder, "TICK_SECONDS", 0.0)
    ticks = []

    class Killed(BaseException):
        pass

    def on_tick(status):
        ticks.append(status)
        if len(ticks) == 5:
            raise Killed

    monkeypatch.setattr(recorder.Recorder, "fail", lambda self: None)  # a kill leaves no word
    with pytest.raises(Killed):
        run(tiny(epochs=4.0), tmp_path, on_tick=on_tick)
    assert rows_of(tmp_path)[-1]["images_seen"] > 0
    assert run(tiny(epochs=4.0), tmp_path)["images_seen"] == 192
    assert any("before its first checkpoint" in text for text in events_of(tmp_path))


def test_a_run_that_another_process_carries_on_writes_nothing_more(tiny, tmp_path):
    ticks = []
    with pytest.raises(Overtaken):
        run(tiny(epochs=1e6), tmp_path, on_tick=ticks.append, may_write=lambda: len(ticks) < 3)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["phase"] == "training" and math.isfinite(status["images_seen"]) and files
