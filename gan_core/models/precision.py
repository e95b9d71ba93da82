"""Parts of networks that keep the precision of their weights under autocast: what is cheap, and what rounding would spoil."""

from contextlib import AbstractContextManager, nullcontext

import torch

LOW_PRECISION_SIZES = 4  # the largest ones, which may compute in bfloat16 (arXiv:2006.06676); never that of 4 px


def full_precision(x: torch.Tensor) -> torch.autocast:
    """`with full_precision(x): ...` computes without autocast on the device of x."""
    return torch.autocast(x.device.type, enabled=False)


def at_least_float32(x: torch.Tensor) -> torch.Tensor:
    """x itself, or in float32 where it has less."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def is_coarse(side: int, size: int) -> bool:
    """Whether layers at `side` px of networks for `size` px keep the precision of their weights, as in StyleGAN2's code."""
    return side == 4 or side <= size >> LOW_PRECISION_SIZES


def precision_at(side: int, size: int, x: torch.Tensor) -> AbstractContextManager[object]:
    """`with precision_at(side, size, x): ...`: without autocast where the layers at `side` px are coarse."""
    return full_precision(x) if is_coarse(side, size) else nullcontext()
