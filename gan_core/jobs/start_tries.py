"""How often a worker of a post was started in a row without claiming a job, in logs/worker-<name>.start.json.

A worker that cannot import its code, or that is killed at once, would otherwise be started again and again without a word.
"""

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from gan_core.jobs import process_identity
from gan_core.jobs.process_identity import Identity
from gan_core.storage.workspace import Workspace, read_json, write_json

MOST_STARTS = 3
START_SECONDS = 120.0  # a process that has neither ended nor taken its post by then is stuck, and ended
LOG_BYTES = 20_000


class StartTries:
    """number: of starts since a worker of this post last claimed a job. log_from: where the log of the newest one begins."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.path = workspace.root / "logs" / f"worker-{name}.start.json"
        try:
            found = read_json(self.path) or {}
            self.number, self.log_from = int(found.get("number", 0)), int(found.get("log_from", 0))
            self.newest = Identity(*found["newest"]) if found.get("newest") else None
        except (OSError, ValueError, TypeError, AttributeError):
            self.number, self.log_from, self.newest = 0, 0, None

    def one_is_starting(self) -> bool:
        """Whether the newest one is still on its way. One that takes too long is ended."""
        who = self.newest
        if who is None or not process_identity.is_visible(who) or not process_identity.lives(who):
            return False
        if process_identity.seconds_since_start(who) < START_SECONDS:
            return True
        with contextlib.suppress(ProcessLookupError):
            os.kill(who.pid, signal.SIGKILL)
        return False

    def count(self, pid: int, log_from: int) -> None:
        """One more was started."""
        ticks = process_identity.start_ticks(pid)
        newest: list[Any] | None = None
        if ticks is not None:
            newest = [process_identity.boot(), process_identity.namespace(), pid, ticks]
        with contextlib.suppress(OSError):  # a full disk
            write_json(self.path, {"number": self.number + 1, "log_from": log_from, "newest": newest})

    def forget(self) -> None:
        """A worker has claimed a job, or ended as it should."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def last_line(log: Path, start: int) -> str:
    """The last line of a log from byte `start` on: of a traceback, the error. '' where there is none."""
    try:
        with open(log, "rb") as file:
            file.seek(max(start, file.seek(0, os.SEEK_END) - LOG_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")
