"""Frames on disk: a folder for each game, named by the key of its settings. The least recently used ones are removed.

cache/lab/<key>/fast-r50.bin    10 frames from round 50 on, every fifth round
cache/lab/<key>/slow-r10.bin    20 frames from round 10 on, every turn
cache/lab/<key>/one-r10d3.bin   the one frame after these moves
cache/lab/<key>/state-r200.npz  the weights, from which a game is continued
"""

import contextlib
import os
import shutil
from pathlib import Path

from gan_core.errors import UserError
from gan_core.learn import moves
from gan_core.learn.settings import Settings

MOST_BYTES = 300 << 20
FAST_ROUNDS, FAST_EVERY = 50, 5  # rounds in a fast chunk, and in each of its frames
SLOW_ROUNDS = 10  # rounds in a slow chunk, which has a frame for each turn
KINDS = {"fast": FAST_ROUNDS, "slow": SLOW_ROUNDS, "one": 1}


def address(kind: str, way: str) -> str:
    """The file name of a chunk. A chunk starts at a multiple of its length. Raises UserError no_such_frames."""
    parts = moves.parse(way)
    if kind not in KINDS or (kind != "one" and parts and parts[-1][0] == "r" and parts[-1][1] % KINDS[kind]):
        raise UserError("no_such_frames", "There are no such frames.", "Choose Reset to begin again.")
    return f"{kind}-{moves.text(parts)}.bin"


def steps(kind: str) -> list[str]:
    """The turns before each frame of a chunk."""
    if kind == "slow":
        return ["", *["d", "g"] * SLOW_ROUNDS][:-1]
    return ["", *["dg" * FAST_EVERY] * (FAST_ROUNDS // FAST_EVERY - 1)] if kind == "fast" else [""]


def folder(root: Path, settings: Settings) -> Path:
    """The folder of a game. root: the folder `cache` of a workspace."""
    return root / "lab" / settings.key


def touch(path: Path) -> None:
    """Mark the folder of a game as used now."""
    with contextlib.suppress(OSError):
        os.utime(path)


def clean(root: Path, most_bytes: int = MOST_BYTES, keep: str = "") -> None:
    """Remove the least recently used games until the others fit into most_bytes. keep: the key of a game that stays."""
    games = []
    for path in (root / "lab").iterdir():
        with contextlib.suppress(OSError):
            used = sum(file.stat().st_size for file in path.iterdir())
            games.append((path.stat().st_mtime, used, path))
    total = sum(used for _, used, _ in games)
    for _, used, path in sorted(games):
        if total <= most_bytes:
            return
        if path.name != keep:
            shutil.rmtree(path, ignore_errors=True)
            total -= used
