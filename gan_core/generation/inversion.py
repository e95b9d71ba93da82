"""GAN inversion: find the latent code that best reconstructs a real image, then vary it.

By optimization (arXiv:1609.03552): Adam on z from several random starts, with the averaged G. The reconstruction is only what
the generator can draw and may be far from the image; `error` says how far.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from gan_core.errors import Stopped, UserError
from gan_core.generation import sampling
from gan_core.generation.sampling import BATCH, from_pixels, to_pixels

STEPS, STARTS = 100, 4
RATE = 0.1  # of Adam, falling to 0 in a straight line
SCALES = (1, 2, 4, 8)  # px; sides of the blocks whose means are compared, beside the squared difference of pixels
PRIOR = 0.1  # weight of keeping |z|^2 near its usual length, as G was trained on no other latent codes


class Inverted(NamedTuple):
    z: np.ndarray  # float32 [N, z_dim]
    error: np.ndarray  # float [N], mean absolute difference from the real image, as a share of the brightness range
    error_at_random: float  # the same of images of the random starts, for comparison


def invert(
    G: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    z_dim: int,
    inner: int,
    seed: int,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Inverted:
    """images uint8 [N, S, S, C], labels int64 [N]; G in eval mode with fixed weights, drawing images of `inner` px.

    Raises Stopped, and UserError not_smooth where G's images do not depend smoothly on the latent code (k-means).
    """
    device, size, at_once = sampling.device_of(G), images.shape[1], BATCH // STARTS
    found, errors, random_errors = [], [], []
    for first in range(0, len(images), at_once):
        on_progress(first / len(images), f"Image {first + 1} of {len(images)}")
        part = images[first : first + at_once]
        target = from_pixels(torch.from_numpy(np.array(part)).permute(0, 3, 1, 2).to(device), inner)
        target = target.repeat_interleave(STARTS, 0)
        y = torch.from_numpy(np.array(labels[first : first + at_once])).to(device).repeat_interleave(STARTS)
        noise = [
            np.random.default_rng([seed, first + i]).standard_normal((STARTS, z_dim), dtype=np.float32)
            for i in range(len(part))
        ]
        start = torch.from_numpy(np.concatenate(noise)).to(device)
        random_errors.append(differences(G, start, y, part, size).mean(1))
        z = search(G, start, y, target, should_stop)
        error = differences(G, z, y, part, size)
        best = error.argmin(1)
        found.append(z.view(len(part), STARTS, z_dim)[range(len(part)), best].cpu().numpy())
        errors.append(error.min(1))
    return Inverted(np.concatenate(found), np.concatenate(errors), float(np.concatenate(random_errors).mean()))


def search(
    G: nn.Module, start: torch.Tensor, y: torch.Tensor, target: torch.Tensor, should_stop: Callable[[], bool]
) -> torch.Tensor:
    """z [M, z_dim] from which G draws target [M, C, inner, inner] best; the rows do not depend on each other."""
    z = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([z], lr=RATE, betas=(0.9, 0.99))
    for step in range(STEPS):
        if should_stop():
            raise Stopped
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        drawn = G(z, y).float()
        if not drawn.requires_grad:
            raise UserError(
                "not_smooth",
                "The latent code of these networks selects one of a few images, so inversion is not possible.",
                "Use a run of a GAN or of the autoencoder.",
            )
        length = (z.square().mean(1) - 1).square().sum()
        (gradient,) = torch.autograd.grad(distance(drawn, target).sum() + PRIOR * length, z)
        z.grad = gradient
        optimizer.step()
    return z.detach()


def distance(drawn: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """[M]: squared difference of pixels, plus absolute difference at several scales."""
    total = (drawn - target).square().mean([1, 2, 3])
    for scale in SCALES:
        total = total + (F.avg_pool2d(drawn, scale) - F.avg_pool2d(target, scale)).abs().mean([1, 2, 3])
    return total


@torch.no_grad()
def differences(G: nn.Module, z: torch.Tensor, y: torch.Tensor, images: np.ndarray, size: int) -> np.ndarray:
    """[N, STARTS]: mean absolute difference of what is drawn from images uint8 [N, S, S, C], as a share of 255."""
    drawn = to_pixels(G(z, y).float(), size).reshape(len(images), STARTS, *images.shape[1:])
    return np.abs(drawn.astype(np.float32) - images[:, None]).mean((2, 3, 4)) / 255


def vary(z: np.ndarray, strength: float, seed: int, start: int = 0) -> np.ndarray:
    """sqrt(1 - s^2) z + s noise; strength s = 0 keeps z, 1 replaces it. The noise of row i depends on (seed, start + i) alone."""
    noise = [np.random.default_rng([seed, 2**33, start + i]).standard_normal(z.shape[1]) for i in range(len(z))]
    return (np.sqrt(1 - strength**2) * z + strength * np.stack(noise)).astype(np.float32)
