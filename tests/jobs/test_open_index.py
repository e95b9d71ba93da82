"""A damaged, missing or locked index: it is rebuilt from the folders, what can be read comes over, and no job is lost by it."""

import contextlib
import json
import os
import sqlite3
import threading
import time

import pytest

from gan_core.errors import UserError
from gan_core.jobs import open_index, queue, worker
from gan_core.storage import index_file, run_lock
from gan_core.storage.index_file import DamagedIndex
from gan_core.storage.migrations import MIGRATIONS
from gan_core.storage.run_folder import read_status
from gan_core.storage.store import Store
from gan_core.storage.workspace import read_json, write_json
from tests.builders import seeded_workspace
from tests.builders.seeded_workspace import DATASET, EXPORT, RUNS


@pytest.fixture
def full(workspace):
    seeded_workspace.seed(workspace.root)
    write_json(workspace.export(EXPORT) / "export.json", {"file": "birds.zip", "run": RUNS["finished"]})
    return workspace


def garbage(path):
    path.write_bytes(b"this is no database " * 500)


def truncated(path):
    os.truncate(path, path.stat().st_size // 2)


def flipped(path):
    """Every byte of the pages behind the first one."""
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(byte ^ 0xFF for byte in content[4096:]))


def flipped_header(path):
    content = path.read_bytes()
    path.write_bytes(content[:60] + b"\0\0\0\0" + content[64:])  # its version: 0


def emptied(path):
    os.truncate(path, 0)


def deleted(path):
    path.unlink()


DAMAGES = (garbage, truncated, flipped, flipped_header, emptied, deleted)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_rebuilt_and_kept_aside(full, damage):
    path, said = full.root / index_file.INDEX, []
    damage(path)
    there = path.read_bytes() if path.exists() else None
    store = open_index.open_index(full, check=True, told=said.append)
    assert {run.id for run in store.runs()} == set(RUNS.values())
    assert [one.id for one in store.datasets()] == [DATASET] and store.latest_job("export", EXPORT).state == "finished"
    assert len(said) == 1 and "1 dataset, 6 runs and 1 export" in said[0] and open_index.notice(full) == said[0]
    (aside,) = full.root.glob("*.damaged-*") if there is not None else (None,)
    assert aside is None or aside.read_bytes() == there
    open_index.dismiss(full)
    assert open_index.notice(full) is None
    open_index.open_index(full, check=True, told=said.append)
    assert len(said) == 1


def test_an_index_is_read_where_a_new_workspace_has_none(workspace):
    assert open_index.open_index(workspace).runs() == [] and open_index.notice(workspace) is None


def test_jobs_that_can_still_be_read_come_over(full):
    """One page of the runs is damaged: the queue stays as it was, with its order."""
    before = {job.id: job for job in Store(full).jobs()}
    db = sqlite3.connect(full.root / index_file.INDEX)
    page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()[0]
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with open(full.root / index_file.INDEX, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    store = open_index.open_index(full, check=True)
    assert {job.id: job for job in store.jobs()} == before and len(store.runs()) == len(RUNS)


@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"name": 1}'])
def test_a_damaged_description_costs_that_folder_only(full, content):
    folders = [f"runs/{RUNS['finished']}", f"datasets/{DATASET}", f"exports/{EXPORT}"]
    for folder, file in zip(folders, ("config.json", "dataset.json", "export.json"), strict=True):
        (full.root / folder / file).write_text(content)
    (full.root / index_file.INDEX).unlink()
    store = open_index.open_index(full)
    assert set(read_json(full.root / open_index.NOTICE)["unreadable"]) == set(folders)
    assert {run.id for run in store.runs()} == set(RUNS.values()) - {RUNS["finished"]} and not store.datasets()


def test_what_the_index_knows_of_a_run_with_a_damaged_description_stays(full, ganvas):
    path = full.run(RUNS["finished"]) / "config.json"
    path.write_text("{}")
    code, found, _ = ganvas("repair", "--json")
    assert code == 0 and found["unreadable"] == [f"runs/{RUNS['finished']}"]
    assert Store(full).run(RUNS["finished"]).config


def test_a_cell_that_is_no_json_counts_as_damage(store):
    queue.submit(store, "probe", "d1", {})
    with store.transaction() as db:
        db.execute("UPDATE jobs SET payload = '{\"a'")
    with pytest.raises(DamagedIndex):
        store.jobs()


