"""Parts of networks that keep the precision of their weights under autocast: what is cheap, and what rounding would spoil."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

ONEDNN_BLOCK = 16  # channels that a kernel of oneDNN takes together
LOW_PRECISION_SIZES = 4  # the largest ones, which may compute in bfloat16 (arXiv:2006.06676); never that of 4 px


def full_precision(x: torch.Tensor) -> AbstractContextManager[object]:
    """`with full_precision(x): ...` computes without autocast on the device of x."""
    device = x.device.type  # "meta", which counts the operations of a network, has no autocast
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def fails_in_bfloat16(weight: torch.Tensor) -> bool:
    """Whether a convolution by weight [o, i / groups, k, k] must not be differentiated twice in bfloat16: 1 x 1 on a CPU, where o
    or i / groups is no multiple of 16. oneDNN's kernels may divide by zero there, which ends the process by SIGFPE (seen with
    24 channels, torch 2.14.1, a Xeon with AMX).
    """
    return weight.device.type == "cpu" and weight.shape[2:] == (1, 1) and are_odd(weight.shape[1], weight.shape[0])


def are_odd(i: int, o: int) -> bool:
    return bool(i % ONEDNN_BLOCK or o % ONEDNN_BLOCK)


class PointConv2d(nn.Conv2d):
    """A 1 x 1 convolution of a network that may have a gradient penalty: without autocast where bfloat16 fails."""

    def __init__(self, i: int, o: int, bias: bool = True):
        super().__init__(i, o, 1, bias=bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if input.device.type != "cpu" or not are_odd(self.in_channels, self.out_channels):
            return super().forward(input)
        with full_precision(input):
            return super().forward(at_least_float32(input))


def at_least_float32(x: torch.Tensor) -> torch.Tensor:
    """x itself, or in float32 where it has less."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def is_coarse(side: int, size: int) -> bool:
    """Whether layers at `side` px of networks for `size` px keep the precision of their weights, as in StyleGAN2's code."""
    return side == 4 or side <= size >> LOW_PRECISION_SIZES


def precision_at(side: int, size: int, x: torch.Tensor) -> AbstractContextManager[object]:
    """`with precision_at(side, size, x): ...`: without autocast where the layers at `side` px are coarse."""
    return full_precision(x) if is_coarse(side, size) else nullcontext()
