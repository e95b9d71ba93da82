"""Decoding in limited child processes: strangers' bytes are inflated and decoded where a crash costs one file.

A child is `python -m gan_core.data.pool`, started afresh and not forked, so that the parent may hold threads, CUDA or
a `__main__` that must not run twice. It reads one job per line from stdin, writes the pixels straight into their slot
of a shared file, answers one line on stdout, and ends when its stdin closes, that is, when its parent dies. Its own
alarm kills it at a file that takes too long, so nobody needs to watch a clock.
"""

import collections
import errno
import hashlib
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from gan_core.data.archive import Damaged, read_member
from gan_core.data.decode import NotReadable, decode
from gan_core.errors import Stopped

FEW_FILES = 64
MAX_CHILDREN = 32
JOBS_AHEAD = 128  # unanswered jobs per child
BYTES_AHEAD = 32 << 10  # and their text: less than a pipe holds, so neither side ever blocks on a full pipe
PAUSE_SECONDS = 0.004  # answers pile up meanwhile; waking for each one would cost as much as a small PNG


class Decoded(NamedTuple):
    """slot: index of the job. channels: 1 or 3 in the slot, or 0 and then `reason` says why."""

    slot: int
    channels: int
    width: int = 0
    height: int = 0
    mode: str = ""
    sha256: str = ""
    reason: str = ""
    damaged: bool = False  # inside its zip, not as a picture


def decode_all(
    jobs: Sequence[Sequence[Any]],
    pixels: Path,
    size: int,
    fit: str,
    zip_path: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    children: int | None = None,
    timeout_seconds: float = 10.0,
    memory_bytes: int = 2 << 30,
) -> Iterator[Decoded]:
    """Decode every job; yield one Decoded for each, in no particular order; raise Stopped when should_stop() is true.

    jobs: (offset, packed_bytes, bytes, method, crc) of a zip member, or (path,) of a file. pixels: an existing file
    that gets slot i at i * 3 * size * size. Raises OSError where the pixels cannot be written.
    """
    setup = json.dumps(
        {
            "pixels": str(pixels.absolute()),
            "zip": zip_path and str(zip_path.absolute()),
            "size": size,
            "fit": fit,
            "timeout_seconds": timeout_seconds,
            "memory_bytes": memory_bytes,
        }
    )
    if children is None:
        children = 1 if len(jobs) < FEW_FILES else min(len(os.sched_getaffinity(0)), MAX_CHILDREN)
    waiting = collections.deque(range(len(jobs)))
    selector = selectors.DefaultSelector()
    alive: list[_Child] = []
    try:
        while waiting or any(child.unanswered for child in alive):
            while waiting and len(alive) < children:
                alive.append(_Child(setup))
                selector.register(alive[-1].process.stdout, selectors.EVENT_READ, alive[-1])  # type: ignore
            for child in alive:
                child.feed(waiting, jobs)
            if should_stop():
                raise Stopped
            for key, _ in selector.select(timeout=0.2):
                child = key.data
                yield from child.answers()
                if child.dead:
                    selector.unregister(child.process.stdout)
                    alive.remove(child)
                    yield from child.bury(waiting, timeout_seconds)
            time.sleep(PAUSE_SECONDS)
    finally:
        selector.close()
        for child in alive:
            child.close()


class _Child:
    """The parent's view of one child: what it was asked and has not answered, in order."""

    def __init__(self, setup: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        self.unanswered: collections.deque[tuple[int, int]] = collections.deque()  # (slot, bytes of its line)
        self.bytes_ahead, self.rest, self.ready, self.dead = 0, b"", False, False
        self._send(setup.encode() + b"\n")

    def feed(self, waiting: collections.deque[int], jobs: Sequence[Sequence[Any]]) -> None:
        lines = []
        while waiting and len(self.unanswered) < JOBS_AHEAD and self.bytes_ahead < BYTES_AHEAD:
            slot = waiting.popleft()
            line = json.dumps((slot, *jobs[slot])).encode() + b"\n"
            lines.append(line)
            self.unanswered.append((slot, len(line)))
            self.bytes_ahead += len(line)
        if lines:
            self._send(b"".join(lines))

    def _send(self, data: bytes) -> None:
        try:
            self.process.stdin.write(data)  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]
        except BrokenPipeError:  # it died; its closed stdout says so next
            pass

    def answers(self) -> Iterator[Decoded]:
        chunk = os.read(self.process.stdout.fileno(), 1 << 16)  # type: ignore[union-attr]
        self.dead = not chunk
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            if not self.ready:
                self.ready = True
                continue
            answer = Decoded(*json.loads(line))
            if answer.channels < 0:
                raise OSError(-answer.channels, answer.reason)
            self.bytes_ahead -= self.unanswered.popleft()[1]
            yield answer

    def bury(self, waiting: collections.deque[int], timeout_seconds: float) -> Iterator[Decoded]:
        """The file it died on is lost, the files behind that one go back into the queue."""
        self.close()
        if not self.ready:
            raise RuntimeError(f"the picture reader cannot start: {sys.executable} -m {__name__}")
        if self.unanswered:
            slot, _ = self.unanswered.popleft()
            late = self.process.returncode == -signal.SIGALRM
            yield Decoded(
                slot,
                0,
                reason=f"it took longer than {timeout_seconds:g} s to read"
                if late
                else "reading it crashed the picture reader",
            )
            waiting.extendleft(slot for slot, _ in reversed(self.unanswered))
            self.unanswered.clear()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()  # type: ignore[union-attr]
            except BrokenPipeError:  # unsent jobs of a child that died
                pass


def _main() -> None:
    """The child: set the limits, then answer job after job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the parent
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the default kills, also inside C code
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    setup = json.loads(sys.stdin.buffer.readline())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (setup["memory_bytes"],) * 2)
    size, fit, stride = setup["size"], setup["fit"], 3 * setup["size"] ** 2
    pixels = os.open(setup["pixels"], os.O_WRONLY)
    archive = os.open(setup["zip"], os.O_RDONLY) if setup["zip"] else None
    os.write(1, b"ready\n")
    for line in sys.stdin.buffer:
        slot, *source = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, setup["timeout_seconds"])
        answer: tuple[Any, ...]
        try:
            data = Path(source[0]).read_bytes() if archive is None else read_member(archive, *source)
            picture = decode(data, size, fit)
            answer = (
                slot,
                1 if picture.pixels.ndim == 2 else 3,
                picture.width,
                picture.height,
                picture.mode,
                hashlib.sha256(data).hexdigest(),
            )
            try:
                os.pwrite(pixels, picture.pixels.tobytes(), slot * stride)
            except OSError as error:
                answer = (slot, -(error.errno or errno.EIO), 0, 0, "", "", error.strerror)
        except NotReadable as error:
            answer = (slot, 0, 0, 0, "", "", str(error))
        except Damaged as error:
            answer = (slot, 0, 0, 0, "", "", str(error), True)
        except OSError:
            answer = (slot, 0, 0, 0, "", "", "the file could not be read")
        except MemoryError:
            answer = (slot, 0, 0, 0, "", "", "it needs too much memory to read")
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.write(1, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    _main()
