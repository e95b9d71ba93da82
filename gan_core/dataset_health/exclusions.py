"""The list of excluded images of a dataset, in its folder. Each entry can be undone; no image is changed.

exclusions.json   {"schema": 1, "entries": [{"id", "finding", "rows": [[split, row], ...], "when"}, ...]}
"""

import contextlib
import fcntl
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from gan_core.data.dataset_files import place
from gan_core.errors import UserError
from gan_core.storage.workspace import read_json, write_json

SCHEMA = 1
CHOSEN = "chosen"  # the finding of images that a person named


class Entry(NamedTuple):
    """One click. finding: its kind (findings.EFFECTS), or CHOSEN. rows: (split, row). when: unix time."""

    id: str
    finding: str
    rows: list[tuple[str, int]]
    when: float


def read(folder: Path) -> list[Entry]:
    """The entries, oldest first; none where there is no list, or one that is torn or of another version."""
    try:
        value = read_json(place(folder) / "exclusions.json") or {}
        if value.get("schema") != SCHEMA:
            return []
        return [
            Entry(str(one["id"]), str(one["finding"]), [(str(s), int(r)) for s, r in one["rows"]], float(one["when"]))
            for one in value["entries"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def left_out(entries: Iterable[Entry]) -> set[tuple[str, int]]:
    return {place for entry in entries for place in entry.rows}


def by_finding(entries: Iterable[Entry]) -> dict[str, list[tuple[str, int]]]:
    """Rows by the finding that they were left out for, each in the first one only, in order."""
    found: dict[str, list[tuple[str, int]]] = {}
    seen: set[tuple[str, int]] = set()
    for entry in entries:
        fresh = sorted(set(entry.rows) - seen)
        seen.update(fresh)
        if fresh:
            found.setdefault(entry.finding, []).extend(fresh)
    return found


def add(folder: Path, finding: str, rows: Iterable[tuple[str, int]]) -> Entry:
    """Leave rows out, as an entry of their own. Raises UserError where all of them are left out already."""
    with locked(folder):
        entries = read(folder)
        fresh = sorted(set(rows) - left_out(entries))
        if not fresh:
            raise UserError("nothing_to_exclude", "These images are excluded already.", "Undo brings them back.")
        entry = Entry(f"x{secrets.token_hex(8)}", finding, sorted(set(rows)), time.time())
        write(folder, [*entries, entry])
    return entry


def undo(folder: Path, id: str) -> Entry:
    """Take an entry back. Raises UserError where there is none of that id."""
    with locked(folder):
        entries = read(folder)
        found = next((entry for entry in entries if entry.id == id), None)
        if found is None:
            raise UserError("unknown_id", "That was undone already.", "Reload the page to see what is left out.")
        write(folder, [entry for entry in entries if entry.id != id])
    return found


def write(folder: Path, entries: Iterable[Entry]) -> None:
    write_json(place(folder) / "exclusions.json", {"schema": SCHEMA, "entries": [entry._asdict() for entry in entries]})


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One change at a time, also where two browser tabs click at the same moment."""
    with open(folder / "exclusions.lock", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
