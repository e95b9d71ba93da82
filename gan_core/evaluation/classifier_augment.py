"""Classical augmentation of the batches of a classifier: small changes of position and light that keep the class.

Every random number comes from the generator that is handed in, never from torch's global state.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F

from gan_core.evaluation.utility.protocol import Policy


class Reach(NamedTuple):
    """How far an augmentation goes, either way. shift: of the side; brightness, contrast: of the range from black to mid-grey.

    aspect: of the logarithm of width over height; shear: of the side; color: of the mean of each channel, of color images.
    """

    shift: float = 1 / 14  # 2 px of 28
    degrees: float = 0.0
    zoom: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    erase_chance: float = 0.0
    aspect: float = 0.0
    shear: float = 0.0
    color: float = 0.0


REACH: dict[Policy, Reach] = {
    "light": Reach(),
    "classical": Reach(degrees=10, zoom=0.1, brightness=0.15, contrast=0.2, erase_chance=0.25),
    "strong": Reach(1 / 8, 20, 0.25, 0.3, 0.4, 0.5, aspect=0.2, shear=0.1, color=0.1),
}
ERASE_LEAST, ERASE_MOST = 0.1, 0.3  # side of the erased square as a share of the image's


def augmented(x: torch.Tensor, policy: Policy, generator: torch.Generator, flips: bool = False) -> torch.Tensor:
    """x float [N, C, H, W] in [-1, 1] -> the same shape. generator: on the CPU.

    light: shifts. classical: shifts, turns, zooms, brightness, contrast, one erased square now and then. strong: the same further,
    stretched, sheared and tinted. flips: left-right mirrors too, for classes that have no left and right.
    """
    if policy == "none":
        return mirrored(x, generator) if flips else x
    n, reach = len(x), REACH[policy]
    uniform = lambda: (torch.rand(n, generator=generator) * 2 - 1).to(x.device)
    full, strong = policy != "light", policy == "strong"
    zero = torch.zeros(n, device=x.device)
    angle = uniform() * math.radians(reach.degrees) if full else zero
    zoom = 1 + reach.zoom * uniform() if full else zero + 1
    stretch = torch.exp(reach.aspect / 2 * uniform()) if strong else zero + 1
    shear = reach.shear * uniform() if strong else zero
    across, down = zoom * stretch, zoom / stretch
    # The grid runs from -1 to 1, so a shift by a share of the side is twice that share.
    rows = [torch.cos(angle) / across, (shear - torch.sin(angle)) / across, 2 * reach.shift * uniform()]
    rows += [torch.sin(angle) / down, torch.cos(angle) / down, 2 * reach.shift * uniform()]
    grid = affine_grid(torch.stack(rows, 1).view(n, 2, 3), *x.shape[2:])
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    if full:  # in place: a new batch for each of these changes costs more than the change
        one = lambda value: value.view(n, 1, 1, 1)
        mean = x.mean((1, 2, 3), keepdim=True)
        x.sub_(mean).mul_(one(1 + reach.contrast * uniform())).add_(mean).add_(one(reach.brightness * uniform()))
        if strong and x.shape[1] > 1:
            x.add_(reach.color * (2 * torch.rand(n, x.shape[1], 1, 1, generator=generator) - 1).to(x.device))
        erase(x.clamp_(-1, 1), generator, reach.erase_chance)
    return mirrored(x, generator) if flips else x


def affine_grid(matrices: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """torch's affine_grid of matrices float [n, 2, 3] without aligned corners: float [n, height, width, 2], in less time.

    torch multiplies a matrix with each pixel's place; here what depends on the column and what depends on the row are summed.
    """
    places = lambda length: torch.linspace(-1, 1, length, device=matrices.device) * (length - 1) / length
    of_column, of_row, shift = matrices[:, None].unbind(-1)  # each [n, 1, 2]
    across, down = places(width)[:, None] * of_column, places(height)[:, None] * of_row
    return (across[:, None] + down[:, :, None]).add_(shift[:, None])


def erase(x: torch.Tensor, generator: torch.Generator, chance_of: float) -> None:
    """A square of mid-grey over some of the images (arXiv:1708.04896), in place."""
    n, _, h, w = x.shape
    chance, size, row, column = torch.rand(4, n, generator=generator).to(x.device)
    reach = (ERASE_LEAST + (ERASE_MOST - ERASE_LEAST) * size) / 2
    inside = lambda center, length: (
        ((torch.arange(length, device=x.device) + 0.5) / length - center[:, None]).abs() < reach[:, None]
    )
    square = inside(row, h)[:, :, None] & inside(column, w)[:, None, :] & (chance < chance_of)[:, None, None]
    x.masked_fill_(square[:, None], 0.0)


def mirrored(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    half = (torch.rand(len(x), generator=generator) < 0.5).to(x.device)
    return torch.where(half.view(-1, 1, 1, 1), x.flip(3), x)
