"""A generator of small images and a refiner that enlarges them to the dataset's size.

A step at half the size costs a fraction of one at the full size, so within the same minutes G sees several times as many images.
The refiner is a small residual network on top of bicubic interpolation (as in VDSR, Kim et al., arXiv:1511.04587); it enlarges by
resizing and convolving, which leaves no checkerboard (Odena et al., https://distill.pub/2016/deconv-checkerboard). How it learns is
in training/refinement.py.
"""

import itertools
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models import FAMILIES, Spec
from gan_core.models.layers import ClassEmbedding
from gan_core.settings.schema import TrainConfig

WIDTH = 32  # channels at the small size, halved at each doubling, not below 16
SHRUNK_TOGETHER = 4096  # images


def shrink(images: torch.Tensor, size: int) -> torch.Tensor:
    """[N, C, S, S] -> [N, C, size, size], the mean of each square; S is a multiple of size."""
    return images if images.shape[-1] == size else F.avg_pool2d(images, images.shape[-1] // size)


def shrink_pixels(images: np.ndarray, size: int | None) -> np.ndarray:
    """uint8 [N, S, S, C] -> uint8 [N, size, size, C]; the same images where size is None or S."""
    if size is None or images.shape[1] == size:
        return images
    out = np.empty((len(images), size, size, images.shape[3]), np.uint8)
    for first in range(0, len(images), SHRUNK_TOGETHER):
        part = torch.from_numpy(np.array(images[first : first + SHRUNK_TOGETHER])).permute(0, 3, 1, 2).float()
        out[first : first + SHRUNK_TOGETHER] = shrink(part, size).round().byte().permute(0, 2, 3, 1).numpy()
    return out


def generator(config: TrainConfig, *, size: int, channels: int, num_classes: int) -> Any:
    """A fresh generator of these settings, for images of `size` px; with a refiner where it is trained at a smaller size."""
    spec = Spec.of(config, size=config.train_size or size, channels=channels, num_classes=num_classes)
    small = FAMILIES[config.family].Generator(spec)
    if not config.train_size:
        return small
    return RefinedGenerator(small, Refiner(channels, num_classes, size // config.train_size))


class Refiner(nn.Module):
    """images [N, C, s, s] in [-1, 1], y [N] -> [N, C, factor s, factor s] in about [-1, 1]. factor: a power of two."""

    def __init__(self, channels: int, num_classes: int, factor: int):
        super().__init__()
        self.factor = factor
        levels = [max(16, WIDTH >> level) for level in range(factor.bit_length())]
        self.embed = ClassEmbedding(num_classes, WIDTH)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.enter, self.middle = nn.Conv2d(channels, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.ups = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in itertools.pairwise(levels))
        self.leave = nn.Conv2d(levels[-1], channels, 3, padding=1)
        nn.init.zeros_(self.leave.weight)  # it begins as bicubic interpolation
        nn.init.zeros_(self.leave.bias)

    def forward(self, images: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = F.leaky_relu(self.enter(images) + self.embed(y)[:, :, None, None], 0.2)
        h = h + F.leaky_relu(self.middle(h), 0.2)
        for up in self.ups:
            h = F.leaky_relu(up(F.interpolate(h, scale_factor=2.0)), 0.2)  # 2 s, ... factor s
        enlarged = F.interpolate(images, scale_factor=float(self.factor), mode="bicubic", align_corners=False)
        return enlarged + self.leave(h)


class RefinedGenerator(nn.Module):
    """z [N, z_dim], y [N] -> images: in eval mode refined ones of the dataset's size, in training the small ones that D sees."""

    def __init__(self, small: Any, refiner: Refiner):
        super().__init__()
        self.small, self.refiner = small, refiner

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        images = self.small(z, y)
        return images if self.training else self.refiner(images, y)


class PatchDiscriminator(nn.Module):
    """images [N, C, S, S], y [N] -> a logit for each patch of about 24 px [N, S / 4, S / 4], with a projection on the class."""

    def __init__(self, channels: int, num_classes: int, width: int = 16):
        super().__init__()
        self.downs = nn.ModuleList(
            [
                nn.Conv2d(channels, width, 4, 2, 1),
                nn.Conv2d(width, 2 * width, 4, 2, 1),
                nn.Conv2d(2 * width, 4 * width, 3, 1, 1),
            ]
        )
        self.head = nn.Conv2d(4 * width, 1, 3, padding=1)
        self.embed = ClassEmbedding(num_classes, 4 * width)
        nn.init.zeros_(self.embed.weight)

    def forward(self, images: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        h = images
        for down in self.downs:
            h = F.leaky_relu(down(h), 0.2)
        return self.head(h)[:, 0] + (h * self.embed(y)[:, :, None, None]).sum(1)
