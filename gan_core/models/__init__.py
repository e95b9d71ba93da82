"""FAMILIES: every pair of networks that can be trained. One family is one file.

The contract, checked for each entry by tests/test_models.py:
    Generator(size, channels, num_classes, z_dim, width)(z [N, z_dim], y int64 [N]) -> images [N, channels, inner, inner]
    Discriminator(size, channels, num_classes, width)(images, y) -> logits [N], higher is more real
where inner = inner_size(size). A set without labels has num_classes = 1: there is no unconditional case.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from gan_core.models import dcgan28, r3lite


class Family(NamedTuple):
    Generator: Callable[..., nn.Module]
    Discriminator: Callable[..., nn.Module]
    inner_size: Callable[[int], int]  # px side the networks work at; 28 px is padded to 32 where halving needs it


FAMILIES: dict[str, Family] = {
    "r3lite": Family(r3lite.Generator, r3lite.Discriminator, lambda size: 32 if size == 28 else size),
    "dcgan28": Family(dcgan28.Generator, dcgan28.Discriminator, lambda size: size),
}
