"""Dense networks, the first GAN (Goodfellow et al., arXiv:1406.2661), with the widths of common tutorials at width 64.

G: z, label -> 256 -> 512 -> 1024 -> pixels; D: pixels -> 512 -> 256 -> logit, with dropout. LeakyReLU 0.2 throughout. Departs from
the paper: no maxout, and the label goes to G by concatenation and to D as spec.condition says; with "concat" it is the conditional
GAN of Mirza and Osindero (arXiv:1411.1784).
"""

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import EMBED, ClassEmbedding, ConditionalDiscriminator
from gan_core.models.spec import Spec


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        width, self.shape = spec.width, (spec.channels, spec.size, spec.size)
        self.embed = ClassEmbedding(spec.num_classes, EMBED)
        self.dense1 = nn.Linear(spec.z_dim + EMBED, 4 * width)
        self.dense2 = nn.Linear(4 * width, 8 * width)
        self.dense3 = nn.Linear(8 * width, 16 * width)
        self.to_image = nn.Linear(16 * width, spec.channels * spec.size**2)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = torch.cat([z, self.embed(y)], dim=1)
        for dense in (self.dense1, self.dense2, self.dense3):
            h = F.leaky_relu(dense(h), 0.2)
        return self.to_image(h).tanh().view(-1, *self.shape)


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, S, S], y [N] -> logits [N]."""

    def __init__(self, spec: Spec):
        super().__init__(spec, 4 * spec.width)
        self.dense1 = nn.Linear(self.in_channels * spec.size**2, 8 * spec.width)
        self.dense2 = nn.Linear(8 * spec.width, 4 * spec.width)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        h = F.dropout(F.leaky_relu(self.dense1(x.flatten(1)), 0.2), 0.3, self.training)
        return F.dropout(F.leaky_relu(self.dense2(h), 0.2), 0.3, self.training)
