"""Limits on space and on the queue refuse new work and remove nothing; what is too old goes by itself."""

import os
import time

import pytest

from gan_core import actions
from gan_core.errors import UserError
from gan_core.jobs import queue
from gan_core.storage import limits
from gan_core.storage.limits import FILE, Limits
from gan_core.storage.workspace import new_id, write_json

DAY = 86400


def test_without_limits_everything_is_accepted(store, workspace):
    for kind in queue.LANES:
        limits.check(store, workspace, kind)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"runs_gb": "a lot"}', '{"runs_gb": NaN}', '{"runs_gb": -1}', '{"runs_gb": true}']
)
def test_a_damaged_file_of_limits_counts_as_none(store, workspace, content):
    (workspace.root / FILE).write_text(content)
    assert limits.read(workspace) == Limits()


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), True, "1", None])
def test_what_is_no_limit_is_refused(workspace, value):
    with pytest.raises(UserError) as refused:
        limits.write(workspace, Limits(runs_gb=value))
    assert refused.value.code == "bad_limit" and not (workspace.root / FILE).exists()


def test_a_run_over_the_limit_is_refused_before_anything_is_made(context, toy_dataset, tiny):
    full = context.workspace.run(new_id("run"))
    full.mkdir()
    (full / "log.txt").write_bytes(b"x" * 2000)
    limits.write(context.workspace, Limits(runs_gb=1e-6))
    with pytest.raises(UserError) as refused:
        actions.train(context, toy_dataset, tiny("mlp"))
    assert refused.value.code == "over_limit" and not context.store.runs() and not context.store.jobs()
    assert [path.name for path in (context.workspace.root / "runs").iterdir()] == [full.name]
    limits.check(context.store, context.workspace, "export")  # of another kind
    limits.write(context.workspace, Limits(runs_gb=1))
    limits.check(context.store, context.workspace, "train")


def test_so_many_runs_may_wait(store, workspace):
    limits.write(workspace, Limits(queued_runs=1))
    limits.check(store, workspace, "train")
    queue.submit(store, "train", new_id("run"), {})
    with pytest.raises(UserError) as refused:
        limits.check(store, workspace, "train")
    assert refused.value.code == "over_limit"
    limits.check(store, workspace, "evaluate")


def test_a_disk_that_is_nearly_full_takes_no_new_work(store, workspace):
    limits.write(workspace, Limits(free_gb=1e9))
    with pytest.raises(UserError) as refused:
        limits.check(store, workspace, "import")
    assert refused.value.code == "over_limit"
    limits.check(store, workspace, "inspect")  # it adds next to nothing


def test_old_exports_and_what_was_deleted_long_ago_go_by_themselves(store, workspace):
    exports, trashed = [new_id("export") for _ in range(2)], [new_id("run") for _ in range(2)]
    for days, export, run in zip((0, 10), exports, trashed, strict=True):
        workspace.export(export).mkdir()
        workspace.trashed(run).mkdir()
        write_json(workspace.trashed(run) / "deleted.json", {"deleted_at": time.time() - days * DAY})
        os.utime(workspace.export(export), (time.time() - days * DAY,) * 2)
    assert limits.expire(store, workspace) == {}
    limits.write(workspace, Limits(export_days=5, trash_days=5))
    assert {kind: freed.pieces for kind, freed in limits.expire(store, workspace).items()} == {"exports": 1, "trash": 1}
    assert [path.name for path in (workspace.root / "exports").iterdir()] == exports[:1]
    assert [path.name for path in (workspace.root / "trash").iterdir()] == trashed[:1]
    limits.write(workspace, Limits(export_days=0, trash_days=0))
    assert limits.expire(store, workspace, now=time.time() + 1000 * DAY) == {}
