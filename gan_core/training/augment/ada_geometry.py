"""ADA's geometry (arXiv:2006.06676): pixel blitting and general transformations as one matrix, and two ways of resampling."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from gan_core.training.augment import wavelets
from gan_core.training.augment.luck import Chance, Luck


def bilinear(x: torch.Tensor, p: Chance, general: bool = True) -> torch.Tensor:
    """images [N, C, S, S] -> the same shape, each point interpolated between four pixels; reflection beyond the border.

    Differentiable once. An image that nothing happens to stays as it is. Departs from the paper: no filter, and each axis is
    shifted by a chance of its own.
    """
    n, _, side, _ = x.shape
    where = sources(Luck.of(x, p), side, general, axes_apart=True)
    grid = F.affine_grid(where[:, :2], [n, 1, side, side], align_corners=False)
    moved = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    still = (where == torch.eye(3, device=x.device, dtype=x.dtype)).all(2).all(1)[:, None, None, None]
    return torch.where(still, x, moved)


def filtered(x: torch.Tensor, p: Chance, general: bool = True) -> torch.Tensor:
    """images [N, C, S, S] -> the same shape, as in the paper: doubled by a wavelet's low-pass filter, transformed with bilinear
    interpolation, halved by the filter's adjoint. Differentiable twice.

    Beyond the border is the reflected image, as far as one side; beyond that, mid-grey. The authors' code reflects only as much as
    the batch needs, which is a wait for the device and another shape in each step.
    """
    n, c, side, _ = x.shape
    where = sources(Luck.of(x, p), side, general, axes_apart=False)
    line = wavelets.sym6(x.device, x.dtype).view(1, 1, 1, -1)
    half = line.shape[3] // 2
    wide, out = 2 * (3 * side - 2), 2 * (side + half)  # samples on a side of what is looked at, and of what is drawn
    rows = F.pad(x, [side - 1] * 4, mode="reflect").reshape(n * c, 1, 3 * side - 2, 3 * side - 2)
    rows = F.conv_transpose2d(rows, 2 * line, stride=(1, 2), padding=(0, half - 1))
    rows = F.conv_transpose2d(rows, 2 * line.mT, stride=(2, 1), padding=(half - 1, 0))
    turn, move = where[:, :2, :2], where[:, :2, 2:]
    # Samples of a doubled image lie a quarter of a pixel from the pixels' centres.
    move = turn.sum(2, keepdim=True) - 1 + 2 * side * move
    grid = F.affine_grid(torch.cat([turn * out, move], 2) / wide, [n, 1, out, out], align_corners=False)
    rows = Sample.apply(rows.view(n, c, wide, wide), grid).reshape(n * c, 1, out, out)[..., 1:-1, 1:-1]
    rows = F.conv2d(F.conv2d(rows, line, stride=(1, 2)), line.mT, stride=(2, 1))
    return rows.view(n, c, side, side)


def sources(luck: Luck, side: int, general: bool, axes_apart: bool) -> torch.Tensor:
    """Where a point of the result comes from, in [-1, 1]: [N, 3, 3], the product of all changes, read from right to left.

    Mirror, quarter turns, whole-pixel shifts to 1/8; where `general`, scale, rotation, stretch and shift too.
    """
    rotation_p = 1 - (1 - luck.p) ** 0.5  # rotated before the stretch or after it: p in all
    mirror = luck.pick(1 - 2 * (luck.uniform() < 0.5).to(luck.dtype), 1.0)
    if axes_apart:
        luck.uniform()  # a draw of earlier versions, whose runs go on as they were
    where = stretch(mirror, torch.ones_like(mirror))
    where = where @ rotation(luck.pick((luck.uniform() * 4).floor() * (math.pi / 2), 0.0))
    pixels = lambda *axes: ((luck.uniform(*axes) * 2 - 1) * (side / 8)).round() * (2 / side)
    where = where @ shifted(luck, pixels, axes_apart)
    if not general:
        return where
    scale = luck.pick((0.2 * luck.normal()).exp2(), 1.0)
    where = where @ stretch(scale, scale)
    where = where @ rotation(luck.pick((luck.uniform() * 2 - 1) * math.pi, 0.0, rotation_p))
    scale = luck.pick((0.2 * luck.normal()).exp2(), 1.0)
    where = where @ stretch(scale, 1 / scale)
    where = where @ rotation(luck.pick((luck.uniform() * 2 - 1) * math.pi, 0.0, rotation_p))
    return where @ shifted(
        luck, lambda *axes: 0.25 * luck.normal(*axes), axes_apart
    )  # 1/8 of the side, which is 2 long


def shifted(luck: Luck, draw: Callable[..., torch.Tensor], axes_apart: bool) -> torch.Tensor:
    if axes_apart:
        return shift(luck.pick(draw(), 0.0), luck.pick(draw(), 0.0))
    return shift(*luck.pick(draw(2), 0.0).unbind(1))


def matrix(*entries: torch.Tensor) -> torch.Tensor:
    """Nine [N] -> [N, 3, 3]."""
    return torch.stack(entries, 1).view(-1, 3, 3)


def stretch(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return matrix(x, zero, zero, zero, y, zero, zero, zero, one)


def rotation(angle: torch.Tensor) -> torch.Tensor:
    zero, one, c, s = torch.zeros_like(angle), torch.ones_like(angle), angle.cos(), angle.sin()
    return matrix(c, -s, zero, s, c, zero, zero, zero, one)


def shift(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return matrix(one, zero, x, zero, one, y, zero, zero, one)


class Sample(torch.autograd.Function):
    """Bilinear interpolation at fixed points, zeros beyond the border: torch's own has no second derivative.

    x [N, C, H, W], grid [N, h, w, 2] without gradient -> [N, C, h, w]. It is linear in x, so its gradient is its adjoint, and the
    gradient of that is itself.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = x.shape
        return F.grid_sample(x, grid, align_corners=False)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, None]:  # type: ignore[override]
        return Spread.apply(g, *ctx.saved_tensors, ctx.shape), None


class Spread(torch.autograd.Function):
    """The adjoint of Sample: g [N, C, h, w] -> [N, C, H, W]."""

    @staticmethod
    def forward(ctx: Any, g: torch.Tensor, grid: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        ctx.save_for_backward(grid)
        of_this_size = g.new_empty(shape)  # its values do not count, only the gradient of the grid would use them
        return torch.ops.aten.grid_sampler_2d_backward(g, of_this_size, grid, 0, 0, False, [True, False])[0]

    @staticmethod
    def backward(ctx: Any, x: torch.Tensor) -> tuple[torch.Tensor, None, None]:  # type: ignore[override]
        return Sample.apply(x, *ctx.saved_tensors), None, None
