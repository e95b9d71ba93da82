"""A frame: what is seen after a turn. Packed into few bytes, with the numbers beside it as JSON.

Distances between the real and the generated distribution: both as histograms of CELLS x CELLS cells over the square that is seen
(what lies outside counts for the nearest cell), REALS real against FAKES generated points, half a point added to every cell so
that no logarithm is of 0. KL is real against generated, in nats: it grows where G leaves a place out. JS is in bits, between 0
(the same) and 1 (nothing in common).
"""

import json
import struct
from typing import Any

import numpy as np

from gan_core.learn import networks
from gan_core.learn.data import REACH, learned
from gan_core.learn.game import BATCH, Game, crowding
from gan_core.learn.losses import answers

FIELD = 32  # places a side where D is asked
SHOWN = 200  # generated points that are drawn; the first ARROWS of them with G's wish
ARROWS = 100
LINES = 13  # of the grid of noise, each way
REALS, FAKES = 4000, 800
CELLS = 12
FIXED = 2**40  # a turn that no game reaches: its random numbers are those of what stays the same
STEEPEST = 2.0  # a longer arrow is cut


class Viewer:
    """What stays the same in every frame of one game: noise, real points, places where D is asked."""

    def __init__(self, game: Game):
        rng = np.random.Generator(np.random.Philox(key=[game.settings.seed, FIXED]))
        self.noise = game.noise(FAKES, rng)
        self.asked = rng.integers(2, size=FAKES)
        self.real, self.classes = game.source.draw(REALS, rng)
        self.shares = histogram(self.real)
        axis = np.linspace(-REACH, REACH, FIELD, dtype=np.float32)
        self.places = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        line = np.linspace(-1, 1, LINES, dtype=np.float32)
        self.grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        if game.settings.noise == "line":
            self.grid[:, 1] = 0
        self.views = (0, 1) if game.settings.labels else (0,)

    def frame(self, game: Game, way: str) -> tuple[dict[str, Any], bytes]:
        """The numbers of now, and the picture: D's answers uint8 [views, FIELD, FIELD] from the lowest y, then int16 in parts of
        twice REACH: points [SHOWN, 2], grid [views, LINES * LINES, 2], and arrows [ARROWS, 2] in parts of STEEPEST.
        """
        with np.errstate(all="ignore"):
            points, _ = networks.forward(game.G, game.with_class(self.noise, self.asked))
            game.check(points)
            n = BATCH
            rng = np.random.Generator(np.random.Philox(key=[game.settings.seed, FIXED + 1]))
            _, slope = game.wish(self.real[:n], self.classes[:n], points[:n], self.asked[:n], rng)
            arrows = -slope[:ARROWS] * n
            of_real, _ = networks.forward(game.D, game.seen_by_d(self.real[:n], self.classes[:n]))
            of_fake, _ = networks.forward(game.D, game.seen_by_d(points[:n], self.asked[:n]))
            level = float(of_real.mean() + of_fake.mean()) / 2
            fields, grids = [], []
            for view in self.views:
                told = np.full(len(self.places), view)
                fields.append(answers(game.loss, self.field(game, points[:n], told), level))
                grids.append(networks.forward(game.G, game.with_class(self.grid, np.full(len(self.grid), view)))[0])
            game.check(arrows)
        picture = (
            np.rint(np.concatenate(fields) * 255).astype(np.uint8).tobytes()
            + small(np.concatenate([points[:SHOWN], *grids]), 2 * REACH)
            + small(arrows, STEEPEST)
        )
        numbers = {
            "moves": way,
            "turns": game.turns,
            "loss_d": rounded(game.loss_d),
            "loss_g": rounded(game.loss_g),
            "d_real": rounded(answers(game.loss, of_real, level).mean()),
            "d_fake": rounded(answers(game.loss, of_fake, level).mean()),
            **distances(self.shares, histogram(points)),
            **self.modes(game, points),
        }
        return numbers, picture

    def field(self, game: Game, points: np.ndarray, told: np.ndarray) -> np.ndarray:
        """D's logits at each place; for a D that also sees its batch, as if the place were one of the generated points."""
        x = game.with_class(self.places, told)
        if game.settings.crowd:
            x = np.concatenate([x, crowding(self.places, points)[:, None]], axis=1)
        return networks.forward(game.D, x)[0][:, 0]

    def modes(self, game: Game, points: np.ndarray) -> dict[str, Any]:
        """How many of the blobs are learnt, and, with labels, the share of points on a blob of the class that was asked for."""
        source = game.source
        if not source.modes:
            return {}
        mine, on = source.nearest_mode(points)
        counts = np.bincount(mine[on], minlength=len(source.centers))
        found: dict[str, Any] = {"modes": learned(counts, len(points)), "of": len(counts)}
        found["on"] = rounded(on.mean())
        if game.settings.labels and on.any():
            found["right"] = rounded((source.classes[mine[on]] == self.asked[on]).mean())
        return found

    def head(self) -> dict[str, Any]:
        """What a reader has to know to take the pictures apart, and the real points."""
        return {
            "field": FIELD,
            "shown": SHOWN,
            "arrows": ARROWS,
            "lines": LINES,
            "views": len(self.views),
            "reach": REACH,
            "real": np.round(self.real[:SHOWN], 2).tolist(),
            "classes": self.classes[:SHOWN].tolist(),
            "asked": self.asked[:SHOWN].tolist(),
        }


def small(values: np.ndarray, largest: float) -> bytes:
    """int16, little-endian: values in [-largest, largest], what is beyond is cut."""
    return np.rint(np.clip(values / largest, -1, 1) * 32767).astype("<i2").tobytes()


def rounded(value: float) -> float | None:
    """Four digits, None for what is no number."""
    return float(f"{value:.4g}") if np.isfinite(value) else None


def histogram(points: np.ndarray) -> np.ndarray:
    """Share of points [N, 2] in each cell, with half a point more in every one; [CELLS * CELLS]."""
    cell = np.clip(((points + REACH) / (2 * REACH) * CELLS).astype(int), 0, CELLS - 1)
    counts = np.bincount(cell[:, 1] * CELLS + cell[:, 0], minlength=CELLS * CELLS) + 0.5
    return counts / counts.sum()


def distances(real: np.ndarray, fake: np.ndarray) -> dict[str, float | None]:
    """KL(real, fake) in nats and JS in bits, of two histograms."""
    middle = (real + fake) / 2
    js = (real * np.log2(real / middle) + fake * np.log2(fake / middle)).sum() / 2
    return {"kl": rounded((real * np.log(real / fake)).sum()), "js": rounded(js)}


def pack(head: dict[str, Any], rows: list[dict[str, Any]], pictures: list[bytes], exploded: bool) -> bytes:
    """A chunk: the length of the JSON (uint32, little-endian), the JSON, then picture after picture.

    exploded: the game broke down before the last frame that was asked for.
    """
    told = json.dumps({**head, "frames": rows, "exploded": exploded}, allow_nan=False).encode()
    told += b" " * (-len(told) % 4)
    return struct.pack("<I", len(told)) + told + b"".join(pictures)


def unpack(chunk: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The JSON of a chunk, and its pictures."""
    (length,) = struct.unpack_from("<I", chunk)
    told = json.loads(chunk[4 : 4 + length])
    rest, count = chunk[4 + length :], len(told["frames"])
    size = len(rest) // count if count else 0
    return told, [rest[at * size : (at + 1) * size] for at in range(count)]
