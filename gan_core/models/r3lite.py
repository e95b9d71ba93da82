"""R3-lite: DCGAN-sized networks for the relativistic loss with R1 and R2 (R3GAN, Huang et al., arXiv:2501.05441).

Departs from the paper: far smaller nets so that two CPU cores suffice; batch norm in G only (D must stay per-sample, or R1 and
R2 would mix images); tanh output; no narrower than 16 channels; class projection in D as in Miyato and Koyama, arXiv:1802.05637.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.convolution import double_and_convolve
from gan_core.models.layers import EMBED, ClassEmbedding, ConditionalDiscriminator
from gan_core.models.spec import Spec


def widths(size: int, width: int) -> list[int]:
    """Channels at 4, 8, 16, ... size px: width, halved at each doubling, not below 16."""
    stages = size.bit_length() - 2  # 32 -> 4 levels: 4, 8, 16, 32
    return [max(16, width >> level) for level in range(stages)]


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        levels = widths(spec.size, spec.width)
        self.embed = ClassEmbedding(spec.num_classes, EMBED)
        self.stem = nn.Linear(spec.z_dim + EMBED, levels[0] * 16)
        self.blocks = nn.ModuleList(UpBlock(i, o) for i, o in itertools.pairwise(levels))
        self.to_image = nn.Conv2d(levels[-1], spec.channels, 3, padding=1)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = self.stem(torch.cat([z, self.embed(y)], dim=1))
        h = F.relu(h).unflatten(1, (-1, 4, 4))  # [N, width, 4, 4]
        for block in self.blocks:
            h = block(h)  # [N, width >> i, 4 << i, 4 << i]
        return self.to_image(h).tanh()


class UpBlock(nn.Module):
    """[N, i, S, S] -> [N, o, 2S, 2S]: nearest and a convolution, which leaves no checkerboard."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(o)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(double_and_convolve(x, self.conv.weight)))


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, S, S], y [N] -> logits [N]."""

    def __init__(self, spec: Spec):
        levels = widths(spec.size, spec.width)[::-1]  # from fine to coarse
        super().__init__(spec, levels[-1] * 16)
        plan = [self.in_channels, *levels[1:]]
        self.blocks = nn.ModuleList(nn.Conv2d(i, o, 4, stride=2, padding=1) for i, o in itertools.pairwise(plan))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = F.leaky_relu(block(x), 0.2)
        return x.flatten(1)  # [N, width * 16]
