"""The training log of a run as columns: new rows are read as they come, curves are smoothed on all rows and then thinned."""

import io
import json
import os
import threading
from pathlib import Path

import numpy as np
import pandas as pd

from gan_core.storage.run_folder import parse_lines

Columns = dict[str, np.ndarray]  # name -> float64 [rows], NaN where a row has no such number
MOST_POINTS = 2000  # of a curve that is sent to a browser
BLOCK_BYTES = 1 << 20
NUMBERS = b"0123456789+-.e"  # what a line loses before it is compared with the next one
AXES = {"epochs": ("epoch", 1.0), "minutes": ("elapsed_seconds", 60.0), "images": ("images_seen", 1.0)}


class Curves:
    """metrics.jsonl of one run. columns() reads only new rows; threads may share one object."""

    def __init__(self, path: Path):
        self.path, self.lock = path, threading.Lock()
        self.offset, self.file = 0, 0
        self.known: Columns = {}

    def columns(self) -> Columns:
        """Every whole row so far, {} before the first; the arrays are not to be written to."""
        with self.lock:
            try:
                with open(self.path, "rb") as file:
                    self.read_on(file)
            except FileNotFoundError:
                self.offset, self.file, self.known = 0, 0, {}
            return self.known

    def read_on(self, file: io.BufferedReader) -> None:
        at = os.fstat(file.fileno())
        if at.st_ino != self.file or at.st_size < self.offset:  # a resumed run writes its rows anew
            self.offset, self.file, self.known = 0, at.st_ino, {}
        file.seek(self.offset)
        data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        if whole:
            new = parse(whole)
            if self.offset and goes_back(self.known, new):  # another file under a number that was free again
                file.seek(0)
                data = file.read()
                whole, self.offset, self.known = data[: data.rfind(b"\n") + 1], 0, {}
                new = parse(whole)
            self.known = join([self.known, new])
            self.offset += len(whole)


def goes_back(known: Columns, new: Columns) -> bool:
    seen, later = known.get("images_seen"), new.get("images_seen")
    return seen is not None and later is not None and len(later) > 0 and bool(later[0] < seen[-1])


def parse(data: bytes) -> Columns:
    """Whole lines of a .jsonl -> columns. Lines with the same keys are read as a table, five times as fast."""
    parts, at = [], 0
    while at < len(data):
        end = data.rfind(b"\n", at, at + BLOCK_BYTES) + 1 or data.index(b"\n", at) + 1
        parts.append(parse_block(data[at:end]))
        at = end
    return join(parts)


def parse_block(block: bytes) -> Columns:
    first = block[: block.index(b"\n") + 1]
    count = block.count(b"\n")
    alike = count > 50 and block.translate(None, NUMBERS) == first.translate(None, NUMBERS) * count
    if alike and first.startswith(b'{"') and (found := table(block, first)) is not None:
        return found
    rows = parse_lines(block)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: np.array([number(row.get(name)) for row in rows], np.float64) for name in names}


def table(block: bytes, first: bytes) -> Columns | None:
    """Lines of numbers as columns: `{"a": 1, "b": 2}` without braces and commas has a number as every second word."""
    names = list(json.loads(first))
    try:
        frame = pd.read_csv(
            io.BytesIO(block.translate(None, b"{},")),
            sep=" ",
            header=None,
            usecols=range(1, 2 * len(names), 2),
            dtype=np.float64,
        )
    except ValueError:  # words where numbers were expected
        return None
    return {name: frame[2 * place + 1].to_numpy() for place, name in enumerate(names)}


def number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


def join(parts: list[Columns]) -> Columns:
    """Columns below each other; a part without a name has NaN there."""
    parts = [part for part in parts if part]
    if len(parts) < 2:
        return parts[0] if parts else {}
    frame = pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)
    return {name: frame[name].to_numpy() for name in frame}


def last(columns: Columns, count: int) -> Columns:
    """The last `count` rows; all of them for 0."""
    return {name: values[-count:] for name, values in columns.items()} if count else columns


def axis(columns: Columns, name: str) -> np.ndarray:
    """The rows' places in epochs, minutes or images, float64 [rows]; empty before the first row."""
    key, unit = AXES[name]
    return columns.get(key, np.empty(0)) / unit


def smooth(values: np.ndarray, weight: float) -> np.ndarray:
    """Exponential moving average, bias-corrected at its start. weight in [0, 1): of the earlier values. A gap stays a gap."""
    if weight <= 0 or not len(values):
        return values
    averaged = pd.Series(values).ewm(alpha=1 - weight, adjust=True, ignore_na=True).mean().to_numpy()
    return np.where(np.isnan(values), np.nan, averaged)


def thin(values: np.ndarray, limit: int = MOST_POINTS) -> np.ndarray:
    """Which rows to draw, at most `limit` int64 places in order: the first, the last, and each stretch's lowest and highest.

    A spike of one row stays, where taking every n-th row would lose it.
    """
    count = len(values)
    if count <= limit:
        return np.arange(count)
    stretches = (limit - 2) // 2
    width = -(-count // stretches)
    padded = np.full(stretches * width, np.nan)
    padded[:count] = values
    table = padded.reshape(stretches, width)
    starts = np.arange(stretches) * width
    lowest = starts + np.where(np.isnan(table), np.inf, table).argmin(1)
    highest = starts + np.where(np.isnan(table), -np.inf, table).argmax(1)
    found = np.unique(np.concatenate([[0, count - 1], lowest, highest]))
    return found[found < count]
