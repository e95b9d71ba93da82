"""A frame of the laboratory: the points, D's outputs and the numbers after a turn, in a compact binary format.

Distances between the real and the generated distribution: both as histograms of CELLS x CELLS cells over the visible square
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

FIELD = 32  # positions along each axis at which D is evaluated
SHOWN = 200  # generated points that are shown; the first ARROWS of them with the direction of G's gradient step
ARROWS = 100
LINES = 13  # of the grid of latent codes, in each direction
REALS, FAKES = 4000, 800
CELLS = 12
FIXED = 2**40  # a turn that no game reaches: it numbers the random stream of what stays the same in all frames
STEEPEST = 2.0  # longest arrow; longer ones are cut


class Viewer:
    """What stays the same in all frames of a game: latent codes, real points, positions at which D is evaluated."""

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
        """(the numbers, the picture of the current state): D's answers uint8 [views, FIELD, FIELD] from the lowest y, then int16 in
        parts of twice REACH: points [SHOWN, 2], grid [views, LINES * LINES, 2], and arrows [ARROWS, 2] in parts of STEEPEST.
        """
        with np.errstate(all="ignore"):
            points, _ = networks.forward(game.G, game.with_class(self.noise, self.asked))
            game.check(points)
            n = BATCH
            rng = np.random.Generator(np.random.Philox(key=[game.settings.seed, FIXED + 1]))
            _, slope = game.gradient_of_g(self.real[:n], self.classes[:n], points[:n], self.asked[:n], rng)
            arrows = -slope[:ARROWS] * n
            of_real, _ = networks.forward(game.D, game.seen_by_d(self.real[:n], self.classes[:n]))
            of_fake, _ = networks.forward(game.D, game.seen_by_d(points[:n], self.asked[:n]))
            level = float(of_real.mean() + of_fake.mean()) / 2
            fields, grids = [], []
            for view in self.views:
                classes = np.full(len(self.places), view)
                fields.append(answers(game.loss, self.field(game, points[:n], classes), level))
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

    def field(self, game: Game, points: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """D's logits at each position. For a D that sees its batch, each position counts as one of the generated points."""
        x = game.with_class(self.places, classes)
        if game.settings.crowd:
            x = np.concatenate([x, crowding(self.places, points)[:, None]], axis=1)
        return networks.forward(game.D, x)[0][:, 0]

    def modes(self, game: Game, points: np.ndarray) -> dict[str, Any]:
        """Number of learned modes; with labels, also the share of points that lie on a mode of their class."""
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
        """The layout of the pictures, and the real points."""
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
    """Values as int16, little-endian, in parts of `largest`; larger ones are cut."""
    return np.rint(np.clip(values / largest, -1, 1) * 32767).astype("<i2").tobytes()


def rounded(value: float) -> float | None:
    """Rounded to four digits; None where it is not finite."""
    return float(f"{value:.4g}") if np.isfinite(value) else None


def histogram(points: np.ndarray) -> np.ndarray:
    """Share of the points [N, 2] in each cell, with half a point added to each; [CELLS * CELLS]."""
    cell = np.clip(((points + REACH) / (2 * REACH) * CELLS).astype(int), 0, CELLS - 1)
    counts = np.bincount(cell[:, 1] * CELLS + cell[:, 0], minlength=CELLS * CELLS) + 0.5
    return counts / counts.sum()


def distances(real: np.ndarray, fake: np.ndarray) -> dict[str, float | None]:
    """KL(real || fake) in nats and JS in bits, of two histograms."""
    middle = (real + fake) / 2
    js = (real * np.log2(real / middle) + fake * np.log2(fake / middle)).sum() / 2
    return {"kl": rounded((real * np.log(real / fake)).sum()), "js": rounded(js)}


def pack(head: dict[str, Any], rows: list[dict[str, Any]], pictures: list[bytes], exploded: bool) -> bytes:
    """A chunk: the length of the JSON (uint32, little-endian), the JSON, then picture after picture.

    exploded: the game diverged before the last frame of the chunk.
    """
    text = json.dumps({**head, "frames": rows, "exploded": exploded}, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + b"".join(pictures)


def unpack(chunk: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The JSON of a chunk, and its pictures."""
    (length,) = struct.unpack_from("<I", chunk)
    head = json.loads(chunk[4 : 4 + length])
    rest, count = chunk[4 + length :], len(head["frames"])
    size = len(rest) // count if count else 0
    return head, [rest[at * size : (at + 1) * size] for at in range(count)]
