"""The Live page: its controls, what goes to the browser, the reading and its rules, events, and the queue."""

import base64
import json

import pytest

from gan_core.jobs import queue
from gan_core.storage.store import Store
from gan_core.storage.workspace import new_id
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words

RUNNING = seeded_workspace.RUNS["running"]


def figures(at) -> dict[str, dict]:
    """What the browser is sent for each chart, by its key."""
    sent = {}
    for chart in at.get("bidi_component"):
        values = json.loads(chart.proto.json)
        assert values["alt"] and values["plotly"].startswith("/app/static/plotly-")
        sent[chart.proto.id.rsplit("-", 1)[-1]] = values["figure"]
    return sent


def grow(workspace, count: int):
    """metrics.jsonl of the running run, with so many rows."""
    path = workspace.run(RUNNING) / "metrics.jsonl"
    row = json.loads(path.read_text().splitlines()[0])
    lines = [
        row | {"images_seen": at, "epoch": at / 620, "loss_d": at % 11, "memory_bytes": 2e9} for at in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_long_run_is_sent_in_few_points(full):
    grow(full, 20_000)
    at = open_page("live", run=RUNNING)
    losses = figures(at)["chart_losses"]
    curves = [trace for trace in losses["data"] if trace.get("yaxis") != "y2"]
    assert len(curves) == 4  # two as measured, two smoothed
    assert all(len(trace["y"]["bdata"]) <= 2000 * 4 * 4 / 3 + 4 for trace in curves)
    assert len(json.dumps(losses)) < 200_000


def test_the_controls_change_the_curves(full):
    at = open_page("live", run=RUNNING)
    before = figures(at)["chart_losses"]
    assert before["layout"]["xaxis"]["title"]["text"] == "epoch" and "type" not in before["layout"]["yaxis"]
    at.segmented_control(key="live_axis").set_value("Minutes")
    at.toggle(key="live_log_scale").set_value(True)
    at.slider(key="live_smoothing").set_value(0.0)
    at.segmented_control(key="live_window").set_value("Last 100").run()
    after = figures(at)["chart_losses"]
    assert after["layout"]["xaxis"]["title"]["text"] == "minutes of training"
    assert after["layout"]["yaxis"]["type"] == "log"
    curves = [trace for trace in after["data"] if trace.get("yaxis") != "y2"]
    assert len(curves) == 2 and {len(base64.b64decode(trace["x"]["bdata"])) for trace in curves} == {100 * 8}


def test_the_reading_shows_its_rules(full):
    at = open_page("live", run=RUNNING)
    assert "**Reading:** D is ahead" in words(at) and "Rules of thumb" not in words(at)
    at.session_state["live_rules"] = True
    shown = words(at.run()).replace("\\", "")
    assert "D ahead: more than 0.35 above **(this one)**" in shown and "D wins: D(x) is more than" in shown
    assert "The shaded band" in shown


def test_speed_memory_and_events_are_there_on_a_click(full):
    grow(full, 50)
    line = {"images_seen": 20, "kind": "pause", "text": "Paused for 7 s.", "at": 0}
    (full.run(RUNNING) / "events.jsonl").write_text(json.dumps(line) + "\n")
    at = open_page("live", run=RUNNING)
    assert not {"chart_speed", "chart_memory"} & figures(at).keys()
    assert "Pause" in {trace["name"] for trace in figures(at)["chart_losses"]["data"]}
    for key in ("live_machine", "live_events", "live_numbers"):
        at.session_state[key] = True
    at.run()
    assert {"chart_speed", "chart_memory"} <= figures(at).keys()
    events = next(frame.value for frame in at.dataframe if "what happened" in frame.value)
    assert "Paused for 7 s." in list(events["what happened"]) and "Checkpoint" in list(events["event"])
    assert any("loss d" in frame.value for frame in at.dataframe)


def test_a_paused_run_is_marked_where_it_stands(full):
    at = open_page("live", run=RUNNING)
    at.button(key="live_pause").click().run()
    (pause,) = (trace for trace in figures(at)["chart_losses"]["data"] if trace["name"] == "Pause")
    assert pause["text"] == ["Pause: Paused now."]


@pytest.fixture
def three(full):
    """Jobs of three runs that wait, in their order."""
    store = Store(full)
    for state in ("stopped", "interrupted"):
        queue.submit(store, "train", seeded_workspace.RUNS[state], {})
    return store


def test_the_queue_tells_its_order_and_moves_up(three):
    first, second, third = three.waiting("train")
    at = open_page("live", run=third.subject)
    assert "Waiting: 3 runs ahead." in words(at) and "3\\. **Birds, interrupted**".replace(",", "\\,") in words(at)
    assert at.button(key=f"queue_up_{first.id}").disabled
    at.button(key=f"queue_up_{third.id}").click().run()
    assert [job.id for job in three.waiting("train")] == [first.id, third.id, second.id] and not at.toast
    assert "Waiting: 2 runs ahead." in words(at)


def test_a_click_on_an_old_queue_changes_nothing_and_is_told(three):
    first, second, third = three.waiting("train")
    at = open_page("live", run=RUNNING)
    assert "3 runs waiting" in words(at) and not [one for one in at.button if one.key.startswith("queue_")]
    at.session_state["queue"] = True
    at.run()
    queue.move_up(three, third.id, second.id)  # in another tab
    at.button(key=f"queue_up_{third.id}").click().run()
    assert "queue has changed" in at.toast[0].value
    assert [job.id for job in three.waiting("train")] == [first.id, third.id, second.id]
    claimed = queue.claim(three, "train")
    at.button(key=f"queue_cancel_{third.id}").click().run()
    assert three.job(claimed.id).state == "running" and three.job(third.id).state == "stopped"


def test_cancel_of_what_has_started_meanwhile_does_not_stop_it(three):
    first = three.waiting("train")[0]
    at = open_page("live", run=first.subject)
    assert queue.claim(three, "train").id == first.id
    at.button(key="live_stop").click().run()
    assert three.job(first.id).control == "run" and "does not wait any more" in at.toast[0].value


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


def test_numbers_that_come_move_nothing_that_stands_below_them(full):
    later = place(open_page("live", run=RUNNING).main, "Newest samples")
    assert later and place(before_numbers(full, "").main, "Newest samples") == later
