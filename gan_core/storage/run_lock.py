"""One process at a time writes into the folder of a run: a lock while it lives, and a number that rises with every attempt.

The system releases the lock when the process ends, however it ends. Where it cannot be trusted (a file system without locks, a
folder that was copied or moved), the number is the fence: each attempt writes its own into runs/<run>/attempt, and a process whose
number is not there any more has been overtaken and writes nothing.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from gan_core.errors import UserError
from gan_core.storage.workspace import atomic_write

LOCK, ATTEMPT = "lock", "attempt"  # in the folder of a run
WAIT_SECONDS = 5.0  # for a reader that looks whether the lock is held


class RunLock:
    """attempt: the number of this process, in the folder of a run."""

    def __init__(self, folder: Path, attempt: int) -> None:
        self.folder, self.attempt = folder, attempt

    def is_mine(self) -> bool:
        """Whether no other attempt began since. A number that cannot be read now tells nothing."""
        try:
            return read_attempt(self.folder) == self.attempt
        except OSError:
            return True


@contextlib.contextmanager
def held(folder: Path) -> Iterator[RunLock]:
    """Inside, this process is the one that writes into the folder of a run. Raises UserError run_in_use."""
    file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not taken(file):
            what = "Another process still holds this run, perhaps one that is frozen or runs on another computer."
            raise UserError("run_in_use", what, "End it (`stop --force`), then resume the run.")
        number = (read_attempt(folder) or 0) + 1
        atomic_write(folder / ATTEMPT, lambda out: out.write(f"{number}\n".encode()))
        yield RunLock(folder, number)
    finally:
        os.close(file)


def taken(file: int) -> bool:
    """Take the lock, also where a reader has it for an instant. True on a file system without locks, where the number must do."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        except OSError:
            return True


def is_held(folder: Path) -> bool:
    """Whether a live process writes into the folder of a run; False also where that cannot be told."""
    try:
        file = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)


def read_attempt(folder: Path) -> int | None:
    """The number of the newest attempt; None where there is none, or it is no number. Raises OSError."""
    try:
        return int((folder / ATTEMPT).read_text())
    except (FileNotFoundError, ValueError):
        return None
