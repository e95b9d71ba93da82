"""The generator of FastGAN (Liu et al., arXiv:2101.04775), which Projected GAN (arXiv:2111.01007) takes over: glu linear units
and skip-layer excitation: a map of 4, 8 or 16 px scales the channels of the map of sixteen times that size.
"""

import itertools
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.layers import spectral_layer
from gan_core.models.spec import Spec
from gan_core.models.spectral_norm import Layer, spectral_norm

WIDTHS = {4: 16.0, 8: 8.0, 16: 4.0, 32: 2.0, 64: 2.0, 128: 1.0, 256: 0.5}  # channels at that many px, times width
EXCITED_BY = {64: 4, 128: 8, 256: 16}  # px of a map: px of the map that scales its channels

Norm = Callable[[int], nn.Module]  # channels -> a ConditionalBatchNorm or a plain batch norm


def channels(side: int, width: int) -> int:
    return max(4, int(WIDTHS[side] * width))


def glu(x: torch.Tensor) -> torch.Tensor:
    """[N, 2C, H, W] -> [N, C, H, W], a gated linear unit. Its gradient keeps the memory layout, unlike F.glu: 3 times as fast."""
    value, gate = x.chunk(2, 1)
    return value * gate.sigmoid()


def layer_of(spec: Spec) -> Callable[[Layer], Layer]:
    """How a layer gets spectral norm: with weights from N(0, 0.02), or as the authors' code has it in effect, with torch's own."""
    return spectral_norm if spec.published_layers else spectral_layer


class FastGenerator(nn.Module):
    """latent [N, L], c [N, d] -> images [N, channels, S, S] in [-1, 1]. Only the conditional norms use c.

    double: every second stage, from 8 px on, has a second convolution and noise during training; otherwise each has one.
    With spec.published_layers the first norm is not conditional, and no tanh keeps the images in [-1, 1].
    """

    def __init__(self, spec: Spec, latent: int, norm: Norm, double: bool, image_bias: bool = True):
        super().__init__()
        layer, self.bounded = layer_of(spec), not spec.published_layers
        sides = [side for side in WIDTHS if side <= spec.size]
        plan = [channels(side, spec.width) for side in sides]
        stem = nn.ConvTranspose2d(latent, 2 * plan[0], 4, bias=False)
        self.stem = spectral_norm(stem, axis=1) if spec.published_layers else spectral_layer(stem)
        self.stem_norm = (nn.BatchNorm2d if spec.published_layers else norm)(2 * plan[0])
        self.stages = nn.ModuleList(
            Stage(i, o, norm, double and stage % 2 == 0, layer) for stage, (i, o) in enumerate(itertools.pairwise(plan))
        )
        self.gates = nn.ModuleDict(
            {
                str(side): SkipLayerExcitation(
                    channels(EXCITED_BY[side], spec.width), channels(side, spec.width), layer
                )
                for side in sides
                if side in EXCITED_BY
            }
        )
        self.to_image = layer(nn.Conv2d(plan[-1], spec.channels, 3, padding=1, bias=image_bias))

    def forward(self, latent: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        h = glu(apply_norm(self.stem_norm, self.stem(latent[:, :, None, None]), c))  # [N, 16 * width, 4, 4]
        maps = {4: h}
        for stage in self.stages:
            h = stage(h, c)
            side = h.shape[-1]
            if str(side) in self.gates:
                h = h * self.gates[str(side)](maps[EXCITED_BY[side]])
            maps[side] = h
        image = self.to_image(h)
        return image.tanh() if self.bounded else image


class Stage(nn.Module):
    """[N, i, S, S], c -> [N, o, 2S, 2S]: nearest, convolution, norm, gate; twice where double."""

    def __init__(
        self, i: int, o: int, norm: Norm, double: bool, layer: Callable[[nn.Conv2d], nn.Conv2d] = spectral_layer
    ):
        super().__init__()
        plan = [i, o, o] if double else [i, o]
        self.convs = nn.ModuleList(
            layer(nn.Conv2d(a, 2 * b, 3, padding=1, bias=False)) for a, b in itertools.pairwise(plan)
        )
        self.noises = nn.ModuleList(NoiseInjection() if double else nn.Identity() for _ in plan[1:])
        self.norms = nn.ModuleList(norm(2 * b) for b in plan[1:])

    def forward(self, x: torch.Tensor, c: torch.Tensor | None = None) -> torch.Tensor:
        x = F.interpolate(x, scale_factor=2.0)
        for conv, noise, norm in zip(self.convs, self.noises, self.norms, strict=True):
            x = glu(apply_norm(norm, noise(conv(x)), c))
        return x


class NoiseInjection(nn.Module):
    """Adds one map of noise to all channels, times a learned factor that starts at 0. In eval mode it adds nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.amount = nn.Parameter(torch.zeros([]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        return x + self.amount * torch.randn(len(x), 1, *x.shape[2:], device=x.device, dtype=x.dtype)


class SkipLayerExcitation(nn.Module):
    """small [N, i, s, s] -> factors [N, o, 1, 1] in [0, 1]."""

    def __init__(self, i: int, o: int, layer: Callable[[nn.Conv2d], nn.Conv2d] = spectral_layer):
        super().__init__()
        self.look = layer(nn.Conv2d(i, o, 4, bias=False))
        self.gate = layer(nn.Conv2d(o, o, 1, bias=False))

    def forward(self, small: torch.Tensor) -> torch.Tensor:
        return self.gate(F.silu(self.look(F.adaptive_avg_pool2d(small, 4)))).sigmoid()


class ConditionalBatchNorm(nn.Module):
    """Batch norm whose gain and shift are linear in c [N, d] (arXiv:1707.00683); they start near 1 and 0.

    spectral: both layers have spectral norm instead, and torch's own start, as in Projected GAN's code.
    """

    def __init__(self, d: int, features: int, spectral: bool = False):
        super().__init__()
        self.norm = nn.BatchNorm2d(features, affine=False)
        self.gain, self.shift = nn.Linear(d, features), nn.Linear(d, features)
        for linear in (self.gain, self.shift):
            if spectral:
                spectral_norm(linear)
                continue
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)

    def forward(self, x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        x = self.norm(x)
        return x * (1 + self.gain(c))[:, :, None, None] + self.shift(c)[:, :, None, None]


def apply_norm(norm: nn.Module, x: torch.Tensor, c: torch.Tensor | None) -> torch.Tensor:
    """x through a norm, conditional on c or not."""
    return norm(x, c) if isinstance(norm, ConditionalBatchNorm) else norm(x)
