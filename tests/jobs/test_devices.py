"""Which device takes which run. The devices are what a worker is said to have detected: no GPU is needed."""

import pytest

from gan_core.errors import FieldErrors
from gan_core.jobs import cluster, devices, queue, supervisor
from gan_core.jobs.handlers.train import RESULT_KEYS, train
from gan_core.storage.workspace import write_json
from gan_core.system.info import DEVICES_FILE

TWO = ["cuda:0", "cuda:1", "cpu"]
UNFINISHED = dict.fromkeys(RESULT_KEYS) | {"phase": "stopped"}
GPU = {"name": "GPU", "memory_bytes": 1, "capability": "9.0", "bf16": True}


@pytest.fixture
def two_gpus(workspace):
    write_json(workspace.root / DEVICES_FILE, {"looked_at": 0.0, "gpus": [GPU, GPU]})


@pytest.fixture
def workers(monkeypatch):
    """(lock, options, environment) of every worker that was asked for."""
    calls = []
    monkeypatch.setattr(
        supervisor,
        "ensure_worker",
        lambda workspace, name, options, environment={}: calls.append((name, options, environment)),
    )
    return calls


def submit(store, device="auto", kind="train"):
    return queue.submit(store, kind, "r0123456789abcdef", {}, device=device)


@pytest.mark.parametrize(
    "wanted, by",
    [
        ("auto", ["cuda:0", "cuda:1"]),
        ("cuda", ["cuda:0", "cuda:1"]),
        ("cuda:1", ["cuda:1"]),
        ("cpu", ["cpu"]),
        ("cuda:7", ["cuda:0"]),  # which refuses it with a sentence
    ],
)
def test_each_wish_is_taken_by_the_devices_that_fulfil_it(wanted, by):
    assert [device for device in TWO if devices.takes(device, wanted, TWO)] == by
    assert devices.takes("cpu", wanted, ["cpu"])  # the only device takes all


def test_the_devices_are_those_that_a_worker_detected(workspace, two_gpus):
    assert devices.known(workspace) == TWO and devices.detected(workspace)


def test_before_any_worker_there_is_one_device(workspace):
    assert devices.known(workspace) == ["cpu"] and not devices.detected(workspace)


def test_as_many_workers_start_as_runs_can_train_at_once(store, workspace, two_gpus, workers):
    submit(store)
    supervisor.ensure_workers(store, workspace)
    assert workers == [("train", ["--lane", "train"], {})]
    submit(store, "cuda:0")
    submit(store, "cpu")
    submit(store)
    workers.clear()
    supervisor.ensure_workers(store, workspace)
    assert {name: options[2:] for name, options, _ in workers} == {
        "train": [],
        "train-cuda-1": ["--device", "cuda:1"],
        "train-cpu": ["--device", "cpu"],
    }


def test_a_busy_device_leaves_the_next_run_to_a_free_one(store, workspace, two_gpus, workers):
    submit(store)
    assert queue.claim(store, "train", "cuda:0").device == "cuda:0"
    submit(store)
    supervisor.ensure_workers(store, workspace)
    assert [name for name, _, _ in workers] == ["train-cuda-1"]
    assert devices.pick(store, workspace, "auto") == "cuda:1" and devices.pick(store, workspace, "cuda:0") == "cuda:0"


def test_a_worker_sees_its_gpu_alone(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert devices.environment("cuda:0", TWO) == {} == devices.environment("cpu", ["cpu"])
    assert devices.environment("cuda:1", TWO) == {"CUDA_VISIBLE_DEVICES": "1", "GANVAS_DEVICE": "cuda:1"}
    assert devices.environment("cpu", TWO) == {"CUDA_VISIBLE_DEVICES": ""}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, GPU-8f2c")
    assert devices.environment("cuda:1", TWO)["CUDA_VISIBLE_DEVICES"] == "GPU-8f2c"


@pytest.mark.parametrize("before, own", [(None, "1"), ("4,7", "7")])
def test_what_a_worker_starts_does_not_inherit_its_gpu(monkeypatch, before, own):
    """As after a lost GPU, when the worker of the second one starts those that go on."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if before:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", before)
    for name, value in devices.environment("cuda:1", TWO).items():  # now this process is that worker
        monkeypatch.setenv(name, value)
    assert devices.inherited().get("CUDA_VISIBLE_DEVICES") == before and devices.GIVEN not in devices.inherited()
    assert devices.environment("cuda:1", TWO)["CUDA_VISIBLE_DEVICES"] == own


def test_a_training_of_another_host_keeps_no_device_of_this_one_busy(store):
    submit(store)
    job = queue.claim(store, "train", "cuda:0")
    assert set(devices.busy(store)) == {"cuda:0"}
    with store.transaction() as db:
        db.execute("UPDATE jobs SET host = 'node7' WHERE id = ?", (job.id,))
    assert devices.busy(store) == {}


def test_a_gpu_that_is_not_there_is_refused_before_anything_is_queued(context, workspace, two_gpus, toy_dataset, tiny):
    from gan_core import actions

    with pytest.raises(FieldErrors) as refused:
        actions.train(context, toy_dataset, tiny(device="cuda:2"))
    assert set(refused.value.fields) == {"device"} and not context.store.runs()
    job = actions.train(context, toy_dataset, tiny(device="cuda:1"))
    assert (job.device_wanted, job.device) == ("cuda:1", "cuda:1")


def test_a_resumed_run_wants_its_device_again(context, workspace, two_gpus, toy_dataset, tiny):
    from gan_core import actions

    job = actions.train(context, toy_dataset, tiny(device="cpu"))
    queue.finish(context.store, job, "stopped")
    assert actions.resume(context, job.subject).device == "cpu"


def test_a_run_whose_gpu_is_gone_resumes_on_another_one(context, workspace, two_gpus, toy_dataset, tiny, monkeypatch):
    from gan_core import actions
    from gan_core.training import loop

    job = actions.train(context, toy_dataset, tiny(device="cuda:1"))
    queue.finish(context.store, job, "failed")
    write_json(workspace.root / DEVICES_FILE, {"looked_at": 0.0, "gpus": [GPU]})
    again = actions.resume(context, job.subject)
    assert (again.device_wanted, again.device) == ("cuda", "cuda:0")
    seen = []
    monkeypatch.setattr("gan_core.jobs.handlers.train.hooks_of", lambda *_: None)
    monkeypatch.setattr(loop, "train", lambda config, *_: seen.append(config.device) or UNFINISHED)
    train(context.store, workspace, again, queue.Watch(context.store, again))
    assert seen == ["cuda"]


def test_on_a_cluster_no_gpu_is_named(context, toy_dataset, tiny, monkeypatch):
    from gan_core import actions

    monkeypatch.setenv("GANVAS_CLUSTER", "slurm")
    assert cluster.chosen() == "slurm"
    with pytest.raises(FieldErrors) as refused:
        actions.train(context, toy_dataset, tiny(device="cuda:0"))
    assert set(refused.value.fields) == {"device"}
