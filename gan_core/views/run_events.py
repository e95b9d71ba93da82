"""What happened to a run and where on its curves: pauses, resumes, alarms, checkpoints, ends. No torch.

Training writes events.jsonl (training/record.py); alarms are read from the looks of the panel, checkpoints from their folder.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.storage import run_folder
from gan_core.storage.checkpoints import of_run
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


class Milestone(NamedTuple):
    images_seen: int
    kind: str  # a key of KINDS
    text: str
    at: float | None = None  # unix time, where it is known


def milestones(folder: Path) -> list[Milestone]:
    """Everything that a run folder tells, by images seen."""
    found = [*recorded(folder), *alarms(folder), *checkpoints(folder)]
    return sorted(found, key=lambda one: (one.images_seen, list(KINDS).index(one.kind)))


def recorded(folder: Path) -> list[Milestone]:
    rows, _ = run_folder.read_lines(folder / "events.jsonl")
    return [
        Milestone(row["images_seen"], row["kind"], str(row.get("text", "")), row.get("at"))
        for row in rows
        if row.get("kind") in KINDS and isinstance(row.get("images_seen"), int)
    ]


def alarms(folder: Path) -> list[Milestone]:
    """Where the verdict of the panel turned to warning or alarm; a look that says the same again is no news."""
    found, before = [], None
    for row in run_folder.read_lines(folder / "collapse.jsonl")[0]:
        verdict, seen = row.get("verdict"), row.get("images_seen")
        if verdict in VERDICTS and verdict != before and isinstance(seen, int):
            found.append(Milestone(seen, VERDICTS[verdict], str(row.get("sentence") or "Less variety than expected.")))
        before = verdict
    return found


def checkpoints(folder: Path) -> list[Milestone]:
    """Those that are still there."""
    text = "Saved; a resumed run goes on from the newest one."
    return [Milestone(seen, "checkpoint", text) for seen in of_run(folder)]


def places(found: list[Milestone], columns: Columns, axis_name: str) -> np.ndarray:
    """Where milestones lie on an axis of curves.AXES, float64 [len(found)]; between two rows by their images."""
    seen, along = columns.get("images_seen", np.empty(0)), axis(columns, axis_name)
    if not len(seen) or not len(along):
        return np.full(len(found), np.nan)
    return np.interp([one.images_seen for one in found], seen, along)
