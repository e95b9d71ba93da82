"""Classical augmentation of the batches of a classifier: small changes of position and light that keep the class.

Every random number comes from the generator that is handed in, never from torch's global state.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F

Policy = Literal["none", "light", "classical"]

SHIFT = 1 / 14  # of the side, either way: 2 px of 28
TURN_DEGREES, ZOOM = 10.0, 0.1
BRIGHTNESS, CONTRAST = 0.15, 0.2  # of the range from black to mid-grey
ERASE_CHANCE, ERASE_LEAST, ERASE_MOST = 0.25, 0.1, 0.3  # side of the erased square as a share of the image's


def augmented(x: torch.Tensor, policy: Policy, generator: torch.Generator, flips: bool = False) -> torch.Tensor:
    """x float [N, C, H, W] in [-1, 1] -> the same shape. generator: on the CPU.

    light: shifts. classical: shifts, turns, zooms, brightness, contrast, one erased square now and then. flips: left-right
    mirrors too, for classes that have no left and right.
    """
    if policy == "none":
        return mirrored(x, generator) if flips else x
    n = len(x)
    uniform = lambda: (torch.rand(n, generator=generator) * 2 - 1).to(x.device)
    full = policy == "classical"
    angle = uniform() * math.radians(TURN_DEGREES) if full else torch.zeros(n, device=x.device)
    zoom = 1 + ZOOM * uniform() if full else torch.ones(n, device=x.device)
    # The grid runs from -1 to 1, so a shift by a share of the side is twice that share.
    rows = [torch.cos(angle) / zoom, -torch.sin(angle) / zoom, 2 * SHIFT * uniform()]
    rows += [torch.sin(angle) / zoom, torch.cos(angle) / zoom, 2 * SHIFT * uniform()]
    grid = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    if full:
        one = lambda value: value.view(n, 1, 1, 1)
        mean = x.mean((1, 2, 3), keepdim=True)
        x = (x - mean) * one(1 + CONTRAST * uniform()) + mean + one(BRIGHTNESS * uniform())
        x = erased(x.clamp(-1, 1), generator)
    return mirrored(x, generator) if flips else x


def erased(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A square of mid-grey over some of the images (arXiv:1708.04896)."""
    n, _, h, w = x.shape
    chance, size, row, column = torch.rand(4, n, generator=generator).to(x.device)
    reach = (ERASE_LEAST + (ERASE_MOST - ERASE_LEAST) * size) / 2
    inside = lambda center, length: (
        ((torch.arange(length, device=x.device) + 0.5) / length - center[:, None]).abs() < reach[:, None]
    )
    square = inside(row, h)[:, :, None] & inside(column, w)[:, None, :] & (chance < ERASE_CHANCE)[:, None, None]
    return x.masked_fill(square[:, None], 0.0)


def mirrored(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    half = (torch.rand(len(x), generator=generator) < 0.5).to(x.device)
    return torch.where(half.view(-1, 1, 1, 1), x.flip(3), x)
