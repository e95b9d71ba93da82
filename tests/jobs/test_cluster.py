"""Trainings on a cluster: what Slurm gets, by stand-ins for its programs; and whole runs by submitit's local executor."""

import os
import signal
import time

import psutil
import pytest

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.jobs import cluster, queue, supervisor, worker
from gan_core.requests import SweepRequest
from gan_core.storage import checkpoints
from gan_core.storage.run_folder import read_status

SBATCH = """#!/bin/sh
cp "$1" "{folder}/script-$(ls {folder} | wc -l).sh"
echo "Submitted batch job 4$(ls {folder} | wc -l)"
"""
REFUSES = """#!/bin/sh
echo "sbatch: error: invalid partition specified: gpuu" >&2
exit 1
"""
SACCT = """#!/bin/sh
echo "JobID|State|NodeList"
cat "{folder}/states"
"""


@pytest.fixture
def context(store, workspace):
    return Context(store, workspace)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder of programs that answer as Slurm's do; what sbatch got lies in the folder that is returned."""
    programs, folder = tmp_path / "bin", tmp_path / "got"
    programs.mkdir()
    folder.mkdir()
    for name, text in (("srun", "#!/bin/sh\n"), ("sbatch", SBATCH), ("sacct", SACCT)):
        (programs / name).write_text(text.format(folder=folder))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("GANVAS_CLUSTER", "slurm")
    cluster.watcher.cache_clear()
    return folder


def scripts(folder) -> list[str]:
    return [path.read_text() for path in sorted(folder.glob("script-*.sh"))]


def test_a_run_is_handed_over_once_with_its_gpu_its_time_and_its_own_options(
    slurm, context, toy_dataset, tiny, monkeypatch
):
    monkeypatch.setenv("GANVAS_CLUSTER_OPTIONS", "slurm_partition=gpu timeout_min=90")
    job = actions.train(context, toy_dataset, tiny(device="auto"))
    supervisor.ensure_workers(context.store, context.workspace)
    (script,) = scripts(slurm)
    assert "--gpus-per-node=1" in script and "--time=90" in script and "--partition=gpu" in script
    assert f"cd {cluster.PROJECT}" in script and "--signal=USR2@180" in script
    waiting = context.store.job(job.id)
    assert waiting.state == "queued" and waiting.cluster_job == "41"


def test_a_run_that_wants_the_cpu_asks_for_no_gpu_and_several_are_an_array(slurm, context, toy_dataset, tiny):
    small = tiny(device="cpu").model_dump(exclude={"recipe", "seed"})
    actions.sweep(context, toy_dataset, SweepRequest(seeds=3), small)
    supervisor.ensure_workers(context.store, context.workspace)
    (text,) = scripts(slurm)
    assert "--gpus-per-node=0" in text and "gpus-per-node=1" not in text and "--array=0-2" in text
    assert [job.cluster_job for job in context.store.waiting("train")] == ["41_0", "41_1", "41_2"]


def test_a_sweep_that_is_resumed_is_one_array_again(slurm, context, toy_dataset, tiny):
    small = tiny(device="cpu").model_dump(exclude={"recipe", "seed"})
    actions.sweep(context, toy_dataset, SweepRequest(seeds=3, name="Three"), small)
    actions.stop_sweep(context, "Three")
    assert len(actions.resume_sweep(context, "Three").done) == 3
    assert len(scripts(slurm)) == 2 and all("--array=0-2" in script for script in scripts(slurm))
    assert {job.cluster_job for job in context.store.waiting("train")} == {"42_0", "42_1", "42_2"}


def test_what_the_cluster_refuses_has_failed_and_can_be_resumed(slurm, context, toy_dataset, tiny):
    sbatch = slurm.parent / "bin" / "sbatch"
    good = sbatch.read_text()
    sbatch.write_text(REFUSES)
    job = context.store.job(actions.train(context, toy_dataset, tiny()).id)
    assert job.state == "failed" and job.error["code"] == "cluster_refused" and job.error["todo"].endswith(".")
    sbatch.write_text(good)
    assert actions.resume(context, job.subject).state == "queued" and len(scripts(slurm)) == 1


def test_a_run_whose_job_was_cancelled_before_it_began_does_not_wait_for_ever(slurm, context, toy_dataset, tiny):
    job = actions.train(context, toy_dataset, tiny())
    (slurm / "states").write_text("41|PENDING|None\n")
    supervisor.ensure_workers(context.store, context.workspace)
    assert context.store.job(job.id).state == "queued"
    cluster.watcher().clear()
    (slurm / "states").write_text("41|CANCELLED by 0|None\n")
    supervisor.ensure_workers(context.store, context.workspace)
    assert context.store.job(job.id).error["code"] == "cluster_ended"


@pytest.mark.parametrize(
    "name, options",
    [("pbs", ""), ("slurm", ""), ("local", "partition"), ("local", "a-b=1")],  # slurm: there is no sbatch here
)
def test_a_cluster_that_cannot_be_used_refuses_the_run_before_it_is_queued(
    context, toy_dataset, tiny, monkeypatch, name, options
):
    monkeypatch.setenv("GANVAS_CLUSTER", name)
    monkeypatch.setenv("GANVAS_CLUSTER_OPTIONS", options)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError) as refused:
        actions.train(context, toy_dataset, tiny())
    assert refused.value.code == "no_cluster" and not context.store.runs() and not context.store.jobs()


