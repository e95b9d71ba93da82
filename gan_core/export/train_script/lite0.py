"""EfficientNet-Lite0 (arXiv:1905.11946, without squeeze and excitation) for train.py: ImageNet's weights and a new linear head.

The weights are lite0.pth, unchanged, under the Apache License 2.0 (lite0_license.txt). The stem and the first blocks stay frozen.
"""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

SIDE = 96  # px; smaller and larger images are resized to it
FROZEN = 12  # the stem and eleven of sixteen blocks keep ImageNet's weights and statistics
# kernel, stride, expansion, channels, blocks of each stage
STAGES = (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4)


class Conv(nn.Conv2d):
    """With TensorFlow's padding: of an odd total, the larger half lies right and below."""

    def forward(self, x):
        kernel, stride = self.kernel_size[0], self.stride[0]
        down, across = (max((math.ceil(side / stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:])
        x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return F.conv2d(x, self.weight, None, stride, 0, 1, self.groups)


def layers(before, after, kernel=1, stride=1, groups=1, active=True):
    conv = Conv(before, after, kernel, stride, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(after, eps=1e-3, momentum=0.01), *[nn.ReLU6()] * active]


class Block(nn.Module):
    """An inverted bottleneck (arXiv:1801.04381)."""

    def __init__(self, before, after, kernel, stride, expansion):
        super().__init__()
        wide = before * expansion
        parts = layers(before, wide) if expansion > 1 else []
        parts += [*layers(wide, wide, kernel, stride, wide), *layers(wide, after, active=False)]
        self.layers, self.same = nn.Sequential(*parts), before == after and stride == 1

    def forward(self, x):
        return self.layers(x) + x if self.same else self.layers(x)


class Lite0(nn.Module):
    """Images [N, 1 or 3, S, S] in [-1, 1] -> logits [N, classes]."""

    def __init__(self, classes):
        super().__init__()
        parts, width = [nn.Sequential(*layers(3, 32, 3, 2))], 32
        for kernel, stride, expansion, after, repeats in (*STAGES, (3, 1, 6, 320, 1)):
            for number in range(repeats):
                parts.append(Block(width, after, kernel, 1 if number else stride, expansion))
                width = after
        parts.append(nn.Sequential(*layers(width, 1280)))
        self.frozen, self.tuned = nn.Sequential(*parts[:FROZEN]), nn.Sequential(*parts[FROZEN:])
        self.head = nn.Linear(1280, classes)

    def train(self, mode=True):
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(self, x):
        with torch.no_grad():
            x = F.interpolate(x, size=(SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
            x = self.frozen(x.expand(-1, 3, -1, -1))
        return self.head(self.tuned(x).mean((2, 3)))


def network_of(name, side, channels, num_classes):
    """The network of train.py where `name` is lite0."""
    network = Lite0(num_classes)
    stored = torch.load(Path(__file__).parent / f"{name}.pth", weights_only=True, map_location="cpu")
    values = [value for key, value in stored.items() if not key.startswith("_fc")]
    body = [key for key in network.state_dict() if not key.startswith("head")]
    network.load_state_dict(dict(zip(body, values, strict=True)), strict=False)
    network.frozen.requires_grad_(False)
    nn.init.normal_(network.head.weight, 0, 0.01)
    nn.init.zeros_(network.head.bias)
    return network
