"""The Live page: the buttons of each state, what it says of a run, and the runs that wait."""

import pytest

from gan_core.jobs import queue
from gan_core.storage.store import Store
from gan_core.storage.workspace import new_id, write_json
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words


@pytest.mark.parametrize(
    ("state", "keys"),
    [
        ("running", {"live_pause", "live_stop"}),
        ("queued", {"live_stop"}),
        ("failed", {"live_resume"}),
        ("interrupted", {"live_resume"}),
        ("stopped", {"live_resume"}),
        ("finished", set()),
    ],
)
def test_live_offers_the_buttons_of_the_state(state, keys, full):
    at = open_page("live", run=seeded_workspace.RUNS[state])
    assert {button.key for button in at.button if button.key.startswith("live_")} == keys


def test_pause_stop_and_a_late_click(full):
    store = Store(full)
    at = open_page("live", run=seeded_workspace.RUNS["running"])
    at.button(key="live_pause").click().run()
    job = store.latest_job("train", seeded_workspace.RUNS["running"])
    assert job.control == "pause" and "Paused" in words(at)
    at.button(key="live_continue").click().run()
    assert store.job(job.id).control == "run"
    queue.finish(store, store.job(job.id), "finished", result={})  # it ends while the page still shows Stop
    at.button(key="live_stop").click().run()
    assert not at.exception and "not training" in at.toast[0].value.replace("\\", "")


def test_a_paused_run_promises_no_time_and_the_next_one_names_it(full):
    at = open_page("live", run=seeded_workspace.RUNS["running"])
    at.button(key="live_pause").click().run()
    shown = {metric.label: metric.value for metric in at.metric}
    assert shown["Images a second"] == shown["Time left"] == "–" and "left" not in at.sidebar.caption[0].value
    at = open_page("live", run=seeded_workspace.RUNS["queued"])
    assert "Waiting behind Birds, running, which is paused: continue or stop it." in words(at).replace("\\", "")


def test_a_run_cancelled_before_it_started_offers_only_to_resume(full):
    at = open_page("live", run=seeded_workspace.RUNS["queued"])
    at.button(key="live_stop").click().run()
    shown = words(at)
    assert "Cancelled before it started." in shown and "kept" not in shown
    assert {button.key for button in at.button if button.key.startswith("live_")} == {"live_resume"}
    assert "cancelled before it started" in words(open_page("samples", run=seeded_workspace.RUNS["queued"]))


def test_resume_queues_the_run_again(full, started):
    at = open_page("live", run=seeded_workspace.RUNS["interrupted"])
    at.button(key="live_resume").click().run()
    assert Store(full).latest_job("train", seeded_workspace.RUNS["interrupted"]).state == "queued" and started


def test_a_run_without_any_job_can_still_be_opened(empty):
    run = new_id("run")
    empty.run(run).mkdir()
    write_json(empty.run(run) / "config.json", {})
    Store(empty).add_run(run, "Repaired", "d" + "0" * 16, {"conditional": True})
    assert "Resume it" in words(open_page("live", run=run))
