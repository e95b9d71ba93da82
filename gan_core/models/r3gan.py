"""R3GAN (Huang et al., arXiv:2501.05441): residual networks without norm layers, for the relativistic loss with R1 and R2.

A block is a 1x1, a grouped 3x3 and a 1x1 convolution. Their weights start so small that the sum of all blocks keeps its variance
(Fix-up, arXiv:1901.09321), and biases belong to the activations. Sizes change by [1, 2, 1] resampling. Under autocast the coarse
sizes, G's first layer and D's last ones keep the precision of their weights.

Departs from the paper: a dataset without labels has one class and therefore an embedding; with label warm-up D starts from the
mean of all classes; channels are multiples of 16, because bfloat16 convolutions of other widths can crash on a CPU.
"""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.equalized import sides
from gan_core.models.layers import ClassEmbedding
from gan_core.models.precision import PointConv2d, are_odd, at_least_float32, full_precision, is_coarse
from gan_core.models.resample import Adjoint, Filter
from gan_core.models.spec import Spec

BLOCKS = 2  # residual blocks at each size
EXPANSION = 2  # channels inside a block, times those outside
GROUP_CHANNELS = 16  # of a grouped convolution
SLOPE = 0.2  # of LeakyReLU below 0
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the variance through LeakyReLU


def channels(side: int, width: int) -> int:
    """Channels at `side` px: width up to 32 px, then halved at each doubling; a multiple of 16."""
    return max(16, min(width, 32 * width // side) // 16 * 16)


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in about [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        levels = sides(spec.size)
        plan = [channels(side, spec.width) for side in levels]
        self.embed = ClassEmbedding(spec.num_classes, spec.z_dim)
        nn.init.normal_(self.embed.weight, std=spec.num_classes**-0.5)
        changes = [
            GenerativeBasis(2 * spec.z_dim, plan[0]),
            *(Up(i, o) for i, o in itertools.pairwise(plan)),
        ]
        self.stages = nn.Sequential(
            *(
                Stage([change, *residual_blocks(c, len(plan))], side, spec.size)
                for change, c, side in zip(changes, plan, levels, strict=True)
            )
        )
        self.to_image = convolution(plan[-1], spec.channels)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.to_image(self.stages(torch.cat([z, self.embed(y)], 1)))


class Discriminator(nn.Module):
    """images [N, channels, S, S], y [N] -> logits [N]: the inner product of an image's features and the embedding of its class."""

    auxiliary_weight_d, auxiliary_weight_g = 0.0, 0.0

    def __init__(self, spec: Spec):
        super().__init__()
        levels = sides(spec.size)[::-1]  # from fine to coarse
        plan = [channels(side, spec.width) for side in levels]
        self.from_image = convolution(spec.channels, plan[0])
        changes = [*(Down(i, o) for i, o in itertools.pairwise(plan)), DiscriminativeBasis(plan[-1])]
        self.stages = nn.Sequential(
            *(
                Stage([*residual_blocks(c, len(plan)), change], side, spec.size)
                for change, c, side in zip(changes, plan, levels, strict=True)
            )
        )
        self.embed = EmbeddingAroundMean(spec.num_classes, plan[-1])
        nn.init.normal_(self.embed.weight, std=(plan[-1] * spec.num_classes) ** -0.5)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (self.stages(self.from_image(x)) * self.embed(y)).sum(1)

    def logits_and_auxiliary(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self(x, y), None


class Stage(nn.Sequential):
    """The layers at one size, `side` px. Those of coarse sizes keep the precision of their weights under autocast."""

    def __init__(self, layers: list[nn.Module], side: int, size: int):
        super().__init__(*layers)
        self.coarse = is_coarse(side, size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.coarse:
            return super().forward(x)
        with full_precision(x):
            return super().forward(at_least_float32(x))


class Residual(nn.Module):
    """[N, c, H, W] -> the same shape. At the start it is the identity, as its last convolution is zero."""

    def __init__(self, c: int, blocks: int):
        """blocks: how many are added up in the whole network."""
        super().__init__()
        inner, gain = EXPANSION * c, GAIN * blocks**-0.25  # L^(-1 / (2m - 2)) for m = 3 layers of a block
        self.widen = convolution(c, inner, gain=gain, bias=True)
        self.look = convolution(inner, inner, 3, groups=inner // GROUP_CHANNELS, gain=gain, bias=True)
        self.narrow = convolution(inner, c, gain=0.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.leaky_relu(self.widen(x), SLOPE)
        return x + self.narrow(F.leaky_relu(self.look(h), SLOPE))


def residual_blocks(c: int, levels: int) -> list[nn.Module]:
    return [Residual(c, BLOCKS * levels) for _ in range(BLOCKS)]


def convolution(i: int, o: int, k: int = 1, *, groups: int = 1, gain: float = 1.0, bias: bool = False) -> nn.Conv2d:
    """A convolution that keeps the size, with weights from N(0, gain^2 / inputs of a unit) and bias 0."""
    layer = nn.Conv2d(i, o, k, padding=k // 2, groups=groups, bias=bias)
    if k == 1 and are_odd(i, o):
        layer = PointConv2d(i, o, bias)
    nn.init.normal_(layer.weight, std=gain * (i // groups * k * k) ** -0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def linear(i: int, o: int) -> nn.Linear:
    layer = nn.Linear(i, o, bias=False)
    nn.init.normal_(layer.weight, std=i**-0.5)
    return layer


class Up(nn.Module):
    """[N, i, S, S] -> [N, o, 2S, 2S]."""

    kernel: torch.Tensor

    def __init__(self, i: int, o: int):
        super().__init__()
        self.mix = convolution(i, o) if i != o else nn.Identity()
        self.register_buffer("kernel", 4 * Filter(padding=1).kernel, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Adjoint.apply(self.mix(x), self.kernel, 2, 1)


class Down(nn.Module):
    """[N, i, S, S] -> [N, o, S/2, S/2]."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.halve = Filter(padding=1, stride=2)
        self.mix = convolution(i, o) if i != o else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.mix(self.halve(x))


class GenerativeBasis(nn.Module):
    """[N, d] -> [N, c, 4, 4]: one learnt map for each channel, times a number that is linear in the input."""

    def __init__(self, d: int, c: int):
        super().__init__()
        self.basis = nn.Parameter(torch.randn(c, 4, 4))
        self.mix = linear(d, c)

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        return self.basis * self.mix(latent)[:, :, None, None]


class DiscriminativeBasis(nn.Module):
    """[N, c, 4, 4] -> [N, c]: the inner product of each channel with a learnt map, then a linear layer."""

    def __init__(self, c: int):
        super().__init__()
        self.basis = nn.Conv2d(c, c, 4, groups=c, bias=False)
        nn.init.normal_(self.basis.weight, std=1 / 4)
        self.mix = linear(c, c)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return self.mix(self.basis(h).flatten(1))


class EmbeddingAroundMean(ClassEmbedding):
    """y int64 [N] -> [N, d]: the class's vector; while labels do not count, the mean of all classes.

    D has no logit beside the projection, so with vectors of zero it would say nothing until label warm-up begins.
    """

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        return torch.lerp(self.weight.mean(0), F.embedding(y, self.weight), self.share)
