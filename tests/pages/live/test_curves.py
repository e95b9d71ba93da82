"""The curves of a run on the Live page: what is sent to the browser, the controls, the diagnosis and the events."""

import base64
import json

import pytest

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


@pytest.mark.slow
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


def test_the_diagnosis_shows_its_rules(full):
    at = open_page("live", run=RUNNING)
    assert "**Diagnosis:** D is ahead" in words(at) and "Rules of thumb" not in words(at)
    at.session_state["live_rules"] = True
    shown = words(at.run()).replace("\\", "")
    assert "D ahead: more than 0.35 above **(this one)**" in shown and "D wins: D(x) is more than" in shown
    assert "shaded band" in shown


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
