import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gan_core.errors import UserError
from gan_core.jobs import queue, supervisor
from gan_core.jobs.devices import takes
from gan_core.storage.migrations import MIGRATIONS
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace


def submit(store, kind="train", **more):
    return queue.submit(store, kind, "r0123456789abcdef", {"a": 1}, **more)


def test_jobs_are_claimed_in_order_and_by_lane(store):
    first, second, light = submit(store), submit(store), submit(store, "probe")
    assert [queue.claim(store, "train").id, queue.claim(store, "train").id] == [first.id, second.id]
    assert queue.claim(store, "train") is None
    assert queue.claim(store, "light").id == light.id


def test_the_same_token_is_one_job(store):
    assert submit(store, token="x").id == submit(store, token="x").id
    assert submit(store, token="y").id != submit(store, token="x").id


def test_two_claimers_never_get_the_same_job(store):
    for _ in range(12):
        submit(store)
    taken, lock = [], threading.Lock()

    def take():
        mine = Store(Workspace(store.path.parent))
        while job := queue.claim(mine, "train"):
            with lock:
                taken.append(job.id)

    threads = [threading.Thread(target=take) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(taken) == len(set(taken)) == 12


def test_a_job_waits_for_its_predecessor_and_fails_with_it(store):
    first = submit(store, "import")
    second = submit(store, after=first.id)
    assert queue.claim(store, "train") is None
    running = queue.claim(store, "light")
    queue.finish(store, running, "finished")
    assert queue.claim(store, "train").id == second.id
    bad = submit(store, "import")
    waiting = submit(store, after=bad.id)
    queue.finish(store, queue.claim(store, "light"), "failed", error={"code": "x", "what": "x.", "todo": "y."})
    assert queue.claim(store, "train") is None
    assert store.job(waiting.id).state == "failed"


def test_a_search_does_without_a_training_that_failed_but_not_without_one_that_was_stopped(store):
    for state, then in (("failed", "running"), ("stopped", "failed")):
        training = submit(store)
        search = queue.submit(store, "improve", "d1", {}, after=training.id)
        assert queue.claim(store, "heavy") is None
        queue.finish(store, queue.claim(store, "train"), state)
        queue.claim(store, "heavy")
        assert store.job(search.id).state == then


def test_a_stopped_queued_job_never_starts_and_an_ended_one_cannot_be_asked(store):
    job = submit(store)
    assert queue.control(store, job.id, "stop").state == "stopped"
    assert queue.claim(store, "train") is None
    with pytest.raises(UserError, match="already ended"):
        queue.control(store, job.id, "stop")


def test_watch_sees_stop_and_holds_while_paused(store):
    submit(store)
    job = queue.claim(store, "train")
    watch = queue.Watch(store, job, interval_seconds=0)
    assert watch() is False
    queue.control(store, job.id, "pause")
    threading.Timer(0.5, lambda: queue.control(store, job.id, "run")).start()
    started = time.monotonic()
    assert watch() is False and time.monotonic() - started > 0.4
    queue.control(store, job.id, "stop")
    assert watch() is True


def test_an_old_attempt_cannot_write(store):
    submit(store)
    old = queue.claim(store, "train")
    with store.transaction() as db:
        db.execute("UPDATE jobs SET attempt = attempt + 1 WHERE id = ?", (old.id,))
    assert queue.finish(store, old, "finished") is False
    queue.report(store, old, 0.5, "old")
    assert store.job(old.id).state == "running" and store.job(old.id).message == ""
    assert queue.Watch(store, old, 0)() is True  # and it is told to end


def test_a_signal_during_a_pause_or_a_look_is_not_lost(store):
    submit(store)
    job = queue.claim(store, "train")
    watch = queue.Watch(store, job, interval_seconds=0)
    queue.control(store, job.id, "pause")
    threading.Timer(0.4, lambda: setattr(watch, "stop", True)).start()
    started = time.monotonic()
    assert watch() is True and time.monotonic() - started < 3
    assert watch() is True


def test_readers_survive_a_writer_killed_in_mid_commit(store):
    """Its hot journal must be rolled back by whoever comes next, and that may be a reader."""
    submit(store)
    script = (
        "import os, signal, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA cache_size = 1')\n"
        "db.execute('BEGIN IMMEDIATE')\n"
        "for i in range(3000):\n"
        "    db.execute(\"INSERT INTO events (job_id, at, text) VALUES ('x', 0, ?)\", ('y' * 500,))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(store.path)], check=False)
    assert store.path.with_name(store.path.name + "-journal").exists()
    assert len(store.jobs()) == 1 and store.events("x") == []


def test_a_locked_index_does_not_end_a_job(store, monkeypatch):
    from gan_core.jobs.progress import Reporter

    def locked(*_):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(queue, "report", locked)
    Reporter(store, submit(store))(0.5, "half")


def test_a_waiting_job_moves_up_once_and_is_taken_earlier(store):
    first, second, third = submit(store), submit(store), submit(store)
    submit(store, "probe")  # another lane, another queue
    queue.move_up(store, third.id, second.id)
    assert [job.id for job in store.waiting("train")] == [first.id, third.id, second.id]
    with pytest.raises(UserError, match="queue has changed"):  # the second click saw the old order
        queue.move_up(store, third.id, second.id)
    queue.move_up(store, third.id, first.id)
    late = submit(store)
    taken = [queue.claim(store, "train").id for _ in range(4)]
    assert taken == [third.id, first.id, second.id, late.id]
    with pytest.raises(UserError, match="queue has changed"):
        queue.move_up(store, second.id, first.id)


def test_the_first_in_line_cannot_move_up_nor_past_another_lane(store):
    probe, only = submit(store, "probe"), submit(store)
    for ahead in (probe.id, only.id, ""):
        with pytest.raises(UserError):
            queue.move_up(store, only.id, ahead)
    assert [job.id for job in store.waiting("train")] == [only.id]


def test_cancel_takes_only_what_still_waits(store):
    first, second = submit(store), submit(store)
    assert queue.cancel(store, second.id).state == "stopped" and store.waiting("train")[0].id == first.id
    queue.claim(store, "train")
    for id in (first.id, second.id, "j0"):
        with pytest.raises(UserError, match="does not wait"):
            queue.cancel(store, id)
    assert store.job(first.id).state == "running" and store.job(first.id).control == "run"


def test_an_index_put_in_the_place_of_another_is_read_anew(store, tmp_path):
    before = shutil.copy(store.path, tmp_path / "before.sqlite")
    submit(store)
    assert len(store.jobs()) == 1
    os.replace(before, store.path)  # as a restored backup does, while the server is up
    assert store.jobs() == []
    submit(store)
    assert len(store.jobs()) == 1


def older_store(workspace, version: int) -> Path:
    """The index as it was after so many migrations, with no rows."""
    path = workspace.root / "ganvas.sqlite"
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path)
    for script in MIGRATIONS[:version]:
        db.executescript(script)
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()
    db.close()
    return path


def old_job(path: Path, id: str, subject: str, state: str = "queued") -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "INSERT INTO jobs (id, kind, lane, subject, payload, state, created_at) VALUES (?, 'train', 'train', ?, '{}', ?, 1)",
            (id, subject, state),
        )


