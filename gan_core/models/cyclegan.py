"""CycleGAN (Zhu et al., arXiv:1703.10593): G turns an image of one class into another class; D has a logit for each patch.

Departs from the paper: one generator that is conditional on the target class (conditional instance norm, arXiv:1610.07629) instead
of one network for each direction, so that any number of classes works; D is conditional by projection and has no instance norm,
which would remove an image's brightness. To draw without a source image, G keeps a bank of training images.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import ClassEmbedding
from gan_core.models.precision import at_least_float32, full_precision
from gan_core.models.spec import Spec

BANK = 512  # source images that are kept to draw from
POOL = 50  # earlier fakes that D is shown again (arXiv:1612.07828)


class ConditionalInstanceNorm(nn.Module):
    """[N, C, H, W], y [N] -> instance norm with a scale and a shift for each class (arXiv:1610.07629)."""

    def __init__(self, channels: int, num_classes: int):
        super().__init__()
        self.scale, self.shift = ClassEmbedding(num_classes, channels), ClassEmbedding(num_classes, channels)
        nn.init.normal_(self.scale.weight, std=0.1)
        nn.init.normal_(self.shift.weight, std=0.1)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.instance_norm(x) * (1 + self.scale(y)[:, :, None, None]) + self.shift(y)[:, :, None, None]


class ConvLayer(nn.Module):
    """A convolution with reflected borders and its norm. up: doubles the size first by nearest neighbour, against checkerboards."""

    def __init__(self, i: int, o: int, num_classes: int, kernel: int = 3, stride: int = 1, up: bool = False):
        super().__init__()
        self.up, self.norm = up, ConditionalInstanceNorm(o, num_classes)
        self.conv = nn.Conv2d(i, o, kernel, stride, kernel // 2, padding_mode="reflect")

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = F.interpolate(x, scale_factor=2.0) if self.up else x
        return self.norm(self.conv(x), y)


class ResidualBlock(nn.Module):
    """x plus two layers."""

    def __init__(self, channels: int, num_classes: int):
        super().__init__()
        self.first, self.second = (ConvLayer(channels, channels, num_classes) for _ in range(2))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + self.second(F.relu(self.first(x, y)), y)


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1]: z[:, 0] picks an image of another class from the bank.

    translate(images, y) turns given images into class y.
    """

    bank: torch.Tensor
    bank_labels: torch.Tensor

    def __init__(self, spec: Spec):
        super().__init__()
        w, k = spec.width, spec.num_classes
        self.down = nn.ModuleList(
            [ConvLayer(spec.channels, w, k, 7), ConvLayer(w, 2 * w, k, 3, 2), ConvLayer(2 * w, 4 * w, k, 3, 2)]
        )
        count = 6 if spec.size > 64 else 4
        self.blocks = nn.ModuleList(ResidualBlock(4 * w, k) for _ in range(count))
        self.up = nn.ModuleList(ConvLayer(i, o, k, up=True) for i, o in itertools.pairwise([4 * w, 2 * w, w]))
        self.to_image = nn.Conv2d(w, spec.channels, 7, padding=3, padding_mode="reflect")
        self.register_buffer("bank", torch.zeros(BANK, spec.channels, spec.size, spec.size, dtype=torch.uint8))
        self.register_buffer("bank_labels", torch.full((BANK,), -1))  # -1: still empty

    def translate(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        for layer in self.down:
            x = F.relu(layer(x, y))  # [N, 4 * width, S / 4, S / 4] at the end
        for block in self.blocks:
            x = block(x, y)
        for layer in self.up:
            x = F.relu(layer(x, y))
        return self.to_image(x).tanh()

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        known = self.bank_labels >= 0
        other = known & (self.bank_labels != y[:, None])  # [N, BANK]
        other = other | (known & ~other.any(1, keepdim=True))  # one class alone: its own images
        so_far = other.cumsum(1)
        share = torch.special.ndtr(z[:, :1].float()).clamp(max=1 - 1e-6)
        index = (so_far <= share * so_far[:, -1:]).sum(1).clamp(max=BANK - 1)
        return self.translate(self.bank[index].to(self.to_image.weight.dtype) / 127.5 - 1, y)

    @torch.no_grad()
    def fill_bank(self, images: torch.Tensor, y: torch.Tensor) -> None:
        """Add images [N, channels, S, S] and their classes to the bank while it has room."""
        place = (self.bank_labels >= 0).sum() + torch.arange(len(y), device=y.device)
        fits, place = place < BANK, place.clamp(max=BANK - 1)
        pixels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        self.bank.index_add_(0, place, pixels * fits[:, None, None, None])  # empty places are 0, and -1 in the labels
        self.bank_labels.index_add_(0, place, (y + 1) * fits)


class Discriminator(nn.Module):
    """images [N, channels, S, S], y [N] -> logits [N, K], one for each patch of 70 px, or of 22 px in images of up to 64 px."""

    auxiliary_weight_d, auxiliary_weight_g = 0.0, 0.0
    pool: torch.Tensor
    pool_labels: torch.Tensor

    def __init__(self, spec: Spec):
        super().__init__()
        levels = [spec.width << i for i in range(3 if spec.size > 64 else 2)]
        plan = itertools.pairwise([spec.channels, *levels])
        self.downs = nn.ModuleList(nn.Conv2d(i, o, 4, stride=2, padding=1) for i, o in plan)
        self.last = nn.Conv2d(levels[-1], 2 * levels[-1], 4, padding=1)
        self.head = nn.Conv2d(2 * levels[-1], 1, 4, padding=1)
        self.embed = ClassEmbedding(spec.num_classes, 2 * levels[-1])
        nn.init.normal_(self.embed.weight, std=0.02)
        self.register_buffer("pool", torch.zeros(POOL, spec.channels, spec.size, spec.size))
        self.register_buffer("pool_labels", torch.full((POOL,), -1))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        for layer in [*self.downs, self.last]:
            x = F.leaky_relu(layer(x), 0.2)
        with full_precision(x):
            x = at_least_float32(x)
            projection = (x * self.embed(y)[:, :, None, None]).sum(1, keepdim=True)  # [N, 1, H, W]
            return (self.head(x) + F.avg_pool2d(projection, 4, 1, 1)).flatten(1)

    def logits_and_auxiliary(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self(x, y), None

    @torch.no_grad()
    def swap_with_pool(
        self, fake: torch.Tensor, y: torch.Tensor, order: torch.Tensor, chance: torch.Tensor
    ) -> torch.Tensor:
        """fake [N, channels, S, S] of classes y, some of them exchanged with older fakes of the same class in the pool.

        order [POOL]: a permutation; chance [N] in [0, 1].
        """
        n = min(len(fake), POOL)
        slot, mine, label = order[:n], fake[:n].float(), y[:n]
        old, empty = self.pool[slot], self.pool_labels[slot] < 0
        swap = (self.pool_labels[slot] == label) & (chance[:n] < 0.5)
        keep = (swap | empty)[:, None, None, None]
        self.pool.index_copy_(0, slot, torch.where(keep, mine, old))
        self.pool_labels.index_copy_(0, slot, torch.where(empty, label, self.pool_labels[slot]))
        return torch.cat([torch.where(swap[:, None, None, None], old, mine), fake[n:]])
