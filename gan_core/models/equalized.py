"""Layers with an equalised learning rate (Karras et al., arXiv:1710.10196): weights N(0, 1), scaled to He's deviation in each pass,
so that a step of Adam changes every weight by the same share. `rate` is a factor on a layer's learning rate (arXiv:1812.04948).
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.precision import at_least_float32, fails_in_bfloat16, full_precision


def channels(side: int, width: int) -> int:
    """Channels at `side` px: width up to 32 px, then halved at each doubling (512 and 16384 / side in StyleGAN2), not below 4."""
    return max(4, min(width, 32 * width // side))


def sides(size: int) -> list[int]:
    """4, 8, ... size px."""
    return [4 << level for level in range(size.bit_length() - 2)]


def leaky(x: torch.Tensor) -> torch.Tensor:
    """LeakyReLU that keeps the variance."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


class EqualLinear(nn.Module):
    """[N, i] -> [N, o]."""

    def __init__(self, i: int, o: int, bias: float = 0.0, rate: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(o, i) / rate)
        self.bias = nn.Parameter(torch.full([o], bias / rate))
        self.gain, self.rate = rate / math.sqrt(i), rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.weight * self.gain, self.bias * self.rate)


class EqualConv(nn.Module):
    """[N, i, H, W] -> [N, o, H', W']; with stride 1 and the default padding the size stays. k is odd."""

    def __init__(self, i: int, o: int, k: int = 3, bias: bool = True, stride: int = 1, padding: int | None = None):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(o, i, k, k))
        self.bias = nn.Parameter(torch.zeros(o)) if bias else None
        self.gain, self.stride, self.padding = 1 / (k * math.sqrt(i)), stride, k // 2 if padding is None else padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not fails_in_bfloat16(self.weight):
            return F.conv2d(x, self.weight * self.gain, self.bias, self.stride, self.padding)
        with full_precision(x):
            return F.conv2d(at_least_float32(x), self.weight * self.gain, self.bias, self.stride, self.padding)
