"""A generator of small images and a refiner that enlarges them to the dataset's size.

A step at half the size costs a fraction of one at the full size, so within the same minutes G sees several times as many images.
The refiner is a small residual network on top of bicubic interpolation (as in VDSR, Kim et al., arXiv:1511.04587); it enlarges by
resizing and convolving, which leaves no checkerboard (Odena et al., https://distill.pub/2016/deconv-checkerboard). What cannot be
known from a small image, the finest texture, it adds as noise of a learnt local strength; the noise is made from z, so that an
image is the same each time it is drawn. How the refiner learns is in training/refiner_step.py.
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
PATTERNS = 32  # at most: patterns of noise, one for each of the first numbers of z
FAINT = -4.0  # natural logarithm of the first strength of the noise: 2 of 255 levels
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
    return RefinedGenerator(small, Refiner(spec, size)) if config.train_size else small


class Refiner(nn.Module):
    """images [N, C, s, s] in [-1, 1], y [N] -> (mean [N, C, S, S] in about [-1, 1], log strength of the noise [N, 1, S, S])."""

    patterns: torch.Tensor

    def __init__(self, spec: Spec, size: int):
        """spec: of the generator of small images; size: S in px, spec.size times a power of two."""
        super().__init__()
        self.size, factor = size, size // spec.size
        levels = [max(16, WIDTH >> level) for level in range(factor.bit_length())]
        self.embed = ClassEmbedding(spec.num_classes, WIDTH)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.enter = nn.Conv2d(spec.channels, WIDTH, 3, padding=1)
        self.middle = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.ups = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in itertools.pairwise(levels))
        self.leave, self.strength = (
            nn.Conv2d(levels[-1], spec.channels, 3, padding=1),
            nn.Conv2d(levels[-1], 1, 3, padding=1),
        )
        for layer, first in ((self.leave, 0.0), (self.strength, FAINT)):  # it begins as bicubic interpolation
            assert layer.bias is not None
            nn.init.zeros_(layer.weight)
            nn.init.constant_(layer.bias, first)
        known = min(PATTERNS, spec.z_dim)
        drawn = np.random.default_rng(0).standard_normal((known, size, size), dtype=np.float32) / np.float32(known**0.5)
        self.register_buffer("patterns", torch.from_numpy(drawn))

    def forward(self, images: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h = F.leaky_relu(self.enter(images) + self.embed(y)[:, :, None, None], 0.2)
        h = h + F.leaky_relu(self.middle(h), 0.2)
        for up in self.ups:
            h = F.interpolate(h, scale_factor=2.0, mode="bilinear", align_corners=False)
            h = F.leaky_relu(up(h), 0.2)  # [N, ..., 2 s, 2 s], ... [N, ..., S, S]
        enlarged = F.interpolate(images, size=(self.size, self.size), mode="bicubic", align_corners=False)
        return enlarged + self.leave(h), self.strength(h)

    def draw(self, images: torch.Tensor, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The mean and its noise [N, C, S, S]. z [N, z_dim] is the latent code of the images."""
        mean, strength = self(images, y)
        noise = torch.einsum("nk,khw->nhw", z[:, : len(self.patterns)], self.patterns)[:, None]
        return mean + strength.exp() * noise


class RefinedGenerator(nn.Module):
    """z [N, z_dim], y [N] -> images: in eval mode refined ones of the dataset's size, in training the small ones that D sees."""

    def __init__(self, small: Any, refiner: Refiner):
        super().__init__()
        self.small, self.refiner = small, refiner

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        images = self.small(z, y)
        return images if self.training else self.refiner.draw(images, z, y)
