"""The verbs sweep and sweeps, and the verbs that take a whole sweep; at the end one sweep by real workers."""

import dataclasses
import time

import pytest

from gan_core import actions
from gan_core.data.dataset import read_info, write_info
from gan_core.errors import UserError
from gan_core.jobs import queue, supervisor

TINY = ["--set", "width=16", "--set", "z_dim=8", "--set", "batch=16", "--device", "cpu", "--epochs", 1]


def test_a_sweep_is_queued_as_a_table_and_the_total_is_told(ganvas, store, toy_dataset, started):
    asked = ("--recipe", "quick,balanced", "--set", "lr_G=1e-4,2e-4,1e-4", "--seeds", 3, *TINY)
    code, dry, _ = ganvas("sweep", toy_dataset, *asked, "--dry-run", "--json")
    assert code == 0 and dry["total"] == 12 and not store.runs() and dry["runs"][0]["seed"] == 0
    code, queued, err = ganvas("sweep", "Tones", *asked, "--name", "Rates", "--json")
    assert code == 0 and (queued["sweep"], queued["total"], len(queued["runs"])) == ("Rates", 12, 12), err
    assert {run["sweep"] for run in ganvas("runs", "--json")[1]["runs"]} == {"Rates"} and started
    code, listed, _ = ganvas("sweeps", "--json")
    (one,) = listed["sweeps"]
    assert one["states"] == {"queued": 12} and len(one["groups"]) == 4
    assert [group["settings"]["Learning rate of G"] for group in one["groups"]] == [1e-4, 2e-4] * 2
    assert "Rates: 12 runs" in ganvas("sweeps")[1]


@pytest.mark.parametrize(
    "words, code",
    [
        (["--set", "batch=16,"], "has an empty value"),
        (["--set", "batch"], "has no '='"),
        (["--set", "recipe=quick"], "--recipe"),
        (["--set", "epochs=1,2"], "twice"),
        (["--set", "no_such=1,2"], "no_such"),
        (["--set", "batch=16,2000"], "2000"),
        (["--seeds", "0"], "seeds"),
        (["--seeds", "100", "--set", "lr_G=1e-4,2e-4,3e-4"], "300 runs"),
        (["--recipe", ","], "recipes"),
    ],
)
def test_what_is_refused_is_one_sentence_and_queues_nothing(ganvas, store, toy_dataset, started, words, code):
    ended, value, err = ganvas("sweep", toy_dataset, *words, "--epochs", 1)
    assert (
        ended == 2 and value is None and code in err and len(err.strip().splitlines()) == 1 and "Traceback" not in err
    )
    assert not store.runs() and not store.jobs() and not started


def test_the_name_of_a_sweep_stands_for_its_runs(ganvas, store, toy_dataset, started):
    runs = ganvas("sweep", toy_dataset, "--seeds", 3, "--name", "Three", *TINY, "--json")[1]["runs"]
    job = queue.claim(store, "train")
    queue.finish(store, job, "finished")
    code, stopped, err = ganvas("stop", "Three", "--json")
    assert code == 0 and stopped["runs"] == dict(zip(runs, ("finished", "stopped", "stopped"), strict=True)), err
    assert ganvas("resume", "Three", "--json")[1]["runs"] == dict(
        zip(runs, ("finished", "queued", "queued"), strict=True)
    )
    assert ganvas("stop", runs[1], "--json")[1] == {"run": runs[1], "state": "stopped"}
    assert ganvas("stop", runs[1])[0] == 2  # alone it is refused
    ganvas("stop", "Three")
    assert ganvas("delete", "Three", "--json")[1]["runs"] == runs and not store.runs()


def test_one_refused_run_does_not_keep_the_others_from_being_resumed(ganvas, store, toy_dataset, started, monkeypatch):
    runs = ganvas("sweep", toy_dataset, "--seeds", 2, "--name", "Two", *TINY, "--json")[1]["runs"]
    ganvas("stop", "Two")
    resume = actions.resume

    def refuses_the_first(context, run):
        if run == runs[0]:
            raise UserError("disk_full", "The disk is full.", "Free some space.")
        return resume(context, run)

    monkeypatch.setattr(actions, "resume", refuses_the_first)
    code, _, err = ganvas("resume", "Two", "--json")
    assert code == 2 and runs[0] in err and "Free some space." in err
    assert [store.latest_job("train", run).state for run in runs] == ["stopped", "queued"]


@pytest.mark.parametrize("recipe", ["auto", "quick"])
def test_train_names_a_training_size_only_where_the_run_has_it(ganvas, workspace, store, toy_dataset, started, recipe):
    folder = workspace.dataset(toy_dataset)
    write_info(folder, dataclasses.replace(read_info(folder), size=64))  # where the size depends on the budget
    asked = ("train", toy_dataset, "--recipe", recipe, "--device", "cpu", "--minutes", 6, "--detach", "--json")
    for words, side in (((), 16), (("--set", "train_size=0"), 0), (("--set", "train_size=32"), 32)):
        code, queued, said = ganvas(*asked, *words)
        assert code == 0 and store.run(queued["run"]).config["train_size"] == side, said
        named = [reason for reason in queued["reasons"] if "trained at" in reason]
        assert len(named) == (1 if side else 0) == said.count("trained at") and all(
            f"{side} px" in one for one in named
        )


@pytest.mark.slow
def test_a_real_worker_trains_a_sweep(ganvas, workspace, store, toy_dataset):
    code, queued, err = ganvas(
        "sweep", toy_dataset, "--seeds", 2, "--name", "Real", *TINY, "--set", "guide=false", "--json"
    )
    assert code == 0, err
    deadline = time.monotonic() + 500
    while any(job.live for job in store.jobs(kind="train")) and time.monotonic() < deadline:
        time.sleep(1.0)
        supervisor.ensure_workers(store, workspace)
    try:
        ended = [store.latest_job("train", run) for run in queued["runs"]]
        assert [job.state for job in ended] == ["finished"] * 2, [job.error for job in ended]
        assert {job.device for job in ended} == {"cpu"} and all(job.heartbeat_at for job in ended)
        (sweep,) = ganvas("sweeps", "--json")[1]["sweeps"]
        figure = sweep["groups"][0]["figures"]["loss_g"]
        assert figure["runs"] == 2 and figure["spread"] > 0
    finally:
        for child in supervisor.STARTED:
            child.kill()
            child.wait(60)
