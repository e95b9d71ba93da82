"""CycleGAN (Zhu et al., arXiv:1703.10593): G turns an image of one class into another class; D judges patches, not whole images.

Departs from the paper: one translator that is told the class to go to (conditional instance norm, arXiv:1610.07629) instead of
one network a direction, so that any number of classes works; a D that is told the class by projection, without instance norm,
which would hide an image's brightness from it. To draw without a source image, G keeps a bank of some that it was trained on.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import ClassEmbedding
from gan_core.models.spec import Spec

BANK = 512  # source images that are kept to draw from
POOL = 50  # earlier fakes that D is shown again


class Norm(nn.Module):
    """[N, C, H, W], y [N] -> the same, each channel of each image of mean 0 and variance 1, then scaled and shifted by class."""

    def __init__(self, channels: int, num_classes: int):
        super().__init__()
        self.scale, self.shift = ClassEmbedding(num_classes, channels), ClassEmbedding(num_classes, channels)
        nn.init.normal_(self.scale.weight, std=0.1)
        nn.init.normal_(self.shift.weight, std=0.1)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.instance_norm(x) * (1 + self.scale(y)[:, :, None, None]) + self.shift(y)[:, :, None, None]


class Layer(nn.Module):
    """A convolution with reflected borders, and its norm. up: nearest twice as large first, which leaves no checkerboard."""

    def __init__(self, i: int, o: int, num_classes: int, kernel: int = 3, stride: int = 1, up: bool = False):
        super().__init__()
        self.up, self.norm = up, Norm(o, num_classes)
        self.conv = nn.Conv2d(i, o, kernel, stride, kernel // 2, padding_mode="reflect")

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = F.interpolate(x, scale_factor=2.0) if self.up else x
        return self.norm(self.conv(x), y)


class Block(nn.Module):
    """x + two layers of it."""

    def __init__(self, channels: int, num_classes: int):
        super().__init__()
        self.first, self.second = (Layer(channels, channels, num_classes) for _ in range(2))

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
            [Layer(spec.channels, w, k, 7), Layer(w, 2 * w, k, 3, 2), Layer(2 * w, 4 * w, k, 3, 2)]
        )
        count = 6 if spec.size > 64 else 4
        self.blocks = nn.ModuleList(Block(4 * w, k) for _ in range(count))
        self.up = nn.ModuleList(Layer(i, o, k, up=True) for i, o in itertools.pairwise([4 * w, 2 * w, w]))
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
    def remember(self, images: torch.Tensor, y: torch.Tensor) -> None:
        """Put images [N, channels, S, S] and their classes into the bank while it has room."""
        place = (self.bank_labels >= 0).sum() + torch.arange(len(y), device=y.device)
        fits, place = place < BANK, place.clamp(max=BANK - 1)
        pixels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        self.bank.index_add_(0, place, pixels * fits[:, None, None, None])  # what is empty is 0, and -1 of the labels
        self.bank_labels.index_add_(0, place, (y + 1) * fits)


class Discriminator(nn.Module):
    """images [N, channels, S, S], y [N] -> logits [N, K], one a patch: 70 px of more than 64 px, 22 px of fewer."""

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
        named = (x * self.embed(y)[:, :, None, None]).sum(1, keepdim=True)  # [N, 1, H, W]
        return (self.head(x) + F.avg_pool2d(named, 4, 1, 1)).flatten(1)

    def logits_and_auxiliary(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self(x, y), None

    @torch.no_grad()
    def swap_with_pool(self, fake: torch.Tensor, y: torch.Tensor, order: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
        """fake [N, channels, S, S] of classes y, some replaced by older ones of the same class, which they replace in the pool.

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
