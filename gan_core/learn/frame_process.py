"""python -m gan_core.learn.frame_process: computes chunks of frames. It reads a request from each line of stdin.

{"settings": {...}, "kind": "fast", "moves": "r50"} -> {"ok": true}, once the file exists. The process ends with
its stdin. A lock lets one process at a time compute a game, also where two servers share a workspace.
"""

import argparse
import fcntl
import io
import json
import os
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.learn import frame_cache, moves
from gan_core.learn.frames import Viewer, pack
from gan_core.learn.game import Exploded, Game
from gan_core.learn.settings import Settings, build
from gan_core.storage.workspace import atomic_write

KEEP_ROUNDS = 200  # rounds between two states on disk
WARM_GAMES = 24  # states in memory
CLEAN_EVERY = 40  # chunks between two cleanups of the cache

Kept = dict[str, np.ndarray]


class FrameMaker:
    """Computes chunks and writes them into the folder `cache` of a workspace."""

    def __init__(self, root: Path):
        self.root, self.made = root, 0
        self.warm: OrderedDict[tuple[str, str], Kept] = OrderedDict()  # (key, every turn so far) -> state

    def make(self, settings: Settings, kind: str, way: str) -> None:
        """Write a chunk, unless it exists. Raises UserError no_such_frames, bad_moves."""
        place = frame_cache.folder(self.root, settings)
        file = place / frame_cache.address(kind, way)
        if not file.is_file():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(place / "lock", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not file.is_file():
                    chunk = self.chunk(settings, kind, moves.parse(way), place)
                    atomic_write(file, lambda out: out.write(chunk))
                    self.made += 1
            finally:
                os.close(lock)
            if self.made % CLEAN_EVERY == 1:
                frame_cache.clean(self.root, keep=settings.key)
        frame_cache.touch(place)

    def chunk(self, settings: Settings, kind: str, parts: moves.Moves, place: Path) -> bytes:
        game, exploded = Game(settings), False
        viewer, rows, pictures = Viewer(game), [], []
        try:
            game = self.arrive(settings, parts, place)
            for step in frame_cache.steps(kind):
                game.take(step)
                for letter in step:
                    parts = moves.add(parts, letter, 1)
                row, picture = viewer.frame(game, moves.text(parts))
                rows.append(row)
                pictures.append(picture)
            if kind != "one":  # the state at which the next chunk starts
                rest = "dg" * frame_cache.FAST_EVERY if kind == "fast" else "g"
                game.take(rest)
                for letter in rest:
                    parts = moves.add(parts, letter, 1)
            self.remember(settings, parts, game, place)
        except Exploded:
            exploded = True
        return pack(viewer.head(), rows, pictures, exploded)

    def arrive(self, settings: Settings, parts: moves.Moves, place: Path) -> Game:
        """The game after these moves, continued from the nearest saved state. Raises Exploded."""
        way = moves.letters(parts)
        near = max(
            (known for key, known in self.warm if key == settings.key and way.startswith(known)), key=len, default=""
        )
        kept = self.warm.get((settings.key, near))
        for path in place.glob("state-*.npz"):
            known = moves.letters(moves.parse(path.stem.removeprefix("state-")))
            if len(known) > len(near) and way.startswith(known):
                with np.load(path) as arrays:
                    kept, near = dict(arrays), known
        game = Game.restored(settings, kept) if kept else Game(settings)
        game.take(way[len(near) :])
        self.remember(settings, parts, game, place)
        return game

    def remember(self, settings: Settings, parts: moves.Moves, game: Game, place: Path) -> None:
        kept = game.kept()
        kept = {name: array.copy() for name, array in kept.items()}
        self.warm[settings.key, moves.letters(parts)] = kept
        while len(self.warm) > WARM_GAMES:
            self.warm.popitem(last=False)
        on_the_main_way = len(parts) == 1 and parts[0][0] == "r" and parts[0][1] % KEEP_ROUNDS == 0
        if on_the_main_way and not (file := place / f"state-{moves.text(parts)}.npz").is_file():
            packed = io.BytesIO()
            np.savez(packed, **kept)  # type: ignore[arg-type]
            atomic_write(file, lambda out: out.write(packed.getvalue()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", required=True, type=Path)
    os.nice(10)  # training comes first
    maker = FrameMaker(parser.parse_args().cache)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            maker.make(build(request["settings"]), request["kind"], request["moves"])
            answer: dict[str, Any] = {"ok": True}
        except OSError as broken:
            answer = {"ok": False, "why": str(broken)[:200]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
