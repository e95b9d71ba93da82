"""The plain GAN of a student report on Fashion-MNIST (recipe `fashion-gan-28`), at width 64. No batch norm anywhere.

Where the report is silent: strides of 2, LeakyReLU of slope 0.2, one hidden transposed convolution of `width` channels. Departs
from it: the output of the sigmoid is scaled to [-1, 1], and there is a label, by concatenation in G and by a projection in D
that starts at zero; with one class both are constants.
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
        self.stem = nn.Linear(spec.z_dim + EMBED, 2 * width * 49)
        self.up = nn.ConvTranspose2d(2 * width, width, 5, stride=2, padding=2, output_padding=1)
        self.to_image = nn.ConvTranspose2d(width, spec.channels, 5, stride=2, padding=2, output_padding=1)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = F.relu(self.stem(torch.cat([z, self.embed(y)], dim=1))).unflatten(1, (-1, 7, 7))  # [N, 2 * width, 7, 7]
        h = F.relu(self.up(h))  # [N, width, 14, 14]
        return 2 * self.to_image(h).sigmoid() - 1  # [N, channels, 28, 28]


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, 28, 28], y [N] -> logits [N]."""

    def __init__(self, spec: Spec):
        super().__init__(spec, 2 * spec.width * 49)
        self.conv1 = nn.Conv2d(self.in_channels, spec.width, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(spec.width, 2 * spec.width, 5, stride=2, padding=2)
        nn.init.zeros_(self.embed.weight)  # at first this is the report's D, without labels

    def features(self, x: torch.Tensor) -> torch.Tensor:
        h = F.leaky_relu(self.conv1(x), 0.2)  # [N, width, 14, 14]
        return F.leaky_relu(self.conv2(h), 0.2).flatten(1)  # [N, 2 * width * 49]
