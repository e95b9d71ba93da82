"""Projected GAN (Sauer et al., arXiv:2111.01007): D works on the features of a frozen network that was trained on photographs.

Images go through EfficientNet-Lite0. Fixed random projections mix four of its feature maps, across channels and from coarse to
fine, and a small head works on each. Scores that use the same network overrate these images: compare them by another one.
Departs from the paper by default: heads of separable convolutions, as its authors advise for small budgets, which pool before they
mix channels; a logit without the label beside the projection on it; the noise goes to all norms of G, the class to its first layer
too. With spec.published_layers the layers are those of its code (fastgan_lite), whose heads have the same width whatever the
setting. Images of fewer than spec.feature_size px are enlarged to it; the paper's is 224.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.backbones.lite0 import folded, package_state
from gan_core.models.fast_generator import ConditionalBatchNorm, FastGenerator
from gan_core.models.layers import ClassEmbedding, PatchProjectionHead, spectral_layer
from gan_core.models.precision import at_least_float32, full_precision
from gan_core.models.spec import Spec
from gan_core.models.spectral_norm import spectral_norm

TAPS = (
    (0, 3, 24),
    (3, 5, 40),
    (5, 11, 112),
    (11, 16, 320),
)  # blocks from, to, channels: maps of s/4, s/8, s/16, s/32 px
LATERAL = (64, 128, 256, 512)  # channels after mixing across channels
MIXED = (64, 64, 128, 256)  # channels of the maps of s/2, s/4, s/8, s/16 px that the heads work on
HINT = 8  # size of the class embedding for the first layer of G: with 32 the images of a class soon looked alike
HEAD_WIDTHS = (2, 4, 8, 16)  # channels of a head at s/4, s/8, s/16, s/32 px, times width
PUBLISHED_WIDTHS = (64, 128, 256, 512)  # the same of the paper's heads
PUBLISHED_EMBED, PUBLISHED_MAPS = (
    128,
    64,
)  # size of its class embedding; features of a patch that are projected on the class


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1].

    The norms are conditional on the class and the noise, of equal length at the start. With the class alone, as in the paper, the
    class decided colours and texture and the noise only details, so each class drifted towards one image. The first layer receives
    the noise and a small class embedding: without it G used the class only late in the run (docs/recipes.md).
    With spec.published_layers the class goes to the norms alone and the noise to the first layer alone.
    """

    def __init__(self, spec: Spec):
        super().__init__()
        self.embed = ClassEmbedding(spec.num_classes, spec.z_dim)
        self.hint = None if spec.published_layers else ClassEmbedding(spec.num_classes, HINT)
        told = spec.z_dim if spec.published_layers else 2 * spec.z_dim
        norm = lambda features: ConditionalBatchNorm(told, features, spectral=spec.published_layers)
        self.net = FastGenerator(spec, spec.z_dim + (HINT if self.hint else 0), norm, double=False)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        z = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        if self.hint is None:
            return self.net(z, self.embed(y))
        return self.net(torch.cat([z, self.hint(y)], 1), torch.cat([self.embed(y), z], 1))


class Discriminator(nn.Module):
    """images [N, channels, S, S], y [N] -> logits [N, K] of four heads: K = 4 for features of 128 px, 64 of 224, 100 of 256."""

    auxiliary_weight_d, auxiliary_weight_g = 0.0, 0.0

    def __init__(self, spec: Spec):
        super().__init__()
        self.side = max(spec.feature_size, spec.size)
        self.trunk = FrozenBackbone(self.side)
        self.mix = RandomProjections()
        head = PublishedHead if spec.published_layers else Head
        self.heads = nn.ModuleList(head(i, 4 - level, spec) for level, i in enumerate(MIXED))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = x.expand(-1, 3, -1, -1)  # grey becomes R = G = B
        if x.shape[-1] != self.side:
            x = F.interpolate(x, size=(self.side, self.side), mode="bilinear")
        maps = self.mix(self.trunk(x.contiguous(memory_format=torch.channels_last)))
        return torch.cat([head(h, y) for head, h in zip(self.heads, maps, strict=True)], 1)

    def logits_and_auxiliary(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self(x, y), None


def parameters_to_buffers(net: nn.Module, saved: bool) -> None:
    """Turn the parameters of net into buffers, which are never trained; saved: whether checkpoints contain them."""
    for module in net.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, parameter.detach(), persistent=saved)