def test_a_workspace_from_before_queues_had_places_keeps_its_order(workspace):
    path = older_store(workspace, 1)
    old_job(path, "j1", "r1")
    old_job(path, "j2", "r2")
    assert [job.id for job in Store(workspace).waiting("train")] == ["j1", "j2"]


def test_a_workspace_from_before_runs_had_devices_keeps_what_they_want(workspace):
    """The column takes the device from the settings of the run; a run that trains belongs to this host."""
    path = older_store(workspace, 3)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for run, device in (("r1", '{"device": "cpu"}'), ("r2", "{}")):
            db.execute("INSERT INTO runs VALUES (?, 'Birds', 'd1', ?, 1)", (run, device))
    for job, run in (("j1", "r1"), ("j2", "r2"), ("j3", "gone")):
        old_job(path, job, run)
    old_job(path, "j4", "r2", "running")
    store = Store(workspace)
    assert {job.id: job.device_wanted for job in store.jobs()} == {
        "j1": "cpu",
        "j2": "auto",
        "j3": "auto",
        "j4": "auto",
    }
    assert [run.sweep for run in store.runs()] == [None, None]
    assert [job.id for job in supervisor.reconcile(store)] == ["j4"]


def test_a_claim_takes_what_the_device_may_and_names_it(store):
    wants = {name: submit(store, device=name) for name in ("cuda:1", "cpu", "auto")}
    devices = ["cuda:0", "cuda:1", "cpu"]
    claim = lambda device: queue.claim(store, "train", device, lambda job: takes(device, job.device_wanted, devices))
    first = claim("cuda:0")
    assert first.id == wants["auto"].id and (first.device, first.host) == ("cuda:0", queue.HOST)
    assert claim("cuda:0") is None
    assert claim("cpu").id == wants["cpu"].id and claim("cuda:1").id == wants["cuda:1"].id


def test_one_job_is_claimed_by_its_id_once_and_not_before_its_predecessor(store):
    importing = submit(store, "import")
    after, other = submit(store, after=importing.id), submit(store)
    assert queue.claim_one(store, after.id) is None
    assert queue.claim_one(store, other.id).state == "running" and queue.claim_one(store, other.id) is None
    queue.finish(store, queue.claim(store, "light"), "finished")
    assert queue.claim_one(store, after.id).id == after.id


def test_a_job_that_its_computer_stops_waits_again_and_one_that_its_user_stopped_does_not(store):
    submit(store)
    job = queue.claim(store, "train", "cuda:0")
    queue.control(store, job.id, "stop")
    assert queue.wait_again(store, job) is False and store.job(job.id).state == "running"
    submit(store)
    job = queue.claim(store, "train", "cuda:0")
    assert queue.wait_again(store, job) and store.job(job.id).state == "queued" and store.job(job.id).device is None
    assert queue.wait_again(store, job) is False
    again = queue.claim(store, "train")
    assert (again.id, again.attempt) == (job.id, job.attempt + 1)


def test_a_heartbeat_is_written_while_the_job_runs_and_only_by_its_attempt(store):
    submit(store)
    job = queue.claim(store, "train")
    beat = lambda: store.job(job.id).heartbeat_at
    before = beat()
    with queue.heartbeat(store, job, seconds=0.05):
        deadline = time.monotonic() + 20
        while beat() == before and time.monotonic() < deadline:
            time.sleep(0.05)
    assert beat() > before
    with store.transaction() as db:
        db.execute("UPDATE jobs SET attempt = attempt + 1, heartbeat_at = 5 WHERE id = ?", (job.id,))
    with queue.heartbeat(store, job, seconds=0.01):
        time.sleep(0.3)
    assert beat() == 5
