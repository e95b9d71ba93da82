"""What a failed job is told as, and what became of a process that is gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from gan_core.jobs import failures, gpu, queue, supervisor, worker
from gan_core.storage.workspace import write_json
from gan_core.system.info import DEVICES_FILE

ROOT = Path(__file__).parents[2]
JOB = "r0123456789abcdef"
DIES = """
import os, sys, time
from gan_core.jobs import failures
from gan_core.storage.workspace import Workspace
failures.note_signals(Workspace(sys.argv[1]))
print("ready", flush=True)
time.sleep(float(sys.argv[2]))
"""


def submit(store, kind="train", **more):
    return queue.submit(store, kind, JOB, {}, claim_on="cpu", **more)


def ended(store, workspace, number, seconds=60.0, kind="train"):
    """The error of a job whose process, one that notes signals, ended by this signal; 0: by itself."""
    child = subprocess.Popen(
        [sys.executable, "-c", DIES, str(workspace.root), str(seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdout.readline() == b"ready\n"
    job = submit(store, kind)
    with store.transaction() as db:
        started = psutil.Process(child.pid).create_time()
        db.execute("UPDATE jobs SET pid = ?, pid_started_at = ? WHERE id = ?", (child.pid, started, job.id))
    if number:
        child.send_signal(number)
    child.wait(30)
    assert [lost.id for lost in supervisor.reconcile(store)] == [job.id]
    found = store.job(job.id)
    assert found.state == "interrupted"
    return found.error


def test_a_process_that_died_of_a_signal_is_told_apart_from_one_that_was_killed(store, workspace):
    crashed = ended(store, workspace, signal.SIGFPE)
    assert crashed["code"] == "crashed" and "Floating point" in crashed["what"] and "fp32" in crashed["todo"]
    assert "Resume" in crashed["todo"]
    (log,) = (workspace.root / "logs").glob("crash-*.log")
    assert log.name in crashed["what"] and "most recent call first" in log.read_text()
    killed = ended(store, workspace, signal.SIGKILL, kind="evaluate")
    assert killed["code"] == "interrupted" and "killed" in killed["what"] and "Resume" not in killed["todo"]
    assert list((workspace.root / "logs").glob("crash-*.log")) == [log]  # an empty file says no more


def test_a_full_disk_asks_to_resume_what_can_be_resumed_alone(store):
    for kind in ("train", "export"):
        todo = failures.cause(store, submit(store, kind), OSError(28, "full"))["todo"]
        assert ("esume" in todo) == (kind == "train") and "ree some space" in todo


def test_a_process_that_ended_by_itself_leaves_no_file(store, workspace):
    assert ended(store, workspace, 0, seconds=0.0)["code"] == "interrupted"
    assert not list((workspace.root / "logs").glob("crash-*"))


def test_the_file_of_an_older_process_of_the_same_number_says_nothing(store, workspace):
    job = submit(store)
    path = failures.crash_file(workspace.root, queue.HOST, job.pid)
    path.write_text("Fatal Python error: Segmentation fault\n")
    os.utime(path, (job.pid_started_at - 100,) * 2)
    assert failures.loss(store, job)["code"] == "interrupted"
    os.utime(path, (time.time(),) * 2)
    assert failures.loss(store, job)["code"] == "crashed"


def test_a_restart_of_the_computer_is_told_as_such(store, monkeypatch):
    job = submit(store)
    monkeypatch.setattr(psutil, "boot_time", lambda: time.time() + 5)
    told = failures.loss(store, job)
    assert told["code"] == "interrupted" and "restarted" in told["what"]


@pytest.fixture
def torch_with_gpu(monkeypatch):
    """torch as it reports a GPU that this process uses; returns what was called of it."""
    import torch

    calls = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: calls.append("synchronize"))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append("empty_cache"))
    return calls


def lose(monkeypatch, text="CUDA error: unspecified launch failure"):
    import torch

    def synchronize(*_):
        raise torch.AcceleratorError(text)

    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)


def test_a_gpu_that_goes_away_is_one_sentence_and_the_run_can_be_resumed(store, workspace, monkeypatch, torch_with_gpu):
    def handler(*_):
        lose(monkeypatch)
        raise RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later")

    monkeypatch.setattr(worker, "handler", lambda kind: handler)
    job = submit(store)
    worker.carry_out(store, workspace, job, queue.Watch(store, job))
    told = store.job(job.id)
    assert told.state == "failed" and told.error["code"] == "gpu_fault"
    assert told.error["todo"].startswith("Resume") and "\n" not in told.error["what"]


def test_an_error_of_a_gpu_that_still_answers_is_a_bug(store, torch_with_gpu):
    assert failures.cause(store, submit(store), RuntimeError("CUDA error: invalid argument"))["code"] == "bug"


def test_a_full_gpu_is_not_lost(monkeypatch, torch_with_gpu):
    assert not gpu.is_lost()
    lose(monkeypatch, "CUDA error: out of memory")
    assert not gpu.is_lost()
    lose(monkeypatch)
    assert gpu.is_lost()


def post(workspace, lane="light"):
    return worker.Post(lane, "", workspace)


@pytest.mark.slow
def test_a_worker_gives_memory_back_after_each_job(store, workspace, monkeypatch, torch_with_gpu):
    monkeypatch.setattr(worker, "handler", lambda kind: lambda *_: {})
    for _ in range(2):
        queue.submit(store, "probe", JOB, {})
    with worker.Shutdown() as shutdown:
        worker.serve(store, post(workspace), 0.3, shutdown)
    assert torch_with_gpu.count("empty_cache") == 2


def test_a_worker_whose_gpu_is_lost_ends_and_another_one_takes_what_waits(
    store, workspace, monkeypatch, torch_with_gpu, started
):
    def handler(*_):
        lose(monkeypatch)
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(worker, "handler", lambda kind: handler)
    jobs = [queue.submit(store, "probe", JOB, {}) for _ in range(2)]
    with worker.Shutdown() as shutdown:
        worker.keep_post(store, post(workspace), 30.0, shutdown)
    assert [store.job(job.id).state for job in jobs] == ["failed", "queued"]
    assert store.job(jobs[0].id).error["code"] == "gpu_fault" and started
    assert "empty_cache" not in torch_with_gpu  # which would fail


def test_only_a_job_on_the_same_device_is_beside_another(store, workspace):
    write_json(workspace.root / DEVICES_FILE, {"gpus": [{"name": "A"}, {"name": "B"}]})
    probe = queue.submit(store, "probe", JOB, {}, claim_on="")
    queue.submit(store, "import", JOB, {}, claim_on="")  # has no network
    assert failures.beside(store, probe) == ""
    queue.submit(store, "train", JOB, {}, claim_on="cuda:1")
    assert failures.beside(store, probe) == ""
    first = queue.submit(store, "train", JOB, {}, claim_on="cuda:0")
    assert failures.beside(store, probe) == "a training" and failures.beside(store, first) == "an estimate"
    told = failures.cause(store, probe, MemoryError())
    assert told["code"] == "out_of_memory" and "a training" in told["what"] and "a training" in told["todo"]
