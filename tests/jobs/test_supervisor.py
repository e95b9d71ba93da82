import os
import subprocess
import sys
import time

import psutil

from gan_core.jobs import queue, supervisor


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
