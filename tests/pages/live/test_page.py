"""The Live page: the buttons of each state, and what it says of a run."""

import json

import pytest

from gan_core.jobs import queue
from gan_core.storage import checkpoints
from gan_core.storage.store import Store
from gan_core.storage.workspace import new_id, write_json
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page, words

RUNNING = seeded_workspace.RUNS["running"]


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
    at = open_page("live", run=RUNNING)
    at.button(key="live_pause").click().run()
    job = store.latest_job("train", RUNNING)
    assert job.control == "pause" and "Paused" in words(at)
    at.button(key="live_continue").click().run()
    assert store.job(job.id).control == "run"
    queue.finish(store, store.job(job.id), "finished", result={})  # it ends while the page still shows Stop
    at.button(key="live_stop").click().run()
    assert not at.exception and "not training" in at.toast[0].value.replace("\\", "")


@pytest.mark.slow
def test_a_paused_run_promises_no_time_and_the_next_one_names_it(full):
    at = open_page("live", run=RUNNING)
    at.button(key="live_pause").click().run()
    shown = {metric.label: metric.value for metric in at.metric}
    assert shown["Images per second"] == shown["Time left"] == "–" and "left" not in at.sidebar.caption[0].value
    at = open_page("live", run=seeded_workspace.RUNS["queued"])
    assert "Waiting behind Birds, running, which is paused: continue or stop it." in words(at).replace("\\", "")


@pytest.mark.slow
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


def test_a_run_without_numbers_has_no_controls_for_them(full):
    run = new_id("run")
    store = Store(full)
    store.add_run(run, "New", seeded_workspace.DATASET, store.run(RUNNING).config)
    full.run(run).mkdir()
    at = open_page("live", run=run)
    assert not at.slider and "no numbers to draw" in words(at)


def before_numbers(workspace, message: str):
    """Live of a run that trains and has seen no image, whose job says message."""
    folder = workspace.run(RUNNING)
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"images_seen": 0, "latest_grid": None}))
    (folder / "metrics.jsonl").unlink(missing_ok=True)
    with Store(workspace).transaction() as db:
        db.execute("UPDATE jobs SET message = ? WHERE subject = ?", (message, RUNNING))
    return open_page("live", run=RUNNING)


@pytest.mark.slow
def test_before_the_first_numbers_the_page_says_what_the_run_does(full):
    assert (
        before_numbers(full, "A classifier learns first.").info[0].value.replace("\\", "")
        == "A classifier learns first."
    )
    assert "first numbers in about ten seconds" in before_numbers(full, "").info[0].value


def place(block, title: str) -> list[int] | None:
    """Where a header stands: its index in each block from this one down to it."""
    for index, child in block.children.items():
        if getattr(child, "value", None) == title:
            return [index]
        if hasattr(child, "children") and (inside := place(child, title)) is not None:
            return [index, *inside]
    return None


@pytest.mark.slow
def test_numbers_that_come_move_nothing_that_stands_below_them(full):
    later = place(open_page("live", run=RUNNING).main, "Newest samples")
    assert later and place(before_numbers(full, "").main, "Newest samples") == later


@pytest.mark.slow
def test_live_names_the_best_checkpoint_and_why_a_run_ended_early(full):
    folder = full.run(seeded_workspace.RUNS["finished"])
    mark = {"images_seen": 1200, "kernel_distance": 1.25, "coverage": 0.9}
    write_json(checkpoints.manifest(folder / "checkpoints", 1200), {"images_seen": 1200})
    write_json(folder / "checkpoints" / checkpoints.BEST, {"best": mark, "checks": []})
    status = json.loads((folder / "status.json").read_text())
    write_json(folder / "status.json", status | {"why_ended": "No gain in 5 checks."})
    said = letters(open_page("live", run=seeded_workspace.RUNS["finished"]))
    assert "at 1,200 images, kernel distance 1.25" in said and "No gain in 5 checks." in said
    assert "kernel distance 1.25" not in letters(open_page("live", run=RUNNING))
