"""The running average of G that samples come from (Yazici et al., arXiv:1806.04498)."""

import torch
from torch import nn


@torch.no_grad()
def update(average: nn.Module, net: nn.Module, half_life_images: float, images_seen: int, batch: int) -> None:
    """Move `average` towards `net`, so that a past step has half its weight after half_life_images, at most 5 % of images_seen.

    The limit gives short runs an average too. A half-life of 0 copies the weights. Buffers (batch-norm statistics) are copied.
    """
    half_life = min(half_life_images, 0.05 * images_seen)
    keep = 0.5 ** (batch / half_life) if half_life > 0 else 0.0
    mine: list[torch.Tensor] = list(average.parameters())
    if mine:
        torch._foreach_lerp_(mine, list(net.parameters()), 1 - keep)
    for a, b in zip(average.buffers(), net.buffers(), strict=True):
        a.copy_(b)
