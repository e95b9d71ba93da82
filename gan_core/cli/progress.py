"""Progress on stderr: how far a job is, what it does, and the time left."""

import math
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from gan_core.errors import UserError
from gan_core.storage.store import Job
from gan_core.text import duration

LOOK_SECONDS = 2.0
QUIET_SECONDS = 30.0  # where the output is a file: the longest time without a line while something moves
FIRST_SECONDS, FIRST_SHARE = 5.0, 0.02  # before that, the time left would be a guess


def time_left(share: float, seconds: float) -> float | None:
    """Seconds left at the pace so far; None where that cannot be said yet. share: 0 to 1; seconds: since the start."""
    if share >= 1:
        return 0.0
    return seconds * (1 - share) / share if share >= FIRST_SHARE and seconds >= FIRST_SECONDS else None


def line(share: float, message: str, seconds: float) -> str:
    """' 12%  epoch 3 of 20; 4 min left'. A message that says itself how long it takes is left as it is."""
    left = time_left(share, seconds)
    known = (
        ""
        if left is None or share >= 1 or "left" in message
        else f"{'; ' if message else ''}about {duration(left)} left"
    )
    return f"{share:4.0%}  {message.rstrip('.') if known else message}{known}"


class Printer:
    """Prints lines one below the other in a file, and one over the other in a terminal."""

    def __init__(self, out: TextIO | None = None, clock: Callable[[], float] = time.monotonic):
        self.out = out or sys.stderr
        self.clock, self.started, self.printed_at = clock, clock(), -math.inf
        self.message, self.share, self.width = "", -1.0, 0
        self.over = self.out.isatty()

    def __call__(self, share: float, message: str) -> None:
        """Print where the message changed, or where the share did and the last line is older than QUIET_SECONDS.

        At most one line in LOOK_SECONDS.
        """
        now = self.clock()
        if now - self.printed_at < LOOK_SECONDS:
            return
        moved = share != self.share and (self.over or now - self.printed_at >= QUIET_SECONDS)
        if message == self.message and not moved:
            return
        self.message, self.share, self.printed_at = message, share, now
        text = line(share, message, now - self.started)
        if self.over:
            print(f"\r{text:<{self.width}}", end="", file=self.out, flush=True)
            self.width = len(text)
        else:
            print(text, file=self.out, flush=True)

    def end(self) -> None:
        """Leave the line that was printed over."""
        if self.over and self.width:
            print(file=self.out, flush=True)
            self.width = 0


class Counter(Printer):
    """Prints how many of `total` images there are."""

    def __init__(self, total: int):
        super().__init__()
        self.done, self.total = 0, max(total, 1)

    def add(self, written: int) -> None:
        self.done += written
        self(min(self.done / self.total, 1.0), f"{self.done:,} of {self.total:,} images")


def follow(read: Callable[[], Job], done: threading.Event) -> None:
    """Print the progress of a job until `done`. read: the job as it is now; an index that does not answer is asked again."""
    printer = Printer()
    while not done.wait(LOOK_SECONDS):
        try:
            job = read()
        except (sqlite3.DatabaseError, UserError):  # locked, or rebuilt just now; the job goes on
            continue
        if job.message or job.progress:
            printer(job.progress, job.message)
    printer.end()
