"""The 28-px DCGAN of the Fashion-MNIST survey (layers of DCGAN, Radford et al., arXiv:1511.06434).

G: dense, batch norm, LeakyReLU, reshape, two transposed convolutions with batch norm, output. D: two strided convolutions with
LeakyReLU and dropout, flatten, one logit. Departs from the survey: a label, by concatenation in G and
projection in D; with one class both are constants, and it is the survey's network.
"""

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import EMBED, ClassEmbedding, ConditionalDiscriminator
from gan_core.models.spec import Spec


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, 28, 28] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        width = spec.width
        self.embed = ClassEmbedding(spec.num_classes, EMBED)
        self.stem = nn.Linear(spec.z_dim + EMBED, 4 * width * 49, bias=False)
        self.stem_norm = nn.BatchNorm1d(4 * width * 49)
        self.up1 = nn.ConvTranspose2d(4 * width, 2 * width, 5, stride=1, padding=2, bias=False)
        self.norm1 = nn.BatchNorm2d(2 * width)
        self.up2 = nn.ConvTranspose2d(2 * width, width, 5, stride=2, padding=2, output_padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.to_image = nn.ConvTranspose2d(width, spec.channels, 5, stride=2, padding=2, output_padding=1, bias=False)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = F.leaky_relu(self.stem_norm(self.stem(torch.cat([z, self.embed(y)], dim=1))), 0.2)
        h = h.unflatten(1, (-1, 7, 7))  # [N, 4 * width, 7, 7]
        h = F.leaky_relu(self.norm1(self.up1(h)), 0.2)  # [N, 2 * width, 7, 7]
        h = F.leaky_relu(self.norm2(self.up2(h)), 0.2)  # [N, width, 14, 14]
        return self.to_image(h).tanh()  # [N, channels, 28, 28]


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, 28, 28], y [N] -> logits [N]."""

    def __init__(self, spec: Spec):
        super().__init__(spec, 2 * spec.width * 49)
        self.conv1 = nn.Conv2d(self.in_channels, spec.width, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(spec.width, 2 * spec.width, 5, stride=2, padding=2)
        nn.init.zeros_(self.embed.weight)  # at first this is the survey's D, without labels

    def features(self, x: torch.Tensor) -> torch.Tensor:
        h = F.dropout(F.leaky_relu(self.conv1(x), 0.2), 0.3, self.training)  # [N, width, 14, 14]
        h = F.dropout(F.leaky_relu(self.conv2(h), 0.2), 0.3, self.training)  # [N, 2 * width, 7, 7]
        return h.flatten(1)
