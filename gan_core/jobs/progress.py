"""The progress of a job, written to its row, and the log of a run."""

import contextlib
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gan_core.errors import Stopped
from gan_core.jobs import queue
from gan_core.storage.store import Job, Store

REPORT_SECONDS = 0.5
LATER_SECONDS = 5.0  # after a report that could not be written


class Reporter:
    """reporter(fraction, message) writes the progress of a job to its row, at most every REPORT_SECONDS."""

    def __init__(self, store: Store, job: Job):
        self.store, self.job, self.next_at = store, job, 0.0

    def __call__(self, fraction: float, message: str) -> None:
        if time.monotonic() >= self.next_at:
            wait = REPORT_SECONDS
            try:
                queue.report(self.store, self.job, fraction, message)
            except (
                sqlite3.DatabaseError,
                OSError,
            ):  # a locked or damaged index must not end an hour of training, nor slow it down
                wait = LATER_SECONDS
            self.next_at = time.monotonic() + wait


def stop_or_report(should_stop: Callable[[], bool], report: Reporter, share: float, message: str) -> None:
    """Raise Stopped where the user asked for it; else report the progress."""
    if should_stop():
        raise Stopped
    report(share, message)


def run_log(folder: Path) -> Callable[[str], None]:
    """log(text) appends a line with the time to log.txt in the folder of a run, or to stderr where that cannot be written."""

    def log(text: str) -> None:
        line = f"{time.strftime('%F %T')}  {text}"
        try:
            with open(folder / "log.txt", "a") as file:
                file.write(f"{line}\n")
        except OSError:
            with contextlib.suppress(OSError):
                print(line, file=sys.stderr, flush=True)

    return log
