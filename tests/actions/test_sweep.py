"""A sweep is checked as a whole before anything is queued, and its runs are stopped, resumed and deleted together."""

import dataclasses
import sys

import pytest

from gan_core import actions
from gan_core.actions import Context, runs
from gan_core.actions.sweep import MOST_RUNS, settings_of
from gan_core.data import dataset as dataset_folder
from gan_core.errors import FieldErrors, UserError
from gan_core.jobs import queue
from gan_core.jobs.rebuild_index import rebuild
from gan_core.requests import SweepRequest
from gan_core.storage.workspace import read_json

SMALL = {"width": 16, "z_dim": 8, "batch": 16, "device": "cpu", "epochs": 1.0}


@pytest.fixture
def context(store, workspace, started):
    """One whose jobs wait for workers that never start."""
    return Context(store, workspace)


def sweep(context, dataset, fixed=SMALL, **request):
    return actions.sweep(context, dataset, SweepRequest(**request), fixed)


def nothing_queued(context) -> bool:
    return not (context.store.runs() or context.store.jobs() or any((context.workspace.root / "runs").iterdir()))


def test_every_combination_with_every_seed_is_one_run_of_one_group(context, toy_dataset):
    queued = sweep(
        context, toy_dataset, recipes=("quick", "balanced"), values={"lr_G": (1e-4, 2e-4)}, seeds=3, name="Rates"
    )
    runs = actions.runs_of(context, "Rates")
    assert [run.id for run in runs] == [job.subject for job in queued.jobs] and len(runs) == 12
    told = {(run.config["recipe"], run.config["lr_G"], run.config["seed"]) for run in runs}
    assert told == {(r, lr, s) for r in ("quick", "balanced") for lr in (1e-4, 2e-4) for s in range(3)}
    assert len({run.name for run in runs}) == 12 and all(run.name.startswith("Rates: ") for run in runs)
    assert all(run.config["width"] == 16 for run in runs)
    assert {job.device_wanted for job in queued.jobs} == {"cpu"} and {job.state for job in queued.jobs} == {"queued"}


def test_workers_start_once_for_a_sweep_and_even_where_it_breaks_off(context, toy_dataset, started, monkeypatch):
    sweep(context, toy_dataset, seeds=5, evaluate=True)
    assert len(started) == 1
    made = []

    def breaks_off(*args, **kwargs):
        if made:
            raise OSError("the disk is gone")
        made.append(runs.new_run(*args, **kwargs))
        return made[0]

    monkeypatch.setattr(
        sys.modules["gan_core.actions.sweep"], "new_run", breaks_off
    )  # the module has the name of its function
    with pytest.raises(OSError, match="disk"):
        sweep(context, toy_dataset, seeds=2)
    assert len(started) == 2 and context.store.job(made[0].id).state == "queued"


def test_a_double_click_is_one_sweep(context, toy_dataset):
    request = SweepRequest(seeds=2, evaluate=True)
    first, second = (actions.sweep(context, toy_dataset, request, SMALL, token="sweep-1") for _ in range(2))
    assert first == second and len(context.store.runs()) == 2 and len(context.store.jobs(kind="evaluate")) == 2
    assert actions.sweep(context, toy_dataset, request, SMALL, token="sweep-2").name != first.name


def test_the_group_is_kept_in_the_folder_by_repair_and_by_the_trash(context, toy_dataset):
    run = sweep(context, toy_dataset, name="Two", seeds=2).jobs[0].subject
    assert read_json(context.workspace.run(run) / "config.json")["sweep"] == "Two"
    context.store.remove_run(run)
    rebuild(context.store, context.workspace)
    assert context.store.run(run).sweep == "Two"
    actions.stop_sweep(context, "Two")
    actions.delete(context, run)
    assert actions.undelete(context, run).sweep == "Two"


