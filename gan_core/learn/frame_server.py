"""The server's side of the laboratory: it passes requests for frames to a few processes; each process has its own games."""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gan_core.errors import UserError
from gan_core.learn import frame_cache
from gan_core.learn.settings import Settings

MOST_PROCESSES = 4
ROOT = Path(__file__).parents[2]
MOST_WAITING = 60  # requests for one process: two school classes at once
FULL = UserError(
    "lab_full", "Too many games are waiting to be computed.", "Wait a little, or play a game of the presets."
)
BUSY = UserError("lab_broke", "The laboratory did not answer.", "Choose Reset, or reload the page.")


class FrameServer:
    """Chunks of frames, from disk or computed. Processes start when the first frame is asked for, and end with the server.

    A game belongs to one process, which answers one request after the other, so forty readers who ask for the same chunk cause
    one computation.
    """

    def __init__(self, root: Path):
        """root: the folder `cache` of a workspace."""
        self.root = root
        self.processes = [FrameProcess(root) for _ in range(max(1, min(MOST_PROCESSES, os.cpu_count() or 1)))]

    async def chunk(self, settings: Settings, kind: str, way: str) -> Path:
        """The file with these frames. Raises UserError: no_such_frames, bad_moves, lab_broke."""
        place = frame_cache.folder(self.root, settings)
        file = place / frame_cache.address(kind, way)
        if not file.is_file():
            process = self.processes[int(settings.key, 16) % len(self.processes)]
            if process.waiting >= MOST_WAITING:
                raise FULL
            # Shielded: when a browser leaves, its answer must still be read, or the next request would take it for its own.
            await asyncio.shield(process.ask(file, {"settings": asdict(settings), "kind": kind, "moves": way}))
        frame_cache.touch(place)
        return file

    def end(self) -> None:
        for process in self.processes:
            process.end()


class FrameProcess:
    """One process that computes frames, and the requests that wait for it."""

    def __init__(self, root: Path):
        self.root, self.turn, self.waiting = root, asyncio.Lock(), 0
        self.process: asyncio.subprocess.Process | None = None

    async def ask(self, file: Path, request: dict[str, Any]) -> None:
        self.waiting += 1
        try:
            async with self.turn:
                await self.answer(file, request)
        finally:
            self.waiting -= 1

    async def answer(self, file: Path, request: dict[str, Any]) -> None:
        if file.is_file():  # computed while this request waited
            return
        if self.process is None or self.process.returncode is not None:
            self.process = await self.start()
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            await self.process.stdin.drain()
            answer = await self.process.stdout.readline()
        except OSError:
            answer = b""
        if not answer or not json.loads(answer)["ok"]:
            self.end()
            raise BUSY

    async def start(self) -> asyncio.subprocess.Process:
        one_thread = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gan_core.learn.frame_process", "--cache", str(self.root)),
            cwd=ROOT,
            env=os.environ | one_thread,  # with two threads, sums and so frames of the same link would differ
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

    def end(self) -> None:
        if self.process and self.process.returncode is None and self.process.stdin:
            self.process.stdin.close()
        self.process = None
