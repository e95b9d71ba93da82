"""A time limit for a part of a job that can do with less than it was asked for."""

import time

from gan_core.evaluation.inputs import Progress


class Deadline:
    """Seconds that the parts of a work share. `progress`, for what carries it out, asks it to stop after twice of them."""

    def __init__(self, seconds: float, progress: Progress):
        self.start, self.seconds, self.outer = time.monotonic(), seconds, progress
        self.end, self.hard_end = self.start + seconds, self.start + 2 * seconds
        self.progress = Progress(progress.report, lambda: progress.should_stop() or time.monotonic() > self.hard_end)

    def until(self, share: float) -> None:
        self.outer(share)
        self.end = max(time.monotonic(), self.start + share * self.seconds)

    @property
    def over(self) -> bool:
        return time.monotonic() > self.end
