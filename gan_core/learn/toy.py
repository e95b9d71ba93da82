"""A toy GAN of points in the plane that counts the known modes it finds.

The known test of mode collapse: 25 Gaussians on a grid (arXiv:1611.02163, arXiv:1712.04086). A plain GAN loses some of them or
draws between them; a relativistic pair with R1 and R2 finds all (R3GAN, arXiv:2501.05441). Departs from the papers so that a
CPU shows it in half a minute: narrower layers, latent codes of two numbers, larger learning rates, samples from an averaged G.
"""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from gan_core.errors import UserError
from gan_core.learn import networks
from gan_core.learn.data import REACH, Source, learned
from gan_core.learn.frames import FIELD, Viewer
from gan_core.learn.game import BATCH, Exploded, Game
from gan_core.learn.settings import Settings

TOYS = {"gaussians": "grid", "ring": "ring", "moons": "moons"}  # name on the command line -> shape of the laboratory
RATE, GAMMA = 0.005, 0.03  # of both networks; of R1 + R2
POINTS = 2500  # generated points that modes are counted in
HALF_LIFE_POINTS = 128_000  # of G's average


class Tick(NamedTuple):
    """The state after some steps. points float32 [POINTS, 2] of the averaged G; field float32 [FIELD, FIELD]: logits of D, row 0
    at the lowest y, both axes from -REACH to REACH; modes: see count_modes; d_real, d_fake: D's mean answers, 1 for real.
    """

    step: int
    seconds: float
    points: np.ndarray
    field: np.ndarray
    modes: dict[str, Any]
    d_real: float | None
    d_fake: float | None

    @property
    def recovered(self) -> bool:
        return self.modes["learnt"] == self.modes["of"]


def play(settings: Settings, *, steps: int, seconds: float = np.inf, every: int = 250) -> Iterator[Tick]:
    """Train G against D for `steps` steps, or `seconds` of time, with a Tick after every `every` steps and after the last.

    The same settings give the same ticks. Raises UserError diverged.
    """
    game = Game(settings)
    viewer, noise = Viewer(game), game.noise(POINTS, np.random.default_rng(settings.seed))
    average, trained = [weights.copy() for weights in game.G], 0.0
    for step in range(1, steps + 1):
        started = time.monotonic()
        try:
            game.take("dg")
            half_life = min(HALF_LIFE_POINTS, 0.05 * step * BATCH)  # ramped up, so that a short game has an average too
            share = np.float32(1 - 0.5 ** (BATCH / half_life))
            for mean, weights in zip(average, game.G, strict=True):
                mean += share * (weights - mean)
            trained += time.monotonic() - started
            late = trained >= seconds
            if step % every and step < steps and not late:
                continue
            numbers, _ = viewer.frame(game, "")
        except Exploded:
            what = f"The losses stopped being finite numbers within {step:,} steps."
            raise UserError("diverged", what, "Choose a gamma above 0, or another loss.") from None
        points = networks.forward(average, game.with_class(noise, np.zeros(POINTS, int)))[0]
        field = viewer.field(game, points[:BATCH], np.zeros(FIELD**2, int)).reshape(FIELD, FIELD)
        found = count_modes(points, game.source)
        yield Tick(step, trained, points, field, found, numbers["d_real"], numbers["d_fake"])
        if late:
            return


def count_modes(points: np.ndarray, source: Source) -> dict[str, Any]:
    """points [N, 2] -> counts of the modes: {"found": with one point or more, "learnt": with a fair share of them, "of",
    "quality": share of points on a mode, "kl": KL(shares || uniform) in nats, None where no point is on one, "counts"}.
    """
    mode, on_mode = source.nearest_mode(points)
    counts = np.bincount(mode[on_mode], minlength=len(source.centers))
    shares = counts[counts > 0] / max(1, counts.sum())
    return {
        "found": len(shares),
        "learnt": learned(counts, len(points)),
        "of": len(counts),
        "quality": float(on_mode.mean()),
        "kl": float((shares * np.log(shares * len(counts))).sum()) if len(shares) else None,
        "counts": {str(number): int(count) for number, count in enumerate(counts) if count},
    }


def picture(source: Source, tick: Tick, side: int = 512) -> Image.Image:
    """Generated points over D's field, light where D says real; the true centers as rings."""
    low, high = tick.field.min(), tick.field.max()
    shade = (150 + 105 * (tick.field - low) / max(high - low, 1e-9)).astype(np.uint8)[::-1]
    image = Image.fromarray(shade).resize((side, side), Image.Resampling.BILINEAR).convert("RGB")
    pen, scale = ImageDraw.Draw(image), side / (2 * REACH)
    for x, y in (source.centers * [1, -1] + REACH) * scale:
        radius = 3 * source.std * scale + 2
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=(230, 159, 0))
    for x, y in (tick.points * [1, -1] + REACH) * scale:
        pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill=(0, 114, 178))
    return image
