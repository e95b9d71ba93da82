import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from gan_core import actions
from gan_core.errors import UserError
from gan_core.jobs import failures, process_identity, queue, supervisor
from gan_core.jobs.start_tries import MOST_STARTS, StartTries
from gan_core.storage import run_lock


@pytest.fixture(autouse=True)
def only_workers_of_the_test(monkeypatch):
    """Other tests of this process leave workers that wait for jobs for a minute."""
    monkeypatch.setattr(supervisor, "STARTED", [])


def submit(store, kind="train", **more):
    return queue.submit(store, kind, "r0123456789abcdef", {"a": 1}, **more)


def test_a_job_whose_process_is_gone_is_interrupted_and_a_live_one_is_not(store):
    submit(store)
    mine = queue.claim(store, "train")
    submit(store)
    other = queue.claim(store, "train")
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    with store.transaction() as db:
        db.execute("UPDATE jobs SET pid = ? WHERE id = ?", (child.pid, other.id))
    assert [job.id for job in supervisor.reconcile(store)] == [other.id]
    assert store.job(other.id).state == "interrupted" and "Resume" in store.job(other.id).error["todo"]
    assert store.job(mine.id).state == "running" and mine.pid == os.getpid()


def test_a_zombie_and_a_reused_pid_are_dead():
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # until it has exited
    started = psutil.Process(child.pid).create_time()
    assert not supervisor.alive(child.pid, started)  # exited, not yet reaped
    child.wait()
    assert not supervisor.alive(os.getpid(), started - 1000)  # our pid, another start time


def test_one_worker_per_lane(workspace):
    with supervisor.lane_lock(workspace, "train") as mine:
        assert mine
        with supervisor.lane_lock(workspace, "train") as second, supervisor.lane_lock(workspace, "light") as other_lane:
            assert not second and other_lane
    with supervisor.lane_lock(workspace, "train") as again:
        assert again


@pytest.mark.slow
def test_a_real_worker_does_a_queued_import_and_outlives_its_parent(store, workspace):
    """The whole way: row, process, handler, dataset folder."""
    from gan_core import actions
    from gan_core.requests import ImportRequest

    job = actions.import_dataset(actions.Context(store, workspace), ImportRequest(source="demo:shapes"))
    deadline = time.monotonic() + 60
    while store.job(job.id).live and time.monotonic() < deadline:
        time.sleep(0.2)
    done = store.job(job.id)
    assert done.state == "finished", done.error
    assert [d.id for d in store.datasets()] == [job.subject]
    assert sum(done.result["classes"].values()) == 600
    for child in supervisor.STARTED:
        assert os.getsid(child.pid) != os.getsid(0)  # Ctrl-C of the server does not reach it
        child.terminate()
        child.wait(10)


RUN = "r0123456789abcdef"


def running(store, **columns):
    """A training that runs in a process as these columns say."""
    submit(store)
    job = queue.claim(store, "train")
    with store.transaction() as db:
        for name, value in columns.items():
            db.execute(f"UPDATE jobs SET {name} = ? WHERE id = ?", (value, job.id))
    return store.job(job.id)


def test_a_clock_step_and_the_start_time_in_seconds_say_nothing(store):
    job = running(store, pid_started_at=1.0, heartbeat_at=1.0, started_at=1.0)
    assert supervisor.reconcile(store) == [] and store.job(job.id).state == "running"


def test_one_tick_apart_is_another_process(store):
    job = running(store)
    with store.transaction() as db:
        db.execute("UPDATE jobs SET ticks = ticks + 1")
    assert [lost.id for lost in supervisor.reconcile(store)] == [job.id]


def test_a_process_of_another_pid_namespace_lives_while_it_holds_the_lock_of_its_run(store, workspace, monkeypatch):
    job = running(store, namespace="pid:[1]", pid=999999999)
    monkeypatch.setattr(supervisor, "HEARTBEAT_LOST_SECONDS", 0.0)
    workspace.run(RUN).mkdir()
    with run_lock.held(workspace.run(RUN)):
        assert supervisor.reconcile(store) == []
    assert [lost.id for lost in supervisor.reconcile(store)] == [job.id]


