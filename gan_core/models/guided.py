"""A discriminator that also uses the frozen features of a classifier of the same dataset.

The idea is that of Projected GAN (Sauer et al., arXiv:2111.01007), with features of the dataset's own classifier instead of an
ImageNet network: they tell its classes apart, which synthetic images must get right. The classifier saw training images only.
"""

from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gan_core.models.backbones.classifier import LARGEST_SIDE, convolutions
from gan_core.models.layers import ClassEmbedding
from gan_core.models.precision import at_least_float32, full_precision
from gan_core.models.spec import Spec

HIDDEN = 128


class GuidedDiscriminator(nn.Module):
    """D(x, y) + linear(h) + <embed(y), h>, where h [N, 128] is a trained layer on frozen features of x."""

    def __init__(self, D: Any, spec: Spec, size: int):
        """size: px of the dataset's images. The classifier was trained at that size, so the border of padded images is cut off."""
        super().__init__()
        self.D, self.auxiliary_weight_d, self.auxiliary_weight_g = D, D.auxiliary_weight_d, D.auxiliary_weight_g
        self.edge, self.shrink = (spec.size - size) // 2, max(1, size // LARGEST_SIDE)
        self.input_shape = (size // self.shrink, spec.channels)
        self.trunk, features = frozen_features(*self.input_shape)
        self.mix = nn.Linear(features, HIDDEN)
        self.head = nn.Linear(HIDDEN, 1)
        self.embed = ClassEmbedding(spec.num_classes, HIDDEN)
        nn.init.normal_(self.embed.weight, std=0.02)

    def load_classifier(self, body: dict[str, torch.Tensor]) -> None:
        """body: state dict of a Sequential that begins with backbones.classifier.convolutions."""
        self.trunk.load_state_dict(frozen_features(*self.input_shape, body)[0].state_dict())

    def guidance_logits(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.edge:
            x = x[..., self.edge : -self.edge, self.edge : -self.edge]
        if self.shrink > 1:
            x = F.avg_pool2d(x, self.shrink)
        h = F.leaky_relu(self.mix(self.trunk(x).flatten(1)), 0.2)  # [N, 128]
        with full_precision(h):
            h = at_least_float32(h)
            return self.head(h)[:, 0] + (self.embed(y) * h).sum(1)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.with_guidance(self.D(x, y), x, y)

    def logits_and_auxiliary(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        logits, auxiliary = self.D.logits_and_auxiliary(x, y)
        return self.with_guidance(logits, x, y), auxiliary

    def with_guidance(self, logits: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return logits + self.guidance_logits(x, y).view(-1, *[1] * (logits.ndim - 1))


def frozen_features(side: int, channels: int, body: dict[str, torch.Tensor] | None = None) -> tuple[nn.Sequential, int]:
    """(the classifier's convolutions in eval mode, with the weights of body or fresh ones; number of features of an image).

    Batch norm is folded into the convolutions: under a gradient penalty it would cost a quarter of the step.
    """
    layers, features = convolutions(side, channels)
    net = nn.Sequential(*layers).eval()
    if body is not None:
        net.load_state_dict({name: value for name, value in body.items() if name in net.state_dict()})
    folded: list[Any] = []
    for conv, norm, relu in zip(net[::3], net[1::3], net[2::3], strict=True):
        folded += [fuse_conv_bn_eval(cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm)), relu]
    return nn.Sequential(*folded).requires_grad_(False), features
