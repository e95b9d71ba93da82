"""The classifiers of the comparison: plain torch, so that the script of an export can build the same ones.

Each has prepare (uint8 -> float in [-1, 1]), body (-> features [N, F]) and head (-> logits [N, K]).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from gan_core.evaluation.classifier import fresh
from gan_core.evaluation.utility.protocol import ClassifierName
from gan_core.models.backbones.lite0 import package_state

LARGEST_SIDE = 64  # px, of resnet; larger images are shrunk to it
WIDTH = 16  # channels of resnet's first stage; ResNet-18 has 64, at 16 times the cost
LITE0_SIDE = 96  # px; smaller and larger images are resized to it
LITE0_FROZEN = 11  # of its 16 blocks, with the stem: they keep ImageNet's weights and statistics
# kernel, stride, expansion, channels, blocks: the stages of EfficientNet-Lite0 (arXiv:1905.11946, without squeeze and excitation)
LITE0_STAGES = (
    *((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3)),
    *((5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)),
)
LITE0_FEATURES = 1280


class Block(nn.Module):
    """Two convolutions beside a shortcut (arXiv:1512.03385)."""

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after))
        same = before == after and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.second(self.first(x)) + self.shortcut(x))


class ResNet(nn.Module):
    """ResNet-18's four stages of two blocks at the image's own size, with WIDTH to 8 WIDTH channels and a stem of 3 x 3.

    Its stem has stride 2 for images above 40 px. uint8 [N, >= C, H, W] -> logits [N, classes].
    """

    def __init__(self, size: int, channels: int, num_classes: int):
        super().__init__()
        self.channels, self.side = channels, min(size, LARGEST_SIDE)
        stride = 2 if self.side > 40 else 1
        layers: list[nn.Module] = [
            nn.Conv2d(channels, WIDTH, 3, stride, 1, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(),
        ]
        width = WIDTH
        for stage in range(4):
            after = WIDTH << stage
            layers += [Block(width, after, 2 if stage else 1), Block(after, after, 1)]
            width = after
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(width, num_classes)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """float [N, C, side, side] in [-1, 1]."""
        x = pixels[:, : self.channels].float()
        if x.shape[-1] != self.side:
            x = F.interpolate(x, size=(self.side, self.side), mode="bilinear", antialias=True, align_corners=False)
        return x / 127.5 - 1


class SamePadded(nn.Conv2d):
    """A convolution with TensorFlow's padding "SAME": of an odd total, the larger half lies right and below."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = [max((math.ceil(side / stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:]]
        if total[0] == total[1] and total[0] % 2 == 0:
            return F.conv2d(x, self.weight, None, stride, total[0] // 2, 1, self.groups)
        (height, width) = total
        x = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return F.conv2d(x, self.weight, None, stride, 0, 1, self.groups)


def normed(
    before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool = True
) -> list[nn.Module]:
    layers: list[nn.Module] = [
        SamePadded(before, after, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(after, eps=1e-3, momentum=0.01),
    ]
    return [*layers, nn.ReLU6(inplace=True)] if active else layers


class InvertedBottleneck(nn.Module):
    """arXiv:1801.04381."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = before * expansion
        layers = normed(before, wide) if expansion > 1 else []
        layers += normed(wide, wide, kernel, stride, groups=wide)
        self.layers = nn.Sequential(*layers, *normed(wide, after, active=False))
        self.same = before == after and stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x) + x if self.same else self.layers(x)


class Lite0Body(nn.Module):
    """float [N, C, H, W] in [-1, 1] -> features [N, 1280], at 96 px. The first blocks are frozen, in eval mode always."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(*normed(3, 32, 3, 2))]
        width = 32
        for kernel, stride, expansion, after, repeats in LITE0_STAGES:
            for number in range(repeats):
                layers.append(InvertedBottleneck(width, after, kernel, 1 if number else stride, expansion))
                width = after
        self.frozen = nn.Sequential(*layers[: 1 + LITE0_FROZEN]).requires_grad_(False)
        self.tuned = nn.Sequential(*layers[1 + LITE0_FROZEN :], nn.Sequential(*normed(width, LITE0_FEATURES)))

    def train(self, mode: bool = True) -> "Lite0Body":
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            if x.shape[-1] != LITE0_SIDE:
                side = (LITE0_SIDE, LITE0_SIDE)
                x = F.interpolate(x, size=side, mode="bilinear", antialias=True, align_corners=False)
            x = self.frozen(x.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last))
        return self.tuned(x).mean((2, 3))


class Lite0(nn.Module):
    """EfficientNet-Lite0 with a new linear head. uint8 [N, C, H, W] -> logits [N, classes]."""

    def __init__(self, size: int, channels: int, num_classes: int):
        super().__init__()
        self.channels, self.side = channels, size
        self.body = Lite0Body()
        self.head = nn.Linear(LITE0_FEATURES, num_classes)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """float [N, C, H, W] in [-1, 1]; the body resizes, so that augmentation costs what the image does."""
        return pixels[:, : self.channels].float() / 127.5 - 1

    def load_imagenet(self) -> None:
        """The weights of the package: its layers come in the same order."""
        mine, theirs = self.body.state_dict(), package_state()
        values = [value for name, value in theirs.items() if not name.startswith("_fc")]
        self.body.load_state_dict(dict(zip(mine, values, strict=True)))


def built(name: ClassifierName, size: int, channels: int, num_classes: int) -> nn.Module:
    """Without values, on the CPU: torch's own start values would take random numbers from the global state."""
    if name == "small":
        return fresh(size, channels, num_classes, torch.Generator())
    with torch.device("meta"):
        network = ResNet(size, channels, num_classes) if name == "resnet" else Lite0(size, channels, num_classes)
    return network.to_empty(device="cpu").to(memory_format=torch.channels_last)


def started(name: ClassifierName, size: int, channels: int, num_classes: int, generator: torch.Generator) -> nn.Module:
    """A network with start values from the generator, or ImageNet's and a head of zeros."""
    if name == "small":
        return fresh(size, channels, num_classes, generator)
    network = built(name, size, channels, num_classes)
    if isinstance(network, Lite0):
        network.load_imagenet()
        nn.init.normal_(network.head.weight, 0, 0.01, generator=generator)
        nn.init.zeros_(network.head.bias)
        return network
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_uniform_(module.weight, a=5**0.5, generator=generator)
            nn.init.zeros_(module.bias)
    return network
