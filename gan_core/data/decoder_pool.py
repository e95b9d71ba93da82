"""Decoding in limited child processes: bytes from strangers are inflated and decoded where a crash costs one file.

A child is `python -m gan_core.data.decoder_process`, started afresh and not forked, so that the parent may hold threads, CUDA or
a `__main__` that must not run twice. This is the parent's side: who reads what, and what became of it.
"""

import collections
import json
import mmap
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan_core.data.color import WHITE, Color
from gan_core.data.decode import Fit
from gan_core.data.decoder_process import MARK, MARK_BYTES
from gan_core.errors import Stopped

FEW_FILES = 64
MAX_CHILDREN = 32
BATCH_JOBS, BATCH_BYTES = 64, 128 << 10  # of a line: waking for each file would cost as much as a small PNG
UNKNOWN_BYTES = 16 << 10  # a file of a folder counts as this large
LINES_AHEAD = 2  # unanswered lines per child
MODULE = "gan_core.data.decoder_process"  # that a child runs
TEXT_AHEAD = 32 << 10  # bytes of these lines: less than a pipe holds, so neither side ever blocks on a full pipe


class DecodedFile(NamedTuple):
    """position: index of the job, and of the pixels in the pixel file. channels: 1 or 3, or 0 and then `reason` says why."""

    position: int
    channels: int
    width: int = 0
    height: int = 0
    mode: str = ""
    sha256: str = ""
    reason: str = ""
    damaged: bool = False  # inside its zip, not as an image
    animated: bool = False


class DecodeSettings(NamedTuple):
    """How images become squares of size x size pixels, and what one of them may cost: seconds, and bytes of memory."""

    size: int
    fit: Fit
    background: Color = WHITE
    timeout_seconds: float = 10.0
    memory_bytes: int = 2 << 30


def decode_all(
    jobs: Sequence[Sequence[Any]],
    pixels: Path,
    settings: DecodeSettings,
    zip_path: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    children: int = 0,
    started: "StartedDecoders | None" = None,
) -> Iterator[DecodedFile]:
    """Decode every job; yield one DecodedFile for each, in no particular order; raise Stopped when should_stop() is true.

    jobs: (offset, packed_bytes, bytes, method, crc) of a zip member, or (path,) of a file. pixels: an existing pixel file.
    children: processes, 0 for as many as suit. started: children that were started ahead, and are used up. Raises OSError where
    the pixels cannot be written.
    """
    paths = {"pixels": str(pixels.absolute()), "zip": zip_path and str(zip_path.absolute())}
    setup = json.dumps(paths | settings._asdict())
    children = children or (1 if len(jobs) < FEW_FILES else most_children())
    waiting = collections.deque(range(len(jobs)))
    selector = selectors.DefaultSelector()
    alive: list[_Child] = []
    ahead = started.children if started else []
    try:
        while waiting or any(child.unanswered for child in alive):
            while waiting and len(alive) < children:
                alive.append(ahead.pop() if ahead else _Child())
                alive[-1].set_up(setup)
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
                    yield from child.bury(waiting, settings.timeout_seconds)
    finally:
        selector.close()
        for child in alive:
            child.close()


def most_children() -> int:
    return min(len(os.sched_getaffinity(0)), MAX_CHILDREN)


class StartedDecoders:
    """Children started ahead: they import what they need while their parent still lists a zip. To be used in a with."""

    def __init__(self, count: int):
        self.children = [_Child() for _ in range(count)]

    def __enter__(self) -> "StartedDecoders":
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            child.close()


class _Child:
    """The parent's view of one child: the lines it was sent and has not answered, in order."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            os.pwrite(file.fileno(), bytes(MARK_BYTES), 0)  # not a hole: on a full disk that would be a signal, later
            self.mark = mmap.mmap(file.fileno(), MARK_BYTES)  # the position that it is at
            self.process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(file.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=Path(__file__).parents[2],
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                pass_fds=[file.fileno()],
            )
        self.unanswered: collections.deque[tuple[list[int], int]] = (
            collections.deque()
        )  # (positions, bytes of the line)
        self.text_ahead, self.rest, self.ready, self.dead = 0, b"", False, False

    def set_up(self, setup: str) -> None:
        self._send(setup.encode() + b"\n")

    def feed(self, waiting: collections.deque[int], jobs: Sequence[Sequence[Any]]) -> None:
        while waiting and len(self.unanswered) < LINES_AHEAD and self.text_ahead < TEXT_AHEAD:
            positions: list[int] = []
            batch_bytes = 0
            while waiting and len(positions) < BATCH_JOBS and batch_bytes < BATCH_BYTES:
                positions.append(waiting.popleft())
                batch_bytes += jobs[positions[-1]][1] if len(jobs[positions[-1]]) > 1 else UNKNOWN_BYTES
            line = json.dumps([(position, *jobs[position]) for position in positions]).encode() + b"\n"
            self.unanswered.append((positions, len(line)))
            self.text_ahead += len(line)
            self._send(line)

    def _send(self, data: bytes) -> None:
        try:
            self.process.stdin.write(data)  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]
        except BrokenPipeError:  # it died; its closed stdout says so next
            pass

    def answers(self) -> Iterator[DecodedFile]:
        chunk = os.read(self.process.stdout.fileno(), 1 << 16)  # type: ignore[union-attr]
        self.dead = not chunk
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            if not self.ready:
                self.ready = True
                continue
            self.text_ahead -= self.unanswered.popleft()[1]
            for values in json.loads(line):
                answer = DecodedFile(*values)
                if answer.channels < 0:
                    raise OSError(-answer.channels, answer.reason)
                yield answer

    def bury(self, waiting: collections.deque[int], timeout_seconds: float) -> Iterator[DecodedFile]:
        """The file it died on is lost; what else it has not answered goes back into the queue."""
        (at,) = MARK.unpack(self.mark)
        self.close()
        if not self.ready:
            raise RuntimeError(f"the image reader cannot start: {sys.executable} -m {MODULE}")
        if self.unanswered:
            positions = [position for line, _ in self.unanswered for position in line]
            lost = at if at in self.unanswered[0][0] else positions[0]
            late = self.process.returncode == -signal.SIGALRM
            yield DecodedFile(
                lost,
                0,
                reason=f"it took longer than {timeout_seconds:g} s to read"
                if late
                else "reading it crashed the image reader",
            )
            positions.remove(lost)
            waiting.extendleft(reversed(positions))
            self.unanswered.clear()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.mark.close()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()  # type: ignore[union-attr]
            except BrokenPipeError:  # unsent jobs of a child that died
                pass
