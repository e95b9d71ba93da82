import sqlite3

import pytest

from gan_core.errors import UserError
from gan_core.jobs import queue, worker


def submit(store, kind="train"):
    return queue.submit(store, kind, "r0123456789abcdef", {"a": 1})


@pytest.mark.parametrize(
    "error, code",
    [
        (UserError("bad", "It is bad.", "Mend it."), "bad"),
        (MemoryError("x"), "out_of_memory"),
        (OSError(28, "full"), "disk_full"),
        (OSError(122, "quota"), "disk_full"),
        (OSError(30, "read-only"), "not_writable"),
        (sqlite3.OperationalError("database or disk is full"), "disk_full"),
        (PermissionError(13, "denied", "weights.pt"), "bug"),  # a file of the user that may not be read
        (KeyError("x"), "bug"),
    ],
)
def test_every_failure_has_a_sentence_and_a_next_step(store, workspace, monkeypatch, error, code):
    def broken(*_):
        raise error

    monkeypatch.setattr(worker, "handler", lambda kind: broken)
    submit(store, "probe")
    job = queue.claim(store, "light")
    assert worker.carry_out(store, workspace, job, queue.Watch(store, job)) == "failed"
    told = store.job(job.id).error
    assert (
        told["code"] == code
        and told["what"].endswith(".")
        and told["todo"].endswith(".")
        and "Traceback" not in told["what"]
    )
