"""Every operation that changes a file of a run fails in turn, once or from then on, as SQLite tests itself.

Whatever fails: what is in the folder is readable, and the run, resumed on a disk that works again, ends as an unbroken one.
"""

import errno
import itertools
import json

import pytest
import torch

from gan_core.data.dataset import ImageSet
from gan_core.errors import UserError
from gan_core.storage import checkpoints
from gan_core.training import checkpoint, loop, recorder
from gan_core.training.hooks import Hooks
from tests.builders.failing_disk import FailingDisk
from tests.builders.toy_images import toy_images

KINDS = {
    "ENOSPC once": (errno.ENOSPC, False),
    "ENOSPC for ever": (errno.ENOSPC, True),
    "EIO once": (errno.EIO, False),
    "EROFS for ever": (errno.EROFS, True),
}


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(recorder, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(recorder, "RETRY_SECONDS", 0.001)


def attempt(config, folder):
    """Train until the run ends, or until it has to wait for the disk; the exception that it ended with, or None."""
    folder.mkdir(exist_ok=True)
    images, labels = toy_images(48, 28, 1, 3)
    waits = []
    hooks = Hooks(
        log=lambda text: None,
        on_tick=lambda status: waits.append(1) if status["phase"] == "unsaved" else None,
        should_stop=lambda: bool(waits),
        give_up=lambda: True,
    )
    try:
        loop.train(config, ImageSet(images, labels, ["a", "b", "c"]), folder, hooks)
    except (OSError, UserError) as error:
        return error
    return None


def check(folder) -> None:
    """What must be true of a run folder after any failure."""
    kept = checkpoints.manifests(folder / "checkpoints")
    assert not kept or checkpoint.newest(folder / "checkpoints") is not None
    for name in ("metrics.jsonl", "events.jsonl", "samples/index.jsonl"):
        if (folder / name).exists():
            for line in (folder / name).read_text().splitlines():
                assert isinstance(json.loads(line), dict)
    if (folder / "status.json").exists():
        json.loads((folder / "status.json").read_text())


def fail_at(config, folder, whole, number, kind, recovery=False):
    """Fail operation `number`; with recovery, fail it in the resume of a run that was stopped. Returns whether it was reached."""
    code, for_ever = KINDS[kind]
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        if recovery:
            attempt(config.model_copy(update={"epochs": 1.0}), folder)
        disk = FailingDisk(folder, patch)
        disk.rule = lambda one: code if (one.number >= number if for_ever else one.number == number) else None
        error = attempt(config, folder)
    reached = len(disk.done) > number
    assert error is None or isinstance(error, OSError) or error.code in ("unsaved", "damaged_checkpoints"), error
    if not for_ever and reached and error is not None:
        assert isinstance(error, OSError)  # before the first step
    check(folder)
    assert attempt(config, folder) is None
    mine, theirs = (checkpoint.newest(one / "checkpoints")[0] for one in (folder, whole))
    for a, b in zip(checkpoint.tensors_in(mine), checkpoint.tensors_in(theirs), strict=True):
        assert torch.equal(a, b)
    return reached


def operations(config, folder) -> int:
    with pytest.MonkeyPatch.context() as patch:
        disk = FailingDisk(folder, patch)
        assert attempt(config, folder) is None
    return len(disk.done)


@pytest.mark.parametrize("recovery", [False, True], ids=["run", "resume"])
@pytest.mark.hold
@pytest.mark.parametrize("points", [3, None], ids=["few", "all"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_of_any_operation_leaves_a_run_that_can_be_resumed(tiny, tmp_path, kind, points, recovery):
    config = tiny(epochs=2.0, width=8)
    count = operations(config, tmp_path / "whole")
    step = 1 if points is None else count // points
    first = 0 if points is None else list(KINDS).index(kind) * 2 + recovery
    tried = 0
    for number in itertools.count(first, step):
        if not fail_at(config, tmp_path / f"run{number}", tmp_path / "whole", number, kind, recovery):
            break
        tried += 1
    assert tried >= (points or count // 2) - 1
