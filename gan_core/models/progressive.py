"""Progressive growing (Karras et al., arXiv:1710.10196): both networks start at 4 px and double, each new size fading in.

Each size gets twice as large a share of the run as the one before, the first half of it for fading in. G always returns the full
size, by enlarging the current one; D halves its input down to the current one. Departs from the paper: there all sizes get equal
numbers of images, which in a run limited by minutes would leave almost none for the last one; D fades between its two paths without
blending the real images too; z is not normalised, so that truncation works; no drift term in the loss; class projection in D.

Under autocast the coarse sizes, G's first layer and D's last ones keep the precision of their weights.
"""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.equalized import EqualConv, EqualLinear, channels, leaky, sides
from gan_core.models.layers import EMBED, ClassEmbedding, ConditionalDiscriminator, MinibatchStd
from gan_core.models.precision import at_least_float32, full_precision, is_coarse, precision_at
from gan_core.models.spec import Spec


def level_at(progress: float, levels: int) -> float:
    """0: 4 px alone; 0.25: 4 px, and a quarter of 8 px; ...; levels - 1: the full size alone."""
    parts = 1 + min(progress, 1.0) * (
        2**levels - 1
    )  # the first size is there until 2, the second until 4, then until 8, ...
    stage = min(int(math.log2(parts)), levels - 1)
    return 0.0 if stage == 0 else stage - 1 + min(1.0, 2 * (parts / 2**stage - 1))


class Level(nn.Module):
    """The current level of growing as a float: the full size in a new network, changed by at(progress)."""

    level: torch.Tensor

    def __init__(self, levels: int):
        super().__init__()
        self.levels, self.now = levels, levels - 1.0
        self.register_buffer("level", torch.tensor(self.now))

    def at(self, progress: float) -> tuple[int, bool]:
        """Set the level for this progress; returns (index of the largest size in use, whether it is fading in)."""
        self.now = level_at(progress, self.levels)
        self.level.fill_(self.now)
        return self.stage()

    def stage(self) -> tuple[int, bool]:
        top = math.ceil(self.now)
        return top, top != self.now

    def forward(self) -> tuple[int, torch.Tensor | None]:
        """(index of the larger of the sizes in use, its share in (0, 1) as a 0-d tensor, None where it is there alone).

        During training at() has just set the level; reading the buffer would wait for the device. In eval mode the buffer counts,
        which checkpoints and the averaged G contain.
        """
        if not (
            self.training or torch.compiler.is_exporting()
        ):  # an exported graph keeps the level of the last images in eval mode
            self.now = self.level.item()
        top, fades = self.stage()
        return top, self.level - (top - 1) if fades else None


def pixel_norm(x: torch.Tensor) -> torch.Tensor:
    """Each pixel's channels scaled to a mean square of 1."""
    return x * (at_least_float32(x).square().mean(1, keepdim=True) + 1e-8).rsqrt().to(x.dtype)


class UpBlock(nn.Module):
    """[N, i, S, S] -> [N, o, 2S, 2S]."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.conv1, self.conv2 = EqualConv(i, o), EqualConv(o, o)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.interpolate(x, scale_factor=2.0)
        return pixel_norm(leaky(self.conv2(pixel_norm(leaky(self.conv1(x))))))


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in about [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        widths = [channels(side, spec.width) for side in sides(spec.size)]
        self.size, self.growth = spec.size, Level(len(widths))
        self.embed = ClassEmbedding(spec.num_classes, EMBED)
        self.stem, self.conv = EqualLinear(spec.z_dim + EMBED, widths[0] * 16), EqualConv(widths[0], widths[0])
        self.blocks = nn.ModuleList(UpBlock(i, o) for i, o in itertools.pairwise(widths))
        self.to_image = nn.ModuleList(EqualConv(c, spec.channels, k=1) for c in widths)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        top, share = self.growth()
        with full_precision(z):
            h = self.stem(torch.cat([z, self.embed(y)], 1)).unflatten(1, (-1, 4, 4))
            h = before = pixel_norm(leaky(self.conv(pixel_norm(leaky(h)))))
        for level, block in enumerate(self.blocks[:top]):
            with precision_at(8 << level, self.size, z):
                before, h = h, block(h)
        image = self.to_image[top](h)
        if share is not None:
            smaller = F.interpolate(self.to_image[top - 1](before), scale_factor=2.0)
            image = torch.lerp(smaller, image, share.to(image.dtype))
        return F.interpolate(image, size=(self.size, self.size))


class DownBlock(nn.Module):
    """[N, i, S, S] -> [N, o, S/2, S/2]."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.conv1, self.conv2 = EqualConv(i, i), EqualConv(i, o)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(leaky(self.conv2(leaky(self.conv1(x)))), 2)


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, S, S], y [N] -> logits [N]."""

    def __init__(self, spec: Spec):
        widths = [channels(side, spec.width) for side in sides(spec.size)]  # from coarse to fine
        super().__init__(spec, widths[0])
        self.growth = Level(len(widths))
        self.from_image = nn.ModuleList(EqualConv(self.in_channels, c, k=1) for c in widths)
        self.blocks = nn.ModuleList(DownBlock(o, i) for i, o in itertools.pairwise(widths))
        self.variety = MinibatchStd() if spec.minibatch_std else nn.Identity()
        self.conv, self.dense = (
            EqualConv(widths[0] + spec.minibatch_std, widths[0]),
            EqualLinear(widths[0] * 16, widths[0]),
        )
        self.head = EqualLinear(widths[0], 1)
        nn.init.normal_(self.embed.weight, std=1 / math.sqrt(widths[0]))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        top, share = self.growth()
        x = F.avg_pool2d(x, x.shape[-1] // (4 << top))
        h = leaky(self.from_image[top](x))
        for level in range(top, 0, -1):
            side = 4 << level
            with precision_at(side, self.size, h):
                h = self.blocks[level - 1](at_least_float32(h) if is_coarse(side, self.size) else h)
            if level == top and share is not None:
                h = torch.lerp(leaky(self.from_image[top - 1](F.avg_pool2d(x, 2))), h, share.to(h.dtype))
        with full_precision(h):
            h = self.variety(at_least_float32(h))
            return leaky(self.dense(leaky(self.conv(h)).flatten(1)))
