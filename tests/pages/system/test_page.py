"""The System page: devices without torch, the queue, a cleanup that asks first, optional parts."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from gan_core.jobs import queue, worker
from gan_core.storage import limits
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, write_json
from gan_core.system import info, throughput
from pages.system.queue import JOB_TITLES
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page, words
from tests.storage.test_cleanup import kept, run  # noqa: F401  a fixture

FACTS = {"looked_at": 0.0, "torch": "2.11.0", "cuda": "13.0", "threads": 4, "bf16": True}
GPU = {"name": "NVIDIA <b>H100</b>", "memory_bytes": 80_000_000_000, "capability": "9.0", "bf16": True}


@pytest.mark.slow
def test_unchecked_devices_are_checked_once(empty, started):
    at = open_page("system")
    assert "No worker has checked" in words(at)
    at.button(key="system_look").click().run()
    at.run()
    waiting = Store(empty).jobs(kind="system")
    assert len(waiting) == 1 and waiting[0].state == "queued" and started
    job = queue.claim(Store(empty), "light")
    assert worker.carry_out(Store(empty), empty, job, queue.Watch(Store(empty), job)) == "finished"
    at = open_page("system")
    assert "No worker has checked" not in words(at) and {metric.label for metric in at.metric} >= {"torch", "GPUs"}


def test_a_gpu_is_shown_by_its_name(empty):
    write_json(empty.root / info.DEVICES_FILE, FACTS | {"gpus": [GPU]})
    at = open_page("system")
    table = next(frame.value for frame in at.dataframe if "capability" in frame.value)
    assert list(table["GPU"]) == [GPU["name"]] and list(table["memory"]) == ["80 GB"]
    assert "**CUDA**: installed, NVIDIA" in words(at)


@pytest.mark.parametrize("content", ["", "{", "[1]"])
def test_damaged_device_facts_count_as_none(content, empty):
    (empty.root / info.DEVICES_FILE).write_text(content)
    assert "No worker has checked" in words(open_page("system"))


def test_live_jobs_stand_by_lane_with_a_sign_of_life_and_can_be_ended(full):
    at = open_page("system")
    text = words(at)
    assert (
        "Birds" in text and "Running" in text and "is alive" in text and "last progress" in text and "Waiting" in text
    )
    store = Store(full)
    live = {job.state: job for job in store.jobs(kind="train", states=("queued", "running"))}
    for job in live.values():
        at.button(key=f"job_cancel_{job.id}").click().run()
    assert store.job(live["queued"].id).state == "stopped" and store.job(live["running"].id).control == "stop"


def test_a_dead_process_is_called_dead(full):
    with Store(full).transaction() as db:
        db.execute("UPDATE jobs SET pid = 999999999 WHERE state = 'running'")
    assert "has died" in words(open_page("system"))


def test_a_cleanup_asks_first(empty, run):  # noqa: F811
    at = open_page("system")
    at.button(key="cleanup_start_checkpoints").click().run()
    assert len(kept(empty, run)) == 4
    at.button(key="cleanup_keep_checkpoints").click().run()
    assert len(kept(empty, run)) == 4
    at.button(key="cleanup_start_checkpoints").click().run()
    assert "2.1 kB" in at.button(key="cleanup_remove_checkpoints").label
    at.button(key="cleanup_remove_checkpoints").click().run()
    assert kept(empty, run) == [200, 400] and "2 pieces removed" in words(at)
    assert at.button(key="cleanup_start_checkpoints").disabled


@pytest.fixture
def workspace(empty):
    return empty


def test_speeds_are_medians_by_recipe_size_and_device(full):
    store = Store(full)
    with store.transaction() as db:
        db.execute("DELETE FROM jobs WHERE kind = 'train'")
    done = {"images_seen": 1000, "elapsed_seconds": 10.0, "images_per_second": 7.0, "device": "cpu"}
    seeded_workspace.add_job(store, "train", seeded_workspace.RUNS["finished"], "finished", {}, result=done)
    asked = {"config": {"recipe": "quick"}}
    for speed in (300.0, 200.0):
        told = {"images_per_second": speed, "device": "cpu"}
        seeded_workspace.add_job(store, "probe", seeded_workspace.DATASET, "finished", asked, result=told)
    assert throughput.speeds(store, full) == [throughput.Speed("quick", 32, "cpu", 200.0, 3)]


def test_parts_are_found_without_importing_them(tmp_path):
    """In a process of its own: neither torch nor any optional part is loaded by asking for it."""
    script = (
        "import sys; from gan_core.system import info; from gan_core.storage.workspace import Workspace; "
        f"found = info.optional_parts(Workspace({str(tmp_path)!r})); "
        "print([p.here is not None for p in found if p.title == 'onnxruntime'], "
        "set(sys.modules) & {'torch', 'av', 'onnxruntime', 'tensorboard', 'mlflow', 'wandb'})"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[True] set()"


def test_inception_weights_are_looked_for_where_a_measurement_does(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub-of-nobody"))
    monkeypatch.delenv("GANVAS_INCEPTION_WEIGHTS", raising=False)
    workspace = Workspace(tmp_path / "ws")
    assert info.inception_weights(workspace) is None
    (workspace.root / "weights" / info.INCEPTION_FILE).touch()
    assert "workspace" in info.inception_weights(workspace)
    monkeypatch.setenv("GANVAS_INCEPTION_WEIGHTS", str(tmp_path / "absent"))
    assert info.inception_weights(workspace) is None  # a measurement would refuse


def test_every_kind_of_job_has_a_title():
    assert JOB_TITLES.keys() == queue.LANES.keys()


def test_each_device_says_what_it_trains_or_that_it_is_free(full):
    write_json(full.root / info.DEVICES_FILE, FACTS | {"gpus": [GPU, GPU]})
    with Store(full).transaction() as db:
        db.execute("UPDATE jobs SET device = 'cuda:1', message = '' WHERE state = 'running'")
        db.execute("UPDATE jobs SET device_wanted = 'cuda:0' WHERE state = 'queued'")
    at = open_page("system")
    table = next(frame.value for frame in at.dataframe if "training" in frame.value)
    assert list(table["device"]) == ["cuda:0", "cuda:1", "cpu"]
    assert list(table["training"]) == ["free", "Birds, running, 43%", "free"]
    text = letters(at)
    assert "on cuda:1 is alive" in text and "It waits for cuda:0" in text and "2 devices are free" in text


def test_a_run_on_the_cluster_is_shown_with_its_host(full, monkeypatch):
    monkeypatch.setenv("GANVAS_CLUSTER", "slurm")
    with Store(full).transaction() as db:
        db.execute(
            "UPDATE jobs SET cluster_job = '41', host = 'node7', heartbeat_at = ? WHERE state = 'running'",
            (time.time(),),
        )
    at = open_page("system")
    table = next(frame.value for frame in at.dataframe if "training" in frame.value)
    assert list(table["host"]) == ["node7"] and "of node7 is alive" in words(at)


@pytest.mark.slow
def test_limits_are_kept(empty):
    at = open_page("system")
    at.number_input(key="limit_runs_gb").set_value(2.5)
    at.number_input(key="limit_queued_runs").set_value(3)
    at.button(key="limits_save").click().run()
    assert limits.read(empty) == limits.Limits(runs_gb=2.5, queued_runs=3) and "saved" in words(at)
