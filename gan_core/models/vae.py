"""A variational autoencoder (Kingma and Welling, arXiv:1312.6114) in R3-lite's networks.

G is the decoder, and the encoder takes the place of D. Both concatenate the label. The step is training/games/vae.py.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import EMBED, ClassEmbedding
from gan_core.models.r3lite import Generator, widths
from gan_core.models.spec import Spec

__all__ = ["Encoder", "Generator"]


class Encoder(nn.Module):
    """images [N, channels, S, S], y [N] -> (mean, log variance) of their latent codes, each [N, z_dim]."""

    def __init__(self, spec: Spec):
        super().__init__()
        levels = widths(spec.size, spec.width)[::-1]  # from fine to coarse
        plan = itertools.pairwise([spec.channels, *levels[1:]])
        self.blocks = nn.ModuleList(nn.Conv2d(i, o, 4, stride=2, padding=1) for i, o in plan)
        self.embed = ClassEmbedding(spec.num_classes, EMBED)
        self.head = nn.Linear(levels[-1] * 16 + EMBED, 2 * spec.z_dim)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        for block in self.blocks:
            x = F.leaky_relu(block(x), 0.2)
        mean, log_variance = self.head(torch.cat([x.flatten(1), self.embed(y)], 1)).chunk(2, 1)
        return mean, log_variance
