"""The laboratory: a GAN of points in the plane that learns while one looks, and whose modes can be counted exactly.

The known test of mode collapse: 25 Gaussians on a grid (arXiv:1611.02163, arXiv:1712.04086). A plain GAN loses some of them or
draws between them; a relativistic pair with R1 and R2 finds all (R3GAN, arXiv:2501.05441). Losses and penalty are those of real
runs. Departs from the paper so that two cores show it in a minute: narrower layers, larger learning rates, samples from an
averaged G.
"""

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn

from gan_core.errors import UserError
from gan_core.evaluation.mode_counting import gaussian_modes
from gan_core.training import ema
from gan_core.training.losses import LOSSES, probabilities
from gan_core.training.penalties import r1_penalty

POINTS = 2500  # generated points that modes are counted in
FIELD = 48  # places a side where D is asked
FAIR = 0.2  # of its share of all points: a mode with less is touched by dust between the modes, not learnt


class Toy(NamedTuple):
    """A mixture of equal Gaussians: centres float64 [K, 2] and their standard deviation."""

    title: str
    centres: np.ndarray
    std: float

    @property
    def reach(self) -> float:
        """Half the side of the square around 0 that shows everything."""
        return float(np.abs(self.centres).max()) + 1.0

    def draw(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Real points float32 [n, 2]."""
        centres = torch.from_numpy(self.centres).float()
        chosen = centres[torch.randint(len(centres), (n,), generator=generator)]
        return chosen + self.std * torch.randn(n, 2, generator=generator)


def arc(n: int, start: float, end: float, radius: float = 2.0) -> np.ndarray:
    """n points on a circle around 0, from the angle start to the angle end, both in half turns; [n, 2]."""
    turn = np.linspace(start, end, n) * np.pi
    return radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


AXIS, HALF_APART = np.arange(-4.0, 5.0, 2.0), np.array([1, 0.5])
TOYS = {
    "gaussians": Toy("25 Gaussians on a grid", np.stack(np.meshgrid(AXIS, AXIS), axis=-1).reshape(-1, 2), 0.05),
    "ring": Toy("8 Gaussians on a ring", arc(8, 0, 1.75), 0.1),
    "moons": Toy("Two moons", np.concatenate([arc(16, 0, 1) - HALF_APART, arc(16, 1, 2) + HALF_APART]), 0.12),
}


@dataclass(frozen=True)
class Tick:
    """How far a game has come. points float32 [POINTS, 2] of the averaged G; field float32 [FIELD, FIELD]: logits of D, row 0 at
    the lowest y, both axes from -reach to reach; modes: as gaussian_modes counts them; d_real, d_fake: D's mean answers.
    """

    step: int
    seconds: float
    points: np.ndarray
    field: np.ndarray
    modes: dict[str, Any]
    loss_d: float
    loss_g: float
    d_real: float
    d_fake: float

    @property
    def learnt(self) -> int:
        """Modes with at least FAIR of their share of the points; a mode is "found" with a single point."""
        return sum(count >= FAIR * len(self.points) / self.modes["of"] for count in self.modes["counts"].values())

    @property
    def recovered(self) -> bool:
        return self.learnt == self.modes["of"]


@dataclass(frozen=True)
class Settings:
    """gamma: strength of R1 + R2, 0 for none. width of both hidden layers of G and D; lr of both; batch of points.

    average_points: half-life of G's average.
    """

    loss: str = "relativistic"
    gamma: float = 1.0
    width: int = 64
    z_dim: int = 64
    lr: float = 5e-3
    batch: int = 256
    average_points: int = 128_000


def play(
    toy: Toy, settings: Settings, *, steps: int, seed: int = 0, seconds: float = math.inf, every: int = 250
) -> Iterator[Tick]:
    """Train G against D for `steps` steps, or `seconds` of time, with a Tick after every `every` steps and after the last.

    The same seed gives the same ticks on the same CPU build; torch's own generator is left alone. To stop, stop iterating.
    Raises UserError diverged.
    """
    loss, generator = LOSSES[settings.loss], torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        G, D = networks(settings)
    G_ema = copy.deepcopy(G).requires_grad_(False)
    opt_G, opt_D = (torch.optim.Adam(net.parameters(), settings.lr, betas=(0.0, 0.99), fused=True) for net in (G, D))
    noise = lambda n: torch.randn(n, settings.z_dim, generator=generator)
    fixed = torch.randn(POINTS, settings.z_dim, generator=torch.Generator().manual_seed(seed + 1))
    n, started, own = settings.batch, time.monotonic(), 0.0
    for step in range(1, steps + 1):
        # D. As images of one pixel, so that the penalty of real runs fits.
        D.requires_grad_(True)
        real = toy.draw(n, generator)
        with torch.no_grad():
            fake = G(noise(n))
        both = torch.cat([real, fake]).view(2 * n, 2, 1, 1).requires_grad_(settings.gamma > 0)
        logits = D(both)
        real_logits, fake_logits = logits[:n], logits[n:]
        loss_d = total = loss.d(real_logits, fake_logits)
        if settings.gamma:
            total = total + settings.gamma / 2 * r1_penalty(both, logits).sum() / n
        opt_D.zero_grad()
        total.backward()
        opt_D.step()

        # G: D is frozen; gradients flow through it, not into it.
        D.requires_grad_(False)
        loss_g = loss.g(D(real) if loss.relativistic else real_logits.detach(), D(G(noise(n))))
        opt_G.zero_grad()
        loss_g.backward()
        opt_G.step()
        ema.update(G_ema, G, settings.average_points, step * n, n)

        late = time.monotonic() - started - own >= seconds
        if step % every and step < steps and not late:
            continue
        told = time.monotonic()
        losses = loss_d.item(), loss_g.item()
        if not all(map(math.isfinite, losses)):
            what = f"The losses stopped being finite numbers within {step:,} steps."
            raise UserError("diverged", what, "Choose a gamma above 0, or another loss.")
        answers = probabilities(loss, real_logits.detach(), fake_logits.detach())
        numbers = (told - started - own, *losses, *(answer.item() for answer in answers))
        yield look(toy, G_ema, D, fixed, step, *numbers)
        own += time.monotonic() - told  # looking, and what the caller does with it, is no training time
        if late:
            return


def networks(settings: Settings) -> tuple[nn.Module, nn.Module]:
    """G: z [N, z_dim] -> points [N, 2]; D: points [N, 2] or [N, 2, 1, 1] -> logits [N]."""
    width = settings.width
    G = nn.Sequential(
        nn.Linear(settings.z_dim, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)
    )
    D = nn.Sequential(
        nn.Flatten(),
        nn.Linear(2, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, 1),
        nn.Flatten(0),
    )
    return G, D


@torch.no_grad()
def look(toy: Toy, G: nn.Module, D: nn.Module, z: torch.Tensor, step: int, seconds: float, *numbers: float) -> Tick:
    points = G(z).numpy()
    axis = torch.linspace(-toy.reach, toy.reach, FIELD)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    field = D(torch.stack([x, y], dim=-1).view(-1, 2)).view(FIELD, FIELD).numpy()
    return Tick(step, seconds, points, field, gaussian_modes(points, toy.centres, toy.std), *numbers)


def picture(toy: Toy, tick: Tick, side: int = 512) -> Image.Image:
    """Generated points over D's field, light where D says real; the true centres as rings."""
    low, high = tick.field.min(), tick.field.max()
    shade = (150 + 105 * (tick.field - low) / max(high - low, 1e-9)).astype(np.uint8)[::-1]
    image = Image.fromarray(shade).resize((side, side), Image.Resampling.BILINEAR).convert("RGB")
    pen, scale = ImageDraw.Draw(image), side / (2 * toy.reach)
    place = lambda xy: ((xy[0] + toy.reach) * scale, (toy.reach - xy[1]) * scale)
    for centre in toy.centres:
        (x, y), r = place(centre), 3 * toy.std * scale + 2
        pen.ellipse((x - r, y - r, x + r, y + r), outline=(230, 159, 0))
    for point in tick.points:
        x, y = place(point)
        pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill=(0, 114, 178))
    return image
