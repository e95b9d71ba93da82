"""DCGAN (Radford et al., arXiv:1511.06434), and the same D without batch norm for penalties and spectral norm.

Spec.width is the number of channels at S/2 px; it doubles with each halving down to 4 px, up to 8 * width. Departs from the paper:
the label goes to G by concatenation and to D as spec.condition says; the limit of 8 * width makes 128 and 256 px possible.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import EMBED, ClassEmbedding, ConditionalDiscriminator, MinibatchStd
from gan_core.models.spec import Spec


def widths(size: int, width: int) -> list[int]:
    """Channels at 4, 8, ... size / 2 px: 64 px and width 64 -> 512, 256, 128, 64."""
    return [width * min(8, 2**level) for level in reversed(range(size.bit_length() - 3))]


def init_weights(net: nn.Module) -> None:
    """The paper's initial weights: N(0, 0.02), gains of batch norm N(1, 0.02), biases 0."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            mean = 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0
            nn.init.normal_(module.weight, mean, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def strided_convolutions(levels: list[int]) -> nn.ModuleList:
    """Convolutions that halve the size, from levels[0] channels to levels[1] and so on."""
    return nn.ModuleList(nn.Conv2d(i, o, 4, stride=2, padding=1) for i, o in itertools.pairwise(levels))


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        levels = widths(spec.size, spec.width)
        self.embed = ClassEmbedding(spec.num_classes, EMBED)
        self.stem = nn.ConvTranspose2d(spec.z_dim + EMBED, levels[0], 4, bias=False)  # 1 px -> 4 px
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(i, o, 4, stride=2, padding=1, bias=False) for i, o in itertools.pairwise(levels)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(level) for level in levels)
        self.to_image = nn.ConvTranspose2d(levels[-1], spec.channels, 4, stride=2, padding=1)
        init_weights(self)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = torch.cat([z, self.embed(y)], dim=1)[:, :, None, None]
        for up, norm in zip([self.stem, *self.ups], self.norms, strict=True):
            h = F.relu(norm(up(h)))  # 4, 8, ... S / 2 px
        return self.to_image(h).tanh()


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, S, S], y [N] -> logits [N]. Batch norm except in the first and the last layer.

    The last layer, the paper's 4 x 4 convolution to one logit, is the linear head on the flattened features.
    """

    def __init__(self, spec: Spec):
        levels = widths(spec.size, spec.width)[::-1]
        super().__init__(spec, levels[-1] * 16)
        self.downs = strided_convolutions([self.in_channels, *levels])
        self.norms = nn.ModuleList([nn.Identity(), *(nn.BatchNorm2d(level) for level in levels[1:])])
        init_weights(self)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        for down, norm in zip(self.downs, self.norms, strict=True):
            x = F.leaky_relu(norm(down(x)), 0.2)  # S / 2, ... 4 px
        return x.flatten(1)


class PerImageDiscriminator(ConditionalDiscriminator):
    """images [N, channels, S, S], y [N] -> logits [N]: DCGAN's D without batch norm, so that gradient penalties are possible."""

    def __init__(self, spec: Spec):
        levels = widths(spec.size, spec.width)[::-1]
        super().__init__(spec, (levels[-1] + spec.minibatch_std) * 16)
        self.downs = strided_convolutions([self.in_channels, *levels])
        self.batch_std = MinibatchStd() if spec.minibatch_std else nn.Identity()

    def features(self, x: torch.Tensor) -> torch.Tensor:
        for down in self.downs:
            x = F.leaky_relu(down(x), 0.2)  # S / 2, ... 4 px
        return self.batch_std(x).flatten(1)
