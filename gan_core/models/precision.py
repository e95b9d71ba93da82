"""Parts of networks that keep the precision of their weights under autocast: what is cheap, and what rounding would spoil."""

from contextlib import AbstractContextManager, nullcontext

import torch

ONEDNN_BLOCK = 16  # channels that a kernel of oneDNN takes together
LOW_PRECISION_SIZES = 4  # the largest ones, which may compute in bfloat16 (arXiv:2006.06676); never that of 4 px


def full_precision(x: torch.Tensor) -> torch.autocast:
    """`with full_precision(x): ...` computes without autocast on the device of x."""
    return torch.autocast(x.device.type, enabled=False)


def fails_in_bfloat16(weight: torch.Tensor) -> bool:
    """Whether a convolution by weight [o, i / groups, k, k] must not be differentiated twice in bfloat16: 1 x 1 on a CPU, where o
    or i / groups is no multiple of 16. oneDNN's kernels may divide by zero there, which ends the process by SIGFPE (seen with
    24 channels, torch 2.14.1, a Xeon with AMX).
    """
    odd = weight.shape[0] % ONEDNN_BLOCK or weight.shape[1] % ONEDNN_BLOCK
    return weight.device.type == "cpu" and weight.shape[2:] == (1, 1) and bool(odd)


def at_least_float32(x: torch.Tensor) -> torch.Tensor:
    """x itself, or in float32 where it has less."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def is_coarse(side: int, size: int) -> bool:
    """Whether layers at `side` px of networks for `size` px keep the precision of their weights, as in StyleGAN2's code."""
    return side == 4 or side <= size >> LOW_PRECISION_SIZES


def precision_at(side: int, size: int, x: torch.Tensor) -> AbstractContextManager[object]:
    """`with precision_at(side, size, x): ...`: without autocast where the layers at `side` px are coarse."""
    return full_precision(x) if is_coarse(side, size) else nullcontext()
