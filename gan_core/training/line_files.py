"""Append rows to the .jsonl files of a run. A row that cannot be written waits in memory and comes first the next time."""

import contextlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gan_core.storage.run_folder import read_lines
from gan_core.storage.workspace import atomic_write

MOST_WAITING = 200_000  # rows of one file, of which the oldest go first: more than two days of training


class LineFiles:
    """The files of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.waiting: dict[str, list[str]] = {}

    def add(self, name: str, row: dict[str, Any]) -> None:
        """Append a row to a file. Raises OSError where it has to wait."""
        self.waiting[name] = [*self.waiting.get(name, [])[-MOST_WAITING:], json.dumps(row) + "\n"]
        self.write(name)

    def write(self, name: str) -> None:
        """Write what waits for this file, whole lines or nothing. Raises OSError."""
        if not (lines := self.waiting.get(name)):
            return
        path = self.folder / name
        with open(path, "ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            try:
                text = memoryview("".join(lines).encode())
                while text:  # a full disk may take a part
                    text = text[file.write(text) :]
            except BaseException:
                with contextlib.suppress(OSError):
                    file.truncate(before)
                raise
        del self.waiting[name]

    def write_all(self, on_failure: Callable[[str, OSError], None]) -> None:
        """Write what waits for every file."""
        for name in list(self.waiting):
            try:
                self.write(name)
            except OSError as error:
                on_failure(name, error)


def keep_until(path: Path, images_seen: int) -> int:
    """Drop rows of a .jsonl file beyond images_seen and lines that are no rows; the file is replaced as a whole.

    Returns the number of rows that were dropped.
    """
    if not path.exists():
        return 0
    rows = read_lines(path)[0]
    kept = [row for row in rows if row.get("images_seen", math.inf) <= images_seen]
    text = "".join(json.dumps(row) + "\n" for row in kept)
    if text.encode() != path.read_bytes():
        atomic_write(path, lambda file: file.write(text.encode()))
    return len(rows) - len(kept)
