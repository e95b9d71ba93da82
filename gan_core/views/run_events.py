"""The events of a run and their places on its curves: pauses, resumes, alarms, checkpoints, ends.

Training writes events.jsonl (training/recorder.py); alarms are read from the rows of the collapse monitor, checkpoints from
their folder.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.storage import run_folder
from gan_core.storage.checkpoints import drawn_from, of_run
from gan_core.views.best_checkpoint import about_best
from gan_core.views.curves import Columns, axis

KINDS = {
    "alarm": "Alarm",
    "warning": "Warning",
    "checkpoint": "Checkpoint",
    "pause": "Pause",
    "resumed": "Resumed",
    "end": "End",
    "notice": "Notice",
}
VERDICTS = {"red": "alarm", "amber": "warning"}


class RunEvent(NamedTuple):
    images_seen: int
    kind: str  # a key of KINDS
    text: str
    at: float | None = None  # unix time, where it is known


def read_events(folder: Path) -> list[RunEvent]:
    """All events of a run folder, by images seen."""
    found = [*recorded_events(folder), *alarms(folder), *checkpoints(folder)]
    return sorted(found, key=lambda one: (one.images_seen, list(KINDS).index(one.kind)))


def recorded_events(folder: Path) -> list[RunEvent]:
    rows, _ = run_folder.read_lines(folder / "events.jsonl")
    return [
        RunEvent(row["images_seen"], row["kind"], str(row.get("text", "")), row.get("at"))
        for row in rows
        if row.get("kind") in KINDS and isinstance(row.get("images_seen"), int)
    ]


def alarms(folder: Path) -> list[RunEvent]:
    """Where the verdict of the collapse monitor turned to warning or alarm; a row that repeats the one before is no event."""
    found, before = [], None
    for row in run_folder.read_lines(folder / "collapse.jsonl")[0]:
        verdict, seen = row.get("verdict"), row.get("images_seen")
        if verdict in VERDICTS and verdict != before and isinstance(seen, int):
            found.append(RunEvent(seen, VERDICTS[verdict], str(row.get("sentence") or "Less variety than expected.")))
        before = verdict
    return found


def checkpoints(folder: Path) -> list[RunEvent]:
    """Those that are still there."""
    text, best = "Saved; a resumed run goes on from the newest one.", about_best(folder)
    marked = drawn_from(folder / "checkpoints", None)
    return [RunEvent(seen, "checkpoint", best if seen == marked else text) for seen in of_run(folder)]


def places(found: list[RunEvent], columns: Columns, axis_name: str) -> np.ndarray:
    """Where events lie on an axis of curves.AXES, float64 [len(found)]; between two rows by their images."""
    seen, along = columns.get("images_seen", np.empty(0)), axis(columns, axis_name)
    if not len(seen) or not len(along):
        return np.full(len(found), np.nan)
    return np.interp([one.images_seen for one in found], seen, along)