def test_a_locked_index_is_no_damaged_one(full, monkeypatch):
    monkeypatch.setattr(sqlite3, "connect", short(sqlite3.connect))
    with contextlib.closing(sqlite3.connect(full.root / index_file.INDEX, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError) as refused:
            open_index.open_index(full, check=True)
    assert refused.value.code == "index_busy" and not list(full.root.glob("*.damaged-*"))


def short(connect):
    """sqlite3.connect that waits a moment only."""
    return lambda *values, **named: connect(*values, **named | {"timeout": 0.05})


@pytest.fixture
def in_training(store, toy_dataset, workspace, tiny, monkeypatch):
    """carry_out(disturb): train a run, and call disturb(), which gives back how to end it, once it has begun."""
    from gan_core.actions import Context
    from gan_core.actions.runs import new_run
    from gan_core.training import recorder

    monkeypatch.setattr(recorder, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(queue, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(queue, "LATER_SECONDS", 0.1)
    config = tiny("mlp", epochs=12, batch=10)
    job = new_run(Context(store, workspace, in_this_process=True), toy_dataset, config, "Tones")
    folder = workspace.run(job.subject)

    def carry_out(disturb):
        def other() -> None:
            while read_status(folder).get("images_seen", 0) < 60:
                time.sleep(0.005)
            undo = disturb()
            seen = read_status(folder)["images_seen"]
            until = time.monotonic() + 20
            while read_status(folder)["images_seen"] < seen + 200 and time.monotonic() < until:
                time.sleep(0.005)
            went_on.append(read_status(folder)["images_seen"] - seen)
            undo()

        went_on: list[int] = []
        thread = threading.Thread(target=other)
        thread.start()
        state = worker.carry_out(store, workspace, job, queue.Watch(store, job, interval_seconds=0.01))
        thread.join()
        return job, state, went_on[0]

    return carry_out


@pytest.mark.slow
def test_a_training_goes_on_while_the_index_is_locked_for_longer_than_it_waits(
    store, workspace, in_training, monkeypatch
):
    monkeypatch.setattr(sqlite3, "connect", short(sqlite3.connect))

    def lock():
        other = sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        (folder,) = (workspace.root / "runs").iterdir()

        def unlock():
            while read_status(folder)["phase"] != "finished":
                time.sleep(0.01)
            time.sleep(0.3)  # the end of the job is written later, too
            other.close()

        return unlock

    job, state, went_on = in_training(lock)
    assert state == "finished" and went_on >= 200
    ended = store.job(job.id)
    assert ended.state == "finished" and ended.result["images_seen"] == 720 and ended.error is None
    rows = [json.loads(line)["images_seen"] for line in (workspace.run(job.subject) / "metrics.jsonl").open()]
    assert rows == sorted(rows) and rows[-1] == 720


@pytest.mark.slow
def test_a_training_goes_on_while_the_index_is_damaged_and_rebuilt(store, workspace, in_training):
    """The server rebuilds it without a row of this job, which then puts its own back."""

    def harm():
        garbage(store.path)
        return lambda: open_index.open_index(workspace)

    job, state, went_on = in_training(harm)
    assert state == "finished" and went_on >= 200
    ended = store.job(job.id)
    assert (ended.state, ended.attempt, ended.result["images_seen"]) == ("finished", 1, 720)
    assert store.latest_job("train", job.subject).id == job.id


def test_a_run_that_trains_now_is_not_called_interrupted(full):
    folder = full.run(RUNS["running"])
    (full.root / index_file.INDEX).unlink()
    with run_lock.held(folder):
        store = open_index.open_index(full)
        assert store.latest_job("train", RUNS["running"]) is None
    assert store.latest_job("train", RUNS["failed"]).state == "interrupted"


def test_a_job_whose_row_was_lost_goes_on_and_puts_it_back(store):
    job = queue.submit(store, "evaluate", "r" + "1" * 16, {"samples": 3}, claim_on="")
    with store.transaction() as db:
        db.execute("DELETE FROM jobs")
    assert queue.Watch(store, job, 0)() is False
    assert store.job(job.id)._replace(heartbeat_at=None) == job._replace(heartbeat_at=None)
    with store.transaction() as db:
        db.execute("DELETE FROM jobs")
    assert queue.finish(store, job, "finished", result={"a": 1}) and store.job(job.id).result == {"a": 1}


def test_before_a_migration_the_index_is_copied(workspace):
    path = workspace.root / index_file.INDEX
    older(path, 3)
    store = Store(workspace)
    with contextlib.closing(sqlite3.connect(path.with_name(f"{path.name}.version-3"))) as copy:
        assert copy.execute("PRAGMA user_version").fetchone()[0] == 3
        assert copy.execute("SELECT name FROM datasets").fetchall() == [("Birds",)]
    assert store.datasets()[0].name == "Birds"


def test_without_its_copy_there_is_no_migration(workspace, monkeypatch):
    path = workspace.root / index_file.INDEX
    older(path, 3)

    def full_disk(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(index_file, "copy", full_disk)
    with pytest.raises(sqlite3.OperationalError):
        Store(workspace)
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 3


def older(path, version):
    with contextlib.closing(sqlite3.connect(path)) as db:
        for script in MIGRATIONS[:version]:
            db.executescript(script)
        db.execute("INSERT INTO datasets VALUES ('d1', 'Birds', 1)")
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()