def test_one_refused_combination_keeps_all_from_being_queued(context, toy_dataset):
    with pytest.raises(FieldErrors) as refused:
        sweep(context, toy_dataset, values={"batch": (16, 512, 2000)}, seeds=2)
    assert set(refused.value.fields) == {"batch"} and "512" in refused.value.fields["batch"]
    with pytest.raises(FieldErrors) as refused:
        sweep(context, toy_dataset, values={"no_such_setting": (1,)})
    assert set(refused.value.fields) == {"no_such_setting"}
    info = dataset_folder.read_info(context.workspace.dataset(toy_dataset))
    large = dataclasses.replace(info, size=64)  # where the training size depends on the minutes
    with pytest.raises(FieldErrors) as refused:
        settings_of(context, large, {"recipe": "quick", "minutes": "ten", "device": "cpu"})
    assert set(refused.value.fields) == {"minutes"}
    assert nothing_queued(context)


@pytest.mark.parametrize(
    "request_, code",
    [
        ({"seeds": 100, "values": {"batch": (8, 16, 32)}}, "too_many_runs"),
        ({"values": {"lr_G": tuple(range(10**6)), "lr_D": tuple(range(10**6))}}, "too_many_runs"),
        ({"recipes": ("quick", "quik")}, "unknown_recipe"),
        ({"seeds": 2, "values": {"seed": (1, 2)}}, "bad_seeds"),
    ],
)
def test_what_is_refused_queues_nothing(context, toy_dataset, request_, code):
    with pytest.raises(UserError) as refused:
        sweep(context, toy_dataset, **request_)
    assert refused.value.code == code and nothing_queued(context)
    assert code != "too_many_runs" or str(MOST_RUNS) in refused.value.what


@pytest.mark.parametrize("request_", [{"seeds": 0}, {"recipes": ()}, {"name": "x" * 61}, {"seeds": 101}])
def test_bounds_stand_in_the_request(request_):
    with pytest.raises(FieldErrors):
        SweepRequest(**request_)


def test_a_name_is_of_one_sweep_and_without_one_it_is_numbered(context, toy_dataset):
    assert [sweep(context, toy_dataset).name for _ in range(2)] == ["Tones, sweep 1", "Tones, sweep 2"]
    with pytest.raises(UserError) as refused:
        sweep(context, toy_dataset, name=" Tones,  sweep 1")
    assert refused.value.code == "bad_name" and len(context.store.runs()) == 2


def test_the_runs_are_stopped_resumed_and_deleted_together(context, toy_dataset):
    runs = [job.subject for job in sweep(context, toy_dataset, seeds=4, name="Four", evaluate=True).jobs]
    state = lambda run: context.store.latest_job("train", run).state
    assert len(context.store.jobs(kind="evaluate", states=("queued",))) == 4
    done = queue.claim(context.store, "train")
    queue.finish(context.store, done, "finished")
    going = queue.claim(context.store, "train")
    refused = actions.delete_sweep(context, "Four")
    assert not refused.done and set(refused.refused) == set(runs)  # an evaluation of the finished one waits too
    stopped = actions.stop_sweep(context, "Four")
    assert set(stopped.done) == set(runs) - {done.subject} and not stopped.refused
    assert context.store.job(going.id).control == "stop"
    queue.finish(context.store, going, "stopped")
    assert [state(run) for run in runs] == ["finished", "stopped", "stopped", "stopped"]
    resumed = actions.resume_sweep(context, "Four")
    assert set(resumed.done) == set(runs) - {done.subject} and {state(run) for run in runs} == {"finished", "queued"}
    behind = context.store.jobs(kind="evaluate", states=("queued",))
    assert {job.subject for job in behind} == set(runs) and {context.store.job(job.after).state for job in behind} == {
        "finished",
        "queued",
    }  # those that were cancelled wait again, behind the resumed trainings
    actions.stop_sweep(context, "Four")
    queue.finish(context.store, queue.claim(context.store, "heavy"), "finished")
    assert set(actions.delete_sweep(context, "Four").done) == set(runs) and not context.store.runs()
    with pytest.raises(UserError) as gone:
        actions.stop_sweep(context, "Four")
    assert gone.value.code == "no_sweep"
