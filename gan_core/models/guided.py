"""Guided: a discriminator that also looks with the layers of a classifier of the same images, which stay as they are.

The idea is that of Projected GANs (Sauer et al., arXiv:2111.01007), with features of the dataset's own instead of ImageNet's: what
tells its classes apart is what synthetic images have to get right. The classifier saw training images only.
"""

from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gan_core.models.backbones.classifier import LARGEST_SIDE, convolutions
from gan_core.models.layers import ClassEmbedding
from gan_core.models.spec import Spec

HIDDEN = 128


class Guided(nn.Module):
    """D(x, y) + linear(h) + <embed(y), h>, where h [N, 128] are frozen features of x, mixed. The contract of a discriminator."""

    def __init__(self, D: Any, spec: Spec, size: int):
        """size: px of the dataset's images, which the classifier knows; the border of padded ones is cut off for it."""
        super().__init__()
        self.D, self.auxiliary_weight_d, self.auxiliary_weight_g = D, D.auxiliary_weight_d, D.auxiliary_weight_g
        self.edge, self.shrink = (spec.size - size) // 2, max(1, size // LARGEST_SIDE)
        self.known = (size // self.shrink, spec.channels)
        self.trunk, features = trunk(*self.known)
        self.mix = nn.Linear(features, HIDDEN)
        self.head = nn.Linear(HIDDEN, 1)
        self.embed = ClassEmbedding(spec.num_classes, HIDDEN)
        nn.init.normal_(self.embed.weight, std=0.02)

    def take(self, body: dict[str, torch.Tensor]) -> None:
        """The classifier's layers, from the state dict of a Sequential that begins with backbone.convolutions."""
        self.trunk.load_state_dict(trunk(*self.known, body)[0].state_dict())

    def guidance(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.edge:
            x = x[..., self.edge : -self.edge, self.edge : -self.edge]
        if self.shrink > 1:
            x = F.avg_pool2d(x, self.shrink)
        h = F.leaky_relu(self.mix(self.trunk(x).flatten(1)), 0.2)  # [N, 128]
        return self.head(h)[:, 0] + (self.embed(y) * h).sum(1)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.together(self.D(x, y), x, y)

    def logits_and_auxiliary(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        logits, side = self.D.logits_and_auxiliary(x, y)
        return self.together(logits, x, y), side

    def together(self, logits: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return logits + self.guidance(x, y).view(-1, *[1] * (logits.ndim - 1))


def trunk(side: int, channels: int, body: dict[str, torch.Tensor] | None = None) -> tuple[nn.Sequential, int]:
    """backbone.convolutions, at rest, with the weights of body or fresh ones, and how many numbers they make of an image.

    Batch norm at rest is folded into the convolutions: twice differentiated, it costs a quarter of the step.
    """
    layers, features = convolutions(side, channels)
    net = nn.Sequential(*layers).eval()
    if body is not None:
        net.load_state_dict({name: value for name, value in body.items() if name in net.state_dict()})
    folded: list[Any] = []
    for conv, norm, relu in zip(net[::3], net[1::3], net[2::3], strict=True):
        folded += [fuse_conv_bn_eval(cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm)), relu]
    return nn.Sequential(*folded).requires_grad_(False), features
