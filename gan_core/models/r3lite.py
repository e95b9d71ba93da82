"""R3-lite: DCGAN-sized networks for the relativistic loss with R1 and R2 (R3GAN, Huang et al., arXiv:2501.05441).

Departs from the paper: far smaller nets so that two CPU cores suffice; batch norm in G only (D must stay per-sample, or R1 and
R2 would mix images); tanh output; no narrower than 16 channels; class projection in D as in Miyato and Koyama, arXiv:1802.05637.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

EMBED = 32  # channels of the class embedding in G


def widths(size: int, width: int) -> list[int]:
    """Channels at 4, 8, 16, ... size px: width, halved at each doubling, not below 16."""
    stages = size.bit_length() - 2  # 32 -> 4 levels: 4, 8, 16, 32
    return [max(16, width >> level) for level in range(stages)]


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, inner, inner] in [-1, 1]."""

    def __init__(self, size: int, channels: int, num_classes: int, z_dim: int, width: int):
        super().__init__()
        levels = widths(32 if size == 28 else size, width)
        self.embed = nn.Embedding(num_classes, EMBED)
        self.stem = nn.Linear(z_dim + EMBED, levels[0] * 16)
        self.blocks = nn.ModuleList(UpBlock(i, o) for i, o in itertools.pairwise(levels))
        self.to_image = nn.Conv2d(levels[-1], channels, 3, padding=1)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = self.stem(torch.cat([z, self.embed(y)], dim=1))
        h = F.relu(h).view(len(z), -1, 4, 4)  # [N, width, 4, 4]
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
        return F.relu(self.norm(self.conv(F.interpolate(x, scale_factor=2.0))))


class Discriminator(nn.Module):
    """images [N, channels, inner, inner], y [N] -> logits [N] = linear(h) + <embed(y), h>."""

    def __init__(self, size: int, channels: int, num_classes: int, width: int):
        super().__init__()
        levels = widths(32 if size == 28 else size, width)[::-1]  # from fine to coarse
        plan = [channels, *levels[1:]]
        self.blocks = nn.ModuleList(nn.Conv2d(i, o, 4, stride=2, padding=1) for i, o in itertools.pairwise(plan))
        self.head = nn.Linear(levels[-1] * 16, 1)
        # Unscaled on purpose: with a small projection D hardly sees the label and G draws sharp images of the wrong class.
        self.embed = nn.Embedding(num_classes, levels[-1] * 16)
        nn.init.normal_(self.embed.weight, std=0.02)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = F.leaky_relu(block(x), 0.2)
        h = x.flatten(1)  # [N, width * 16]
        return self.head(h)[:, 0] + (self.embed(y) * h).sum(1)
