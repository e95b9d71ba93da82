"""Whoever may only look is refused by every action that changes something, and by the store."""

import inspect

import pytest

from gan_core import actions
from gan_core.errors import UserError
from gan_core.jobs import queue
from tests.builders import seeded_workspace

READS = {
    *("trained_run", "earlier_request", "drawable", "check_device", "check_start", "likely_device", "name_of_copy"),
    *("possible_starts", "plan", "runs_of", "deleted", "derived"),
}


def actions_on_a_context() -> set[str]:
    functions = {
        name: value
        for name, value in vars(actions).items()
        if inspect.isfunction(value) and name != "for_who_may_change"
    }
    return {name for name, one in functions.items() if next(iter(inspect.signature(one).parameters), "") == "context"}


def test_every_action_is_known_to_change_something_or_not():
    assert actions_on_a_context() == READS | set(actions.CHANGES) and not READS & set(actions.CHANGES)


@pytest.mark.parametrize("name", actions.CHANGES)
def test_an_action_that_changes_something_is_refused(context, name):
    with pytest.raises(UserError) as refused:
        getattr(actions, name)(context.for_reading())
    assert refused.value.code == "only_reads"


def test_the_store_is_read_and_not_changed(full):
    context = actions.Context(actions.context.Store(full), full).for_reading()
    run = context.store.run(seeded_workspace.RUNS["finished"])
    assert context.store.runs() and context.store.latest_job("train", run.id)
    job = context.store.latest_job("train", seeded_workspace.RUNS["running"])
    for change in (
        lambda: context.store.rename_run(run.id, "mine"),
        lambda: context.submit("evaluate", run.id, {}),
        lambda: queue.control(context.store, job.id, "stop"),
    ):
        with pytest.raises(UserError) as refused:
            change()
        assert refused.value.code == "only_reads"
    assert context.store.run(run.id).name == run.name and context.store.job(job.id).control == job.control
