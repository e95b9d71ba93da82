"""The garbage GAN of 128 px (recipe `garbage-gan-128`): at width 256 and z_dim 32 its layers are the report's.

Where the report is silent, Keras's defaults: LeakyReLU of slope 0.3 after each layer but the last, "same" padding in G. Departs
from it: a label, by concatenation in G's dense layer and by a projection in D that starts at zero; with one class both are
constants, and it is the original, which has no labels. A step costs much: the convolutions of 512
channels at 128 px are 161 of G's 168 billion multiplications an image.
"""

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import EMBED, ClassEmbedding, ConditionalDiscriminator
from gan_core.models.spec import Spec

SLOPE = 0.3


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, 128, 128] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        width = spec.width
        self.embed = ClassEmbedding(spec.num_classes, EMBED)
        self.stem = nn.Linear(spec.z_dim + EMBED, width // 2 * 16 * 16)
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(width // 2, width, 5, padding=2),  # 16 px
                *(nn.ConvTranspose2d(width, width, 4, stride=2, padding=1) for _ in range(3)),  # 32, 64, 128 px
                nn.Conv2d(width, 2 * width, 5, padding=2),
                nn.Conv2d(2 * width, 2 * width, 5, padding=2),
            ]
        )
        self.to_image = nn.Conv2d(2 * width, spec.channels, 7, padding=3)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = F.leaky_relu(self.stem(torch.cat([z, self.embed(y)], dim=1)), SLOPE).unflatten(1, (-1, 16, 16))
        for layer in self.layers:
            h = F.leaky_relu(layer(h), SLOPE)
        return self.to_image(h).tanh()


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, 128, 128], y [N] -> logits [N]."""

    def __init__(self, spec: Spec):
        super().__init__(spec, spec.width * 6 * 6)
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(self.in_channels, spec.width, 3),  # 126 px
                *(nn.Conv2d(spec.width, spec.width, 4, stride=2) for _ in range(4)),  # 62, 30, 14, 6 px
            ]
        )
        nn.init.zeros_(self.embed.weight)  # at first this is the report's D, without labels

    def features(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
        return F.dropout(x.flatten(1), 0.4, self.training)
