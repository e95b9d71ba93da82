"""Running out of memory is one sentence with the largest batch that fits."""

import gc
import weakref

import pytest
import torch

from gan_core import actions
from gan_core.errors import UserError
from gan_core.jobs import queue, worker
from gan_core.jobs.queue import Watch
from gan_core.models import r3lite
from gan_core.training import checkpoint, largest_batch

pytestmark = pytest.mark.slow

CPU_WORDS = (
    "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "1099511627776 bytes. Error code 12 (Cannot allocate memory)"
)


@pytest.fixture
def room_for(monkeypatch):
    """room_for(8): G cannot draw more than 8 images in training."""
    original = r3lite.Generator.forward

    def plant(most, error=None):
        def forward(self, z, y):
            if self.training and len(z) > most:
                raise error or RuntimeError(CPU_WORDS)
            return original(self, z, y)

        monkeypatch.setattr(r3lite.Generator, "forward", forward)

    return plant


def carry_out(context, job):
    worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
    return context.store.job(job.id)


@pytest.mark.parametrize("error", [None, torch.OutOfMemoryError("CUDA out of memory."), MemoryError()])
def test_a_run_that_does_not_fit_names_the_batch_that_does(context, toy_dataset, tiny, room_for, error):
    room_for(9, error)
    job = carry_out(context, actions.train(context, toy_dataset, tiny(batch=48)))
    assert job.state == "failed" and job.error["code"] == "out_of_memory"
    assert "48" in job.error["what"] and " 9" in job.error["what"]
    assert "batch size 9" in (context.workspace.run(job.subject) / "log.txt").read_text()


def test_the_probe_says_so_before_the_run_starts(context, toy_dataset, tiny, room_for):
    room_for(16)
    job = carry_out(context, actions.probe(context, toy_dataset, tiny(batch=32)))
    assert "largest batch that fits is 16" in job.error["what"]


def test_where_nothing_fits_it_is_the_width(context, toy_dataset, tiny, room_for):
    room_for(0)
    job = carry_out(context, actions.train(context, toy_dataset, tiny(batch=8)))
    assert "not even two images" in job.error["what"] and "width" in job.error["todo"]


def test_networks_that_learn_from_one_image_are_tried_with_one(tiny, monkeypatch):
    tried = []
    monkeypatch.setattr(largest_batch, "runs", lambda config, data: tried.append(config.batch))
    assert largest_batch.largest_batch_that_fits(tiny(family="garbage128", batch=4), None) is None and tried == [2, 1]
    tried.clear()
    assert largest_batch.largest_batch_that_fits(tiny(batch=4), None) is None and tried == [2]


@pytest.mark.parametrize("family, words", [("garbage128", "one image fits"), ("r3lite", "two images fit")])
def test_where_nothing_fits_it_says_how_little(tiny, monkeypatch, family, words):
    monkeypatch.setattr(largest_batch, "runs", lambda config, data: False)

    def full():
        raise MemoryError

    with pytest.raises(UserError, match=f"not even {words}"):
        largest_batch.explained(tiny(family=family, batch=4), None, full)


def test_memory_that_runs_out_in_mid_run_costs_no_checkpoint(context, toy_dataset, tiny, room_for):
    job = carry_out(context, actions.train(context, toy_dataset, tiny(epochs=1.0)))
    folder = context.workspace.run(job.subject) / "checkpoints"
    seen = checkpoint.newest(folder)[0]["images_seen"]
    with context.store.transaction() as db:  # as if it had been stopped there with more to do
        db.execute("UPDATE runs SET config = replace(config, '\"epochs\": 1.0', '\"epochs\": 9.0')")
        db.execute("UPDATE jobs SET state = 'stopped'")
    room_for(8)
    assert carry_out(context, actions.resume(context, job.subject)).error["code"] == "out_of_memory"
    assert checkpoint.newest(folder)[0]["images_seen"] == seen


def test_other_errors_are_not_touched(tiny):
    def broken():
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        largest_batch.explained(tiny(), None, broken)


def test_the_networks_in_the_way_are_gone_before_another_batch_is_tried(tiny, monkeypatch):
    held, alive = [], []

    def work():
        networks = torch.nn.Linear(1, 1)
        held.append(weakref.ref(networks))
        raise RuntimeError(CPU_WORDS)

    def look(config, data):
        gc.collect()
        alive.append(held[0]() is not None)
        return 4

    monkeypatch.setattr(largest_batch, "largest_batch_that_fits", look)
    with pytest.raises(largest_batch.UserError, match="fits is 4"):
        largest_batch.explained(tiny(), None, work)
    assert alive == [False]


def test_memory_that_another_job_holds_is_not_blamed_on_the_batch(context, toy_dataset, tiny, room_for):
    room_for(9)
    other = queue.submit(context.store, "evaluate", "r0123456789abcdef", {}, claim_on="")
    job = carry_out(context, actions.train(context, toy_dataset, tiny(batch=48)))
    assert job.error["code"] == "out_of_memory" and "an evaluation" in job.error["what"]
    assert "largest" not in job.error["what"] and "ended" in job.error["todo"]
    queue.finish(context.store, other, "finished")
    probe = carry_out(context, actions.probe(context, toy_dataset, tiny(batch=48)))
    assert "largest batch that fits is 9" in probe.error["what"]