class FrozenBackbone(nn.Module):
    """images [N, 3, s, s] in [-1, 1] -> four maps. It has no batch norm and no dropout, so train and eval mode are the same."""

    def __init__(self, side: int):
        super().__init__()
        net = folded(package_state(), side)
        self.stem = nn.Sequential(net._conv_stem, net._swish)
        self.blocks = nn.ModuleList(nn.Sequential(*net._blocks[a:b]) for a, b, _ in TAPS)
        parameters_to_buffers(self, saved=False)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x, maps = self.stem(x), []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        return maps


class RandomProjections(nn.Module):
    """Maps of s/4 ... s/32 px -> maps of s/2 ... s/16 px, by random 1x1 convolutions that are not trained.

    Each map goes through a convolution, the coarser result is added, and the sum is projected again and doubled in size. The paper
    doubles first, which gives the same at four times the cost, as both are linear.
    """

    def __init__(self) -> None:
        super().__init__()
        self.across = nn.ModuleList(nn.Conv2d(i, o, 1) for (_, _, i), o in zip(TAPS, LATERAL, strict=True))
        self.down = nn.ModuleList(nn.Conv2d(i, o, 1) for i, o in zip(LATERAL, MIXED, strict=True))
        parameters_to_buffers(self, saved=True)

    def forward(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        out: list[torch.Tensor] = []
        for h, across, down in reversed(list(zip(maps, self.across, self.down, strict=True))):
            h = across(h)
            h = h + out[0] if out else h
            out.insert(0, F.interpolate(down(h), scale_factor=2.0, mode="bilinear", align_corners=True))
        return out


class Head(nn.Module):
    """[N, i, S, S], y [N] -> logits [N, k]: halved `halvings` times, then a logit for each patch."""

    def __init__(self, i: int, halvings: int, spec: Spec):
        super().__init__()
        plan = [i, *(w * spec.width for w in HEAD_WIDTHS[-halvings:])]
        self.downs = nn.Sequential(*(separable_half(a, b) for a, b in itertools.pairwise(plan)))
        self.grid = PatchProjectionHead(plan[-1], spec.num_classes)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.grid(self.downs(x), y)


def separable_half(i: int, o: int) -> nn.Module:
    """[N, i, S, S] -> [N, o, S/2, S/2]."""
    return nn.Sequential(
        spectral_layer(nn.Conv2d(i, i, 3, padding=1, groups=i, bias=False)),
        nn.AvgPool2d(2),
        spectral_layer(nn.Conv2d(i, o, 1, bias=False)),
        nn.BatchNorm2d(o),
        nn.LeakyReLU(0.2),
    )


class PublishedHead(nn.Module):
    """As Head, with dense convolutions. Without labels a convolution gives the logits, with them the projection on the class."""

    def __init__(self, i: int, halvings: int, spec: Spec):
        super().__init__()
        plan = [i, *PUBLISHED_WIDTHS[-halvings:]]
        self.downs = nn.Sequential(*(dense_half(a, b) for a, b in itertools.pairwise(plan)))
        self.labels = LabelProjection(spec.num_classes) if spec.num_classes > 1 else None
        self.look = spectral_norm(nn.Conv2d(plan[-1], PUBLISHED_MAPS if self.labels else 1, 4, bias=False))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = self.downs(x)
        with full_precision(x):
            maps = self.look(at_least_float32(x))  # [N, 64 or 1, s, s]
            return (maps[:, 0] if self.labels is None else self.labels(maps, y)).flatten(1)


class LabelProjection(nn.Module):
    """maps [N, 64, s, s], y [N] -> [N, s, s]: the inner product of each patch with a layer on the class embedding, over 8."""

    def __init__(self, num_classes: int):
        super().__init__()
        self.embed = ClassEmbedding(num_classes, PUBLISHED_EMBED)
        self.mapping = nn.Linear(PUBLISHED_EMBED, PUBLISHED_MAPS)

    def forward(self, maps: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        direction = F.leaky_relu(self.mapping(self.embed(y)), 0.2)
        return (maps * direction[:, :, None, None]).sum(1) / PUBLISHED_MAPS**0.5


def dense_half(i: int, o: int) -> nn.Module:
    """[N, i, S, S] -> [N, o, S/2, S/2]."""
    return nn.Sequential(spectral_norm(nn.Conv2d(i, o, 4, 2, 1)), nn.BatchNorm2d(o), nn.LeakyReLU(0.2))