@pytest.mark.slow
def test_a_look_from_another_pid_namespace_declares_no_death(store, workspace):
    """As `docker run` or a sandbox has one of its own: there the process is not in /proc."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        job = running(store, pid=child.pid, ticks=process_identity.start_ticks(child.pid))
        words = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
            pytest.skip("this system lets nobody make a pid namespace")
        command = [sys.executable, "-m", "gan_core", "--workspace", str(workspace.root), "runs"]
        done = subprocess.run(
            [*words, *command], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert store.job(job.id).state == "running"
    finally:
        child.kill()
        child.wait()
    assert [lost.id for lost in supervisor.reconcile(store)] == [job.id]


def test_after_a_restart_of_the_computer_its_jobs_are_interrupted(store, monkeypatch):
    job = running(store, boot="before", heartbeat_at=psutil.boot_time() - 100)
    assert [lost.id for lost in supervisor.reconcile(store)] == [job.id]
    assert "restarted" in store.job(job.id).error["what"]


def test_a_frozen_process_can_be_ended_by_force(context, store):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    child.send_signal(signal.SIGSTOP)
    job = running(store, pid=child.pid, ticks=process_identity.start_ticks(child.pid))
    supervisor.force_stop(store, job)
    assert child.wait(5) == -signal.SIGKILL and store.job(job.id).state == "interrupted"
    assert any("force" in text for _, text in store.events(job.id))
    with pytest.raises(UserError, check=lambda error: error.code == "not_running"):
        supervisor.force_stop(store, store.job(job.id))


@pytest.mark.parametrize("columns", [{"boot": "of another host", "host": "node7"}, {"namespace": "pid:[1]"}])
def test_what_cannot_be_seen_is_never_killed(store, columns):
    job = running(store, **columns)  # the pid is that of this very process
    with pytest.raises(UserError, check=lambda error: error.code == "run_in_use"):
        supervisor.force_stop(store, job)


def test_a_reused_pid_is_never_killed(store):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        job = running(store, pid=child.pid, ticks=1)
        supervisor.force_stop(store, job)
        assert child.poll() is None and store.job(job.id).state == "interrupted"
    finally:
        child.kill()
        child.wait()


def broken_start(monkeypatch, tmp_path, text="raise ImportError('no module named pixels')"):
    """From now on a worker runs this code instead."""
    (tmp_path / "broken").write_text(text)
    started = subprocess.Popen

    def start(words, **options):
        return started([sys.executable, str(tmp_path / "broken")], **options)

    monkeypatch.setattr(supervisor.subprocess, "Popen", start)


def wait_for_children():
    for child in supervisor.STARTED:
        child.wait(30)


def test_a_worker_that_cannot_start_fails_its_jobs_with_the_reason_after_three_tries(
    store, workspace, monkeypatch, tmp_path
):
    broken_start(monkeypatch, tmp_path)
    job, other = submit(store), submit(store, "import")
    for number in range(1, MOST_STARTS + 1):
        supervisor.ensure_workers(store, workspace)
        wait_for_children()
        assert StartTries(workspace, "train").number == number and store.job(job.id).state == "queued"
    supervisor.ensure_workers(store, workspace)
    ended = store.job(job.id)
    assert ended.state == "failed" and ended.error["code"] == "no_worker" in failures.JOB_FAILURES
    assert "no module named pixels" in ended.error["what"] and "Resume" in ended.error["todo"]
    assert store.job(other.id).state == "failed"
    assert StartTries(workspace, "train").number == 0  # a resume tries again
    wait_for_children()


def test_while_a_worker_starts_no_second_one_does_and_one_that_hangs_is_ended(store, workspace, monkeypatch, tmp_path):
    broken_start(monkeypatch, tmp_path, "import time; time.sleep(60)")
    submit(store)
    supervisor.ensure_workers(store, workspace)
    (first,) = supervisor.STARTED[-1:]
    supervisor.ensure_workers(store, workspace)
    assert supervisor.STARTED[-1] is first and StartTries(workspace, "train").number == 1
    monkeypatch.setattr("gan_core.jobs.start_tries.START_SECONDS", 0.0)
    supervisor.ensure_workers(store, workspace)
    assert first.wait(10) == -signal.SIGKILL and StartTries(workspace, "train").number == 2
    supervisor.STARTED[-1].kill()
    wait_for_children()


def test_a_run_whose_worker_died_before_it_took_it_is_resumed_here(context, store, workspace, toy_dataset, tiny):
    waiting = queue.submit(store, "train", actions.train(context, toy_dataset, tiny()).subject, {})
    with store.transaction() as db:
        db.execute("DELETE FROM jobs WHERE id != ?", (waiting.id,))
    with supervisor.lane_lock(workspace, "train"), pytest.raises(UserError):  # a worker is there
        actions.resume(context, waiting.subject)
    taken = actions.resume(context, waiting.subject)
    assert taken.id == waiting.id and taken.state == "running" and taken.pid == os.getpid()
    with pytest.raises(UserError, check=lambda error: error.code == "already_running"):
        actions.resume(context, waiting.subject)


@pytest.mark.parametrize("most, resumed", [("", 0), ("0", 0), ("2", 2), ("no", 0)])
def test_a_lost_run_is_resumed_by_itself_so_many_times_in_a_row(
    context, store, toy_dataset, tiny, monkeypatch, most, resumed
):
    monkeypatch.setenv("GANVAS_RESUME", most)
    waiting = context._replace(in_this_process=False, starts_workers=False)
    run = actions.train(waiting, toy_dataset, tiny()).subject
    count = 0
    while job := queue.claim(store, "train"):
        with store.transaction() as db:
            db.execute("UPDATE jobs SET ticks = 1 WHERE id = ?", (job.id,))  # killed
        actions.resume_lost(waiting, supervisor.reconcile(store))
        count += 1
    assert count == 1 + resumed and store.latest_job("train", run).state == "interrupted"
