"""The networks of E-GAN (Wang et al., arXiv:1803.00657): DCGAN's layers, no norm in G, batch norm in D.

Departs from the paper: takes a label, by concatenation in G and projection in D; the widest level has `width` channels at 64 px
and more, so that a laptop can train it.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import EMBED, Judge, Labels
from gan_core.models.spec import Spec


def widths(size: int, width: int) -> list[int]:
    """Channels at 4, 8, ... size / 2 px: width, halved at each doubling, not below 8."""
    return [max(8, width >> level) for level in range(size.bit_length() - 3)]


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        levels = widths(spec.size, spec.width)
        self.embed = Labels(spec.num_classes, EMBED)
        self.stem = nn.ConvTranspose2d(spec.z_dim + EMBED, levels[0], 4)
        plan = itertools.pairwise([*levels, spec.channels])
        self.ups = nn.ModuleList(nn.ConvTranspose2d(i, o, 4, stride=2, padding=1) for i, o in plan)
        nn.init.normal_(self.stem.weight, std=self.stem.in_channels**-0.5)
        for up in self.ups:  # four taps an output pixel; without norm, DCGAN's N(0, 0.02) would start all grey
            nn.init.normal_(up.weight, std=(2 * up.in_channels) ** -0.5)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = self.stem(torch.cat([z, self.embed(y)], 1)[:, :, None, None])  # [N, width, 4, 4]
        for up in self.ups:
            h = up(F.relu(h))  # [N, width >> i, 4 << i, 4 << i]
        return h.tanh()


class Discriminator(Judge):
    """images [N, channels, S, S], y [N] -> logits [N]. Batch norm: judge reals and fakes separately."""

    def __init__(self, spec: Spec):
        levels = widths(spec.size, spec.width)[::-1]  # from fine to coarse
        super().__init__(spec, levels[-1] * 16)
        plan = itertools.pairwise([self.in_channels, *levels])
        self.downs = nn.ModuleList(nn.Conv2d(i, o, 4, stride=2, padding=1) for i, o in plan)
        self.norms = nn.ModuleList([nn.Identity(), *(nn.BatchNorm2d(o) for o in levels[1:])])

    def features(self, x: torch.Tensor) -> torch.Tensor:
        for down, norm in zip(self.downs, self.norms, strict=True):
            x = F.leaky_relu(norm(down(x)), 0.2)
        return x.flatten(1)  # [N, width * 16]
