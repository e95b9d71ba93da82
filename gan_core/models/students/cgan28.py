"""The conditional GAN of many 28-px tutorials, after Mirza and Osindero (arXiv:1411.1784).

A dense layer makes a plane from the label: an extra channel of 7 x 7 px in G's first feature map, of 28 x 28 px in D's image. At
width 128 the layers are the tutorial's; smaller widths are for slow machines, since G costs 15 times a DCGAN of width 32.
"""

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import ClassEmbedding, ConditionalDiscriminator
from gan_core.models.spec import Spec

EMBED = 50  # channels of the class embedding, in both nets


def glorot_init(network: nn.Module) -> None:
    """Glorot's initial weights, as in Keras: with PyTorch's smaller ones D wins at once and G draws black.

    The class embedding stays larger than there, so that the label has an effect sooner.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, 28, 28] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        width = spec.width
        self.plane = nn.Sequential(ClassEmbedding(spec.num_classes, EMBED), nn.Linear(EMBED, 49))
        self.stem = nn.Linear(spec.z_dim, width * 49)
        self.up1 = nn.ConvTranspose2d(width + 1, width, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)
        self.to_image = nn.Conv2d(width, spec.channels, 7, padding=3)
        glorot_init(self)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = F.leaky_relu(self.stem(z), 0.2).unflatten(1, (-1, 7, 7))  # [N, width, 7, 7]
        h = torch.cat([h, self.plane(y).unflatten(1, (1, 7, 7))], dim=1)
        h = F.leaky_relu(self.up1(h), 0.2)  # [N, width, 14, 14]
        h = F.leaky_relu(self.up2(h), 0.2)  # [N, width, 28, 28]
        return self.to_image(h).tanh()


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, 28, 28], y [N] -> logits [N]."""

    def __init__(self, spec: Spec):
        super().__init__(spec, spec.width * 49)
        self.plane = nn.Sequential(ClassEmbedding(spec.num_classes, EMBED), nn.Linear(EMBED, spec.size**2))
        self.conv1 = nn.Conv2d(self.in_channels, spec.width, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(spec.width, spec.width, 3, stride=2, padding=1)
        glorot_init(self)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        h = F.leaky_relu(self.conv1(x), 0.2)  # [N, width, 14, 14]
        h = F.leaky_relu(self.conv2(h), 0.2)  # [N, width, 7, 7]
        return F.dropout(h.flatten(1), 0.4, self.training)