def test_without_submitit_the_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setenv("GANVAS_CLUSTER", "local")
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError) as refused:
        cluster.check()
    assert refused.value.code == "no_cluster" and "pip install submitit" in refused.value.todo


def test_a_job_of_another_host_lives_by_its_heartbeat(store, monkeypatch):
    queue.submit(store, "train", "r0123456789abcdef", {})
    job = queue.claim(store, "train")
    with store.transaction() as db:  # its process id means nothing here
        db.execute("UPDATE jobs SET host = 'node7', pid = 999999999 WHERE id = ?", (job.id,))
        db.execute("UPDATE jobs SET boot = 'of node7' WHERE id = ?", (job.id,))
    assert supervisor.reconcile(store) == []
    with store.transaction() as db:  # its clock, or ours, is an hour off: that says nothing
        db.execute("UPDATE jobs SET heartbeat_at = heartbeat_at - 3600 WHERE id = ?", (job.id,))
    assert supervisor.reconcile(store) == []
    monkeypatch.setattr(supervisor, "HEARTBEAT_LOST_SECONDS", 0.3)
    time.sleep(0.2)
    with store.transaction() as db:  # another heartbeat
        db.execute("UPDATE jobs SET heartbeat_at = heartbeat_at + 15 WHERE id = ?", (job.id,))
    assert supervisor.reconcile(store) == []
    time.sleep(0.2)
    assert supervisor.reconcile(store) == []
    time.sleep(0.2)
    assert [lost.id for lost in supervisor.reconcile(store)] == [job.id]
    assert queue.finish(store, job, "finished") is False  # the fence: the lost process, back again, may not write


def test_the_signal_before_the_time_limit_queues_the_run_again(store, workspace, monkeypatch):
    """SIGUSR2: stopped by the computer, so it waits again; the same after a stop of its user stays stopped."""

    def handler(store, workspace, job, watch):
        os.kill(os.getpid(), signal.SIGUSR2)
        assert watch() or watch()
        return {}

    monkeypatch.setattr(worker, "handler", lambda kind: handler)
    for by_user, ends in ((False, "queued"), (True, "stopped")):
        queue.submit(store, "train", "r0123456789abcdef", {})
        job = queue.claim(store, "train")
        after = queue.submit(store, "evaluate", job.subject, {}, after=job.id)
        if by_user:
            queue.control(store, job.id, "stop")
        with worker.Shutdown() as shutdown:
            assert worker.work(store, workspace, job, shutdown) == ends
        assert store.job(job.id).state == ends
        texts = [text for _, text in store.events(job.id)]
        assert ("stopped" in texts) is by_user  # else another worker could have failed what waits for it
        assert store.job(after.id).state == "queued"
        queue.cancel(store, job.id) if ends == "queued" else None


def test_a_signal_between_the_claim_and_the_job_stops_the_job(store, workspace, monkeypatch):
    monkeypatch.setattr(worker, "handler", lambda kind: lambda store, workspace, job, watch: {"stopped": watch()})
    queue.submit(store, "train", "r0123456789abcdef", {})
    with worker.Shutdown() as shutdown:
        job = queue.claim(store, "train")
        os.kill(os.getpid(), signal.SIGUSR2)
        assert worker.work(store, workspace, job, shutdown) == "queued"


def wait_until(done, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.2)


@pytest.fixture
def local(monkeypatch):
    """submitit's local executor; what it started is ended."""
    monkeypatch.setenv("GANVAS_CLUSTER", "local")
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    for child in psutil.Process().children(recursive=True):
        if child.pid not in before:
            child.kill()


@pytest.mark.slow
def test_a_run_on_the_cluster_is_claimed_stopped_at_the_limit_and_gone_on_with(local, context, toy_dataset, tiny):
    store, folder = context.store, context.workspace.run
    job = actions.train(context, toy_dataset, tiny(epochs=100_000.0))
    wait_until(lambda: read_status(folder(job.subject)).get("images_seen"))
    running = store.job(job.id)
    assert (running.state, running.attempt, running.device) == ("running", 1, None) and running.cluster_job
    assert running.pid not in (None, os.getpid()) and running.host == queue.HOST
    os.kill(running.pid, signal.SIGUSR2)  # as the scheduler does before the time limit
    wait_until(lambda: store.job(job.id).attempt == 2)
    again = store.job(job.id)
    assert again.state == "running" and again.cluster_job != running.cluster_job
    seen = max(checkpoints.of_run(folder(job.subject)))
    wait_until(lambda: read_status(folder(job.subject)).get("images_seen", 0) > seen)
    queue.control(store, job.id, "stop")
    wait_until(lambda: not store.job(job.id).live)
    assert store.job(job.id).state == "stopped" and max(checkpoints.of_run(folder(job.subject))) > seen
    assert "resumed" in (folder(job.subject) / "events.jsonl").read_text()


@pytest.mark.slow
def test_a_sweep_on_the_cluster_finishes(local, context, toy_dataset, tiny):
    small = tiny(epochs=1.0).model_dump(exclude={"recipe", "seed"})
    queued = actions.sweep(context, toy_dataset, SweepRequest(seeds=2, name="Two"), small)
    wait_until(lambda: not any(context.store.job(job.id).live for job in queued.jobs))
    ended = [context.store.job(job.id) for job in queued.jobs]
    assert [job.state for job in ended] == ["finished"] * 2, [job.error for job in ended]
    assert len({job.cluster_job for job in ended}) == 2 and all(job.result["images_seen"] >= 60 for job in ended)
