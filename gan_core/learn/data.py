"""What the real points look like: blobs on a ring or a grid, a spiral, or what a pupil has drawn."""

import re
from typing import NamedTuple

import numpy as np

from gan_core.errors import UserError

REACH = 3.0  # half the side of the square around 0 that is seen
MOST_DRAWN = 150  # points of a drawing: each is two letters of a link
SIDE = 64  # places a side that a drawn point can have, one for each letter
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
DRAWN = re.compile(rf"([A-Za-z0-9_-]{{2}}){{1,{MOST_DRAWN}}}")
AROUND_DRAWN = 0.08  # a drawn point is a small blob


class Source(NamedTuple):
    """A mixture of equal blobs. centres float32 [K, 2]; std: of each; classes int [K]: 0 or 1; modes: are the blobs apart, so
    that it makes sense to count them?
    """

    centres: np.ndarray
    std: float
    classes: np.ndarray
    modes: bool

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points float32 [n, 2] and their classes int [n]."""
        chosen = rng.integers(len(self.centres), size=n)
        points = self.centres[chosen] + self.std * rng.standard_normal((n, 2), dtype=np.float32)
        return points.astype(np.float32), self.classes[chosen]


def ring() -> np.ndarray:
    turn = np.arange(8) * np.pi / 4
    return 2 * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def grid() -> np.ndarray:
    axis = np.arange(-2.0, 3.0, 1.0)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def spiral() -> np.ndarray:
    way = np.sqrt(np.linspace(0.02, 1, 120))
    turn = way * 3.2 * np.pi
    return 2.4 * way[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)


SHAPES = {
    "ring": ("Ring of 8", ring, 0.12, True),
    "grid": ("Grid of 25", grid, 0.08, True),
    "spiral": ("Spiral", spiral, 0.08, False),
    "drawn": ("Drawn by hand", None, AROUND_DRAWN, False),
}


def source(name: str, drawing: str = "") -> Source:
    """The distribution of that name. Its classes: every other blob; for a spiral or a drawing, its left and right half."""
    _, centres_of, std, modes = SHAPES[name]
    centres = (decode(drawing) if centres_of is None else centres_of()).astype(np.float32)
    classes = np.arange(len(centres)) % 2 if modes else (centres[:, 0] > np.median(centres[:, 0])).astype(int)
    return Source(centres, std, classes, modes)


def decode(drawing: str) -> np.ndarray:
    """'aBcD…' -> points float [N, 2] in the square; two letters a point, x and y. Raises UserError bad_drawing."""
    if not DRAWN.fullmatch(drawing):
        raise UserError(
            "bad_drawing",
            "There is no drawing in this link, or only a part of one.",
            f"Draw 1 to {MOST_DRAWN} points, or choose another shape.",
        )
    numbers = np.array([LETTERS.index(letter) for letter in drawing], float).reshape(-1, 2)
    return (numbers + 0.5) / SIDE * 2 * REACH - REACH


def encode(points: np.ndarray) -> str:
    """Points [N, 2] -> a drawing; the opposite of decode, to the nearest place."""
    places = np.clip((np.asarray(points, float) + REACH) / (2 * REACH) * SIDE, 0, SIDE - 1).astype(int)
    return "".join(LETTERS[place] for place in places.reshape(-1))
