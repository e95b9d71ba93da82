"""The distributions of the real points: blobs on a ring or a grid, a spiral, two moons, or a drawing of the reader."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_core.errors import UserError

REACH = 3.0  # half the side of the visible square around 0
MOST_DRAWN = 150  # points of a drawing; each takes two letters of a link
SIDE = 64  # positions of a drawn point along each axis, one for each letter
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
DRAWN = re.compile(rf"([A-Za-z0-9_-]{{2}}){{1,{MOST_DRAWN}}}")
DRAWN_STD = 0.08  # a drawn point is a small blob
FAIR = 0.2  # a mode is learned with at least this part of its share of the points
MOST_STDS = 3.0  # a point further from every center is on no mode


class Source(NamedTuple):
    """A mixture of equal blobs. centers float32 [K, 2]; std: of each; classes int [K]: 0 or 1; modes: whether the blobs are
    apart, so that they can be counted.
    """

    centers: np.ndarray
    std: float
    classes: np.ndarray
    modes: bool

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points float32 [n, 2] and their classes int [n]."""
        chosen = rng.integers(len(self.centers), size=n)
        points = self.centers[chosen] + self.std * rng.standard_normal((n, 2), dtype=np.float32)
        return points.astype(np.float32), self.classes[chosen]

    def nearest_mode(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """points [N, 2] -> the number of the nearest mode int [N], and whether the point lies on it bool [N]."""
        distance = np.sqrt(np.square(points[:, None] - self.centers[None]).sum(axis=2))
        return distance.argmin(axis=1), distance.min(axis=1) <= MOST_STDS * self.std


def learned(counts: np.ndarray, points: int) -> int:
    """How many modes have at least FAIR of their share of the points. counts [K]: points on each mode."""
    return int((counts >= FAIR * points / len(counts)).sum())


def arc(n: int, start: float, end: float, radius: float) -> np.ndarray:
    """n points on a circle around 0, from the angle start to the angle end, both in half turns; [n, 2]."""
    angle = np.linspace(start, end, n) * np.pi
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def ring() -> np.ndarray:
    return arc(8, 0, 1.75, radius=2)


def moons() -> np.ndarray:
    apart = np.array([0.7, 0.35])
    return np.concatenate([arc(16, 0, 1, radius=1.4) - apart, arc(16, 1, 2, radius=1.4) + apart])


def grid() -> np.ndarray:
    axis = np.arange(-2.0, 3.0, 1.0)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def spiral() -> np.ndarray:
    way = np.sqrt(np.linspace(0.02, 1, 120))
    turn = way * 3.2 * np.pi
    return 2.4 * way[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)


class Shape(NamedTuple):
    """centers: a function that gives them, None for a drawing; std: of each blob; modes: see Source."""

    title: str
    centers: Callable[[], np.ndarray] | None
    std: float
    modes: bool


SHAPES = {
    "ring": Shape("Ring of 8", ring, 0.12, True),
    "grid": Shape("Grid of 25", grid, 0.08, True),
    "spiral": Shape("Spiral", spiral, 0.08, False),
    "moons": Shape("Two moons", moons, 0.08, False),
    "drawn": Shape("Drawn by hand", None, DRAWN_STD, False),
}


def source(name: str, drawing: str = "") -> Source:
    """The distribution of that name. Classes alternate from blob to blob; other shapes have a left and a right class."""
    shape = SHAPES[name]
    centers = (shape.centers() if shape.centers else decode(drawing)).astype(np.float32)
    classes = np.arange(len(centers)) % 2 if shape.modes else (centers[:, 0] > np.median(centers[:, 0])).astype(int)
    return Source(centers, shape.std, classes, shape.modes)


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
    """Points [N, 2] -> a drawing, rounded to the nearest position; the inverse of decode."""
    places = np.clip((np.asarray(points, float) + REACH) / (2 * REACH) * SIDE, 0, SIDE - 1).astype(int)
    return "".join(LETTERS[place] for place in places.reshape(-1))
