"""A run through its job with the real collapse monitor: the best checkpoint is marked, kept and drawn from."""

import json

import pytest

from gan_core import actions
from gan_core.jobs import queue, worker
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.storage import checkpoints
from gan_core.training import monitor_schedule

pytestmark = pytest.mark.slow


def test_the_checks_of_a_run_choose_the_checkpoint_that_is_drawn_from(context, toy_dataset, tiny, monkeypatch):
    monkeypatch.setattr(monitor_schedule, "IMAGES_BETWEEN", 320)
    monkeypatch.setattr(monitor_schedule, "MOST_SHARE", 1e9)
    job = actions.train(context, toy_dataset, tiny(epochs=100.0, patience=3))
    worker.carry_out(context.store, context.workspace, job, queue.Watch(context.store, job))
    ended = context.store.job(job.id)
    assert ended.state == "finished", ended.error
    folder = context.workspace.run(job.subject)
    compared = json.loads((folder / "checkpoints" / checkpoints.BEST).read_text())["checks"]
    rows = [json.loads(line) for line in (folder / "collapse.jsonl").read_text().splitlines()]
    seen = {row["images_seen"]: row for row in rows}
    assert len(compared) > 3 and all(one["error"] > 0 for one in compared)
    for one in compared:
        row = seen[one["images_seen"]]
        assert one["kernel_distance"] == row["values"]["kernel_distance"]
        assert one["covers"] == (one["coverage"] >= row["coverage_floor"])
    best, kept = checkpoints.best(folder / "checkpoints"), checkpoints.of_run(folder)
    assert best is not None and best.images_seen in kept
    run = context.store.run(job.subject)
    assert RunSampler(run, context.workspace).images_seen == best.images_seen
    assert RunSampler(run, context.workspace, "newest").images_seen == kept[0] == ended.result["images_seen"]
    early = ended.result["images_seen"] < 60 * 100
    assert early == bool(ended.result["why_ended"]) and (
        not early or "No gain in 3 checks" in ended.result["why_ended"]
    )
