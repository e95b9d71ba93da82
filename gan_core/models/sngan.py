"""SNGAN with projection: residual networks, class-conditional batch norm in G, spectral norm in D (Miyato and Koyama,
arXiv:1802.05637; Miyato et al., arXiv:1802.05957).

width is that of G at 32 px (256 in the paper); D has half of it there. From 64 px on both run from 4 * width at 4 px to width / 4.
Departs from the papers: the class gains and biases start near 1 and 0 and not at 1 and 0, so that the label has an effect from the
beginning (deviation 0.1; with 0.02 a class took the brightness of another one in a toy dataset).
"""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import ClassEmbedding, ConditionalDiscriminator
from gan_core.models.precision import PointConv2d, at_least_float32
from gan_core.models.spec import Spec
from gan_core.models.spectral_norm import spectral_norm


def generator_widths(size: int, width: int) -> list[int]:
    """Channels at 4, 8, ... size px."""
    stages = size.bit_length() - 2
    if size == 32:
        return [width] * stages
    return [max(1, min(4 * width, (width << stages - 1 - level) // 4)) for level in range(stages)]


def xavier(gain: float, *layers: nn.Conv2d | nn.Linear) -> None:
    for layer in layers:
        nn.init.xavier_uniform_(layer.weight, gain)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


class ClassConditionalBatchNorm(nn.Module):
    """Batch norm whose gain and bias belong to the class: [N, C, H, W], y [N] -> [N, C, H, W]."""

    def __init__(self, num_classes: int, c: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(c, affine=False)
        self.gain, self.bias = ClassEmbedding(num_classes, c), ClassEmbedding(num_classes, c)
        for labels in (self.gain, self.bias):
            nn.init.normal_(labels.weight, std=0.1)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.norm(x) * (1 + self.gain(y))[:, :, None, None] + self.bias(y)[:, :, None, None]


class UpBlock(nn.Module):
    """[N, i, S, S] -> [N, o, 2S, 2S]."""

    def __init__(self, num_classes: int, i: int, o: int):
        super().__init__()
        self.norm1, self.norm2 = ClassConditionalBatchNorm(num_classes, i), ClassConditionalBatchNorm(num_classes, o)
        self.conv1, self.conv2 = nn.Conv2d(i, o, 3, padding=1), nn.Conv2d(o, o, 3, padding=1)
        self.shortcut = PointConv2d(i, o)
        xavier(math.sqrt(2), self.conv1, self.conv2)
        xavier(1.0, self.shortcut)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = self.conv1(double(F.relu(self.norm1(x, y))))
        h = self.conv2(F.relu(self.norm2(h, y)))
        return h + double(self.shortcut(x))  # a 1 x 1 convolution may come first: the same, at a quarter of the cost


def double(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        levels = generator_widths(spec.size, spec.width)
        self.stem = nn.Linear(spec.z_dim, levels[0] * 16)
        self.blocks = nn.ModuleList(UpBlock(spec.num_classes, i, o) for i, o in itertools.pairwise(levels))
        self.norm = nn.BatchNorm2d(levels[-1])
        self.to_image = nn.Conv2d(levels[-1], spec.channels, 3, padding=1)
        xavier(1.0, self.stem, self.to_image)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = self.stem(z).unflatten(1, (-1, 4, 4))
        for block in self.blocks:
            h = block(h, y)
        return self.to_image(F.relu(self.norm(h))).tanh()


class DownBlock(nn.Module):
    """[N, i, S, S] -> [N, o, S/2, S/2], or the same side where it does not shrink. The first block has no ReLU before it."""

    def __init__(self, i: int, o: int, first: bool = False, shrinks: bool = True):
        super().__init__()
        self.first, self.shrinks, hidden = first, shrinks, o if first else i
        self.conv1, self.conv2 = nn.Conv2d(i, hidden, 3, padding=1), nn.Conv2d(hidden, o, 3, padding=1)
        self.shortcut = PointConv2d(i, o)
        xavier(math.sqrt(2), self.conv1, self.conv2)
        xavier(1.0, self.shortcut)
        for layer in (self.conv1, self.conv2, self.shortcut):
            spectral_norm(layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        if not self.shrinks:
            return h + self.shortcut(x)
        return F.avg_pool2d(h, 2) + self.shortcut(F.avg_pool2d(x, 2))


def blocks(size: int, width: int, in_channels: int) -> list[DownBlock]:
    """32 px: two blocks that shrink, two that do not. 64 px: five that do. 128 px: five, and one that does not."""
    if size == 32:
        half = max(1, width // 2)
        return [
            DownBlock(in_channels, half, first=True),
            DownBlock(half, half),
            DownBlock(half, half, shrinks=False),
            DownBlock(half, half, shrinks=False),
        ]
    levels = [max(1, (width << level) // 4) for level in range(5)]
    chain = [DownBlock(i, o) for i, o in itertools.pairwise(levels)]
    last = [DownBlock(levels[-1], levels[-1], shrinks=False)] if size == 128 else []
    return [DownBlock(in_channels, levels[0], first=True), *chain, *last]


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, S, S], y [N] -> logits [N]. Every weight has spectral norm, that of the class embedding too."""

    def __init__(self, spec: Spec):
        super().__init__(spec, max(1, spec.width // 2) if spec.size == 32 else 4 * spec.width)
        self.blocks = nn.Sequential(*blocks(spec.size, spec.width, self.in_channels))
        nn.init.xavier_uniform_(self.head.weight)  # type: ignore[arg-type]
        nn.init.xavier_uniform_(self.embed.weight)
        spectral_norm(self.head), spectral_norm(self.embed)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return at_least_float32(F.relu(self.blocks(x))).sum([2, 3])
