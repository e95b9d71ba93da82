"""One process at a time writes into the folder of a run."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gan_core.errors import UserError
from gan_core.storage import run_lock

HOLDS = """
import os, sys, time
from pathlib import Path
from gan_core.storage import run_lock
with run_lock.held(Path(sys.argv[1])) as lock:
    if os.fork() == 0:
        time.sleep(float(sys.argv[2]))  # a child that outlives the owner
        os._exit(0)
    print(lock.attempt, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """holder(child_seconds=0) -> another process that holds the lock of tmp_path."""
    started = []

    def start(child_seconds=0.0):
        words = [sys.executable, "-c", HOLDS, str(tmp_path), str(child_seconds)]
        child = subprocess.Popen(words, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
        started.append(child)
        child.attempt = int(child.stdout.readline())
        return child

    yield start
    for child in started:
        child.kill()
        child.wait()


def test_the_number_rises_with_every_attempt_and_the_older_one_is_overtaken(tmp_path):
    with run_lock.held(tmp_path) as first:
        assert first.is_mine() and first.attempt == 1
    with run_lock.held(tmp_path) as second:
        assert second.attempt == 2 and second.is_mine() and not first.is_mine()


def test_a_second_process_is_refused_and_a_reader_sees_the_lock(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(run_lock, "WAIT_SECONDS", 0.2)
    child = holder()
    assert run_lock.is_held(tmp_path)
    child.send_signal(signal.SIGSTOP)  # frozen: it still holds it
    with pytest.raises(UserError, check=lambda error: error.code == "run_in_use"), run_lock.held(tmp_path):
        pass
    assert run_lock.read_attempt(tmp_path) == child.attempt  # a refused attempt changes nothing
    child.kill()
    child.wait()
    assert not run_lock.is_held(tmp_path)
    with run_lock.held(tmp_path) as mine:
        assert mine.attempt == child.attempt + 1


def test_a_reader_that_looks_does_not_keep_a_run_from_starting(tmp_path):
    with run_lock.held(tmp_path):
        pass
    file = open(tmp_path / run_lock.LOCK)  # noqa: SIM115
    run_lock.fcntl.flock(file, run_lock.fcntl.LOCK_SH)
    threading.Timer(0.3, file.close).start()
    with run_lock.held(tmp_path) as mine:
        assert mine.attempt == 2


def test_a_number_that_cannot_be_read_is_no_reason_to_stop(tmp_path):
    with run_lock.held(tmp_path) as mine:
        (tmp_path / run_lock.ATTEMPT).unlink()
        (tmp_path / run_lock.ATTEMPT).mkdir()  # as EIO
        assert mine.is_mine()
