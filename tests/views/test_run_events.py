"""Events of a run: what training writes, what is read from looks and checkpoints, and where they lie on a curve."""

import json

import numpy as np

from gan_core.views.run_events import RunEvent, places, read_events


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_events_alarms_and_checkpoints_in_the_order_of_images(tmp_path):
    write(
        tmp_path / "events.jsonl",
        [
            {"images_seen": 300, "kind": "pause", "text": "Paused for 5 s.", "at": 12.5},
            {"images_seen": 1, "kind": "from a later version"},
            {"kind": "end"},
        ],
    )
    verdicts = ["early", "ok", "amber", "amber", "red", "red", "ok", "amber"]
    looks = [{"images_seen": 100 * at, "verdict": verdict, "sentence": "S."} for at, verdict in enumerate(verdicts)]
    write(tmp_path / "collapse.jsonl", looks)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "ck-000000000250.json").write_text("{}")
    found = read_events(tmp_path)
    assert [(one.images_seen, one.kind) for one in found] == [
        (200, "warning"),
        (250, "checkpoint"),
        (300, "pause"),
        (400, "alarm"),
        (700, "warning"),
    ]
    assert found[2] == RunEvent(300, "pause", "Paused for 5 s.", 12.5)


def test_a_folder_without_any_has_none(tmp_path):
    assert read_events(tmp_path) == []


def test_an_event_between_two_rows_lies_between_them():
    rows = {"images_seen": np.array([0.0, 100.0, 300.0]), "elapsed_seconds": np.array([0.0, 60.0, 120.0])}
    assert list(places([RunEvent(200, "pause", "")], rows, "minutes")) == [1.5]
    assert np.isnan(places([RunEvent(200, "pause", "")], {}, "epochs")).all()


def test_the_best_checkpoint_is_named(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    for seen in (100, 200):
        (tmp_path / "checkpoints" / f"ck-{seen:012d}.json").write_text("{}")
    mark = {"images_seen": 100, "kernel_distance": 1.5, "coverage": None}
    (tmp_path / "checkpoints" / "best.json").write_text(json.dumps({"best": mark}))
    best, newest = read_events(tmp_path)
    assert "kernel distance 1.5" in best.text and "kernel distance" not in newest.text
