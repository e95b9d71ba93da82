"""Read the folder of a run, also while a worker writes to it. An incomplete last line is left out."""

import json
import math
import os
import time
from pathlib import Path
from typing import Any

from gan_core.storage.workspace import read_json

Row = dict[str, Any]
TAIL_BYTES = 64_000
STALLED_SECONDS, STALLED_STEPS = 120.0, 10


def read_status(folder: Path) -> dict[str, Any]:
    """The contents of status.json; {} before it is written, and where it cannot be read."""
    try:
        found = read_json(folder / "status.json", {})
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def seconds_without_progress(folder: Path, batch: int) -> float | None:
    """How long a run that should be training has written no status, where that is longer than it should be; else None.

    Ten of its steps may take so long, and two minutes any run, as while its collapse monitor is built.
    """
    try:
        silent = time.time() - (folder / "status.json").stat().st_mtime
    except OSError:
        return None
    speed = read_status(folder).get("images_per_second")
    expected = max(STALLED_SECONDS, STALLED_STEPS * batch / speed if speed else 0)
    return silent if silent > expected else None


def read_lines(path: Path, offset: int = 0) -> tuple[list[Row], int]:
    """(the objects in the complete lines of a .jsonl file from byte `offset` on, the offset for the next call).

    A file shorter than offset was rewritten, as by a resumed run, and is read from its start. NaN becomes None.
    """
    try:
        with open(path, "rb") as file:
            if file.seek(0, os.SEEK_END) < offset:
                offset = 0
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], 0
    whole = data[: data.rfind(b"\n") + 1]
    return parse_lines(whole), offset + len(whole)


def parse_lines(whole: bytes) -> list[Row]:
    """The objects in complete lines; other lines are left out, and NaN becomes None."""
    rows = []
    for line in whole.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(
                {
                    name: None if isinstance(value, float) and not math.isfinite(value) else value
                    for name, value in row.items()
                }
            )
    return rows


def read_samples(folder: Path) -> list[Row]:
    """The sample grids in samples/index.jsonl whose file exists, by images seen and each once."""
    rows, _ = read_lines(folder / "samples" / "index.jsonl")
    unique = {row["images_seen"]: row for row in rows if {"images_seen", "epoch", "file"} <= set(row)}
    return [row for _, row in sorted(unique.items()) if (folder / "samples" / str(row["file"])).is_file()]


def log_tail(path: Path, lines: int = 200) -> str:
    """The last lines of a text file; '' where there is none."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
