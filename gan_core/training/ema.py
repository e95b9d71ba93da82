"""The running average of G that samples come from (Yazici et al., arXiv:1806.04498)."""

from typing import NamedTuple

import torch
from torch import nn

Pair = tuple[list[torch.Tensor], list[torch.Tensor]]


class Pairs(NamedTuple):
    """weights and buffers as (those of the average, those of the net); buffers by dtype, so that one kernel copies many."""

    weights: Pair
    buffers: list[Pair]


def pairs(average: nn.Module, net: nn.Module) -> Pairs:
    by_dtype: dict[torch.dtype, Pair] = {}
    for mine, theirs in zip(average.buffers(), net.buffers(), strict=True):
        group = by_dtype.setdefault(mine.dtype, ([], []))
        group[0].append(mine)
        group[1].append(theirs)
    return Pairs((list(average.parameters()), list(net.parameters())), list(by_dtype.values()))


def share(half_life_images: float, images_seen: int, batch: int) -> float:
    """How far the average moves towards the net in a step of `batch` images, in (0, 1].

    A past step has half its weight after half_life_images, at most after 5 % of images_seen: short runs have an average too.
    """
    half_life = min(half_life_images, 0.05 * images_seen)
    return 1 - 0.5 ** (batch / half_life) if half_life > 0 else 1.0


@torch.no_grad()
def update(found: Pairs, share: torch.Tensor | None) -> None:
    """Move the average by `share` (0-d, on the device) towards the net. Buffers (batch-norm statistics) are copied.

    None copies the weights too, for a run without an average.
    """
    mine, theirs = found.weights
    if mine and share is None:
        torch._foreach_copy_(mine, theirs)
    elif mine and share is not None:
        way = torch._foreach_sub(theirs, mine)
        torch._foreach_mul_(way, share)
        torch._foreach_add_(mine, way)
    for mine, theirs in found.buffers:
        torch._foreach_copy_(mine, theirs)
