"""FastGAN, for a few hundred images (Liu et al., arXiv:2101.04775): D is also trained to reconstruct the real images.

Departs from the paper: reconstruction by mean absolute error, not LPIPS, which would need another network; the second encoder sees
an image of half the size, where the paper's G draws one of its own for it. By default D has no excitation and at most 8 x width
channels; with spec.published_layers the layers are those of the paper's code, which draws no images below 256 px: there those of
the larger sizes are left out. The paper has no labels: here G takes the class beside the noise, and D by a projection for each
patch (arXiv:1802.05637).
"""

import itertools
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.fast_generator import FastGenerator, SkipLayerExcitation, Stage, layer_of
from gan_core.models.layers import EMBED, ClassEmbedding, PatchProjectionHead, spectral_layer
from gan_core.models.spec import Spec
from gan_core.models.spectral_norm import spectral_norm

D_WIDTHS = {128: 1, 64: 2, 32: 4, 16: 8, 8: 8}  # channels of D at that many px, times width
DECODER_WIDTHS = {16: 4.0, 32: 2.0, 64: 1.0, 128: 0.5}  # channels of the decoders at that many px, times width
# Of the paper's D at that many px, times width; of the encoder that sees the smaller image half of it. Channels of its decoders.
PUBLISHED_WIDTHS = {256: 0.25, 128: 0.5, 64: 1.0, 32: 2.0, 16: 4.0, 8: 8.0}
PUBLISHED_DECODER = {16: 128, 32: 64, 64: 64, 128: 32}


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        self.embed = ClassEmbedding(spec.num_classes, EMBED)
        bias = not spec.published_layers
        self.net = FastGenerator(spec, spec.z_dim + EMBED, nn.BatchNorm2d, double=True, image_bias=bias)
        if spec.published_layers:
            scatter_gains(self)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        c = self.embed(y)
        return self.net(torch.cat([z, c], 1), c)


class Discriminator(nn.Module):
    """images [N, channels, S, S], y [N] -> logits [N, 50]: 5 x 5 patches of the image and of the image at half its size."""

    auxiliary_weight_d, auxiliary_weight_g = 1.0, 0.0  # only real images are reconstructed

    def __init__(self, spec: Spec):
        super().__init__()
        self.published = spec.published_layers
        near, far = (int(PUBLISHED_WIDTHS[side] * spec.width) if self.published else 8 * spec.width for side in (8, 16))
        self.near, self.far = encoders(spec)
        self.near_head, self.far_head = heads(spec, near, far)
        self.draw_near, self.draw_far, self.draw_part = (Decoder(i, spec) for i in (near, far, far))
        if self.published:
            scatter_gains(self)

    def halved(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, ::2, ::2] if self.published else F.avg_pool2d(x, 2)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.logits(self.near(x)[-1], self.far(self.halved(x))[-1], y)

    def logits(self, near: torch.Tensor, far: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.near_head(near, y), self.far_head(far, y)], 1)

    def logits_and_auxiliary(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(logits, mean absolute error [N] of the reconstructions: from both encoders, and of one quarter in full detail)."""
        smaller = self.halved(x)
        (*_, wide, near), (*_, far) = self.near(x), self.far(smaller)
        quarter = torch.randint(4, (1,), device=x.device)
        pairs = (
            (self.draw_near(near), smaller),
            (self.draw_far(far), smaller),
            (self.draw_part(cut(wide, quarter)), cut(x, quarter)),
        )
        errors = [(drawn - wanted).abs().mean([1, 2, 3]) for drawn, wanted in pairs]
        return self.logits(near, far, y), torch.stack(errors).sum(0)


def encoders(spec: Spec) -> tuple[nn.Module, nn.Module]:
    """Of the image, and of the image at half its size."""
    if spec.published_layers:
        return ExcitedEncoder(spec), PlainEncoder(spec)
    return Encoder(spec, spec.size), Encoder(spec, spec.size // 2)


def heads(spec: Spec, near: int, far: int) -> tuple[nn.Module, nn.Module]:
    """near, far: channels of the two encoders at 8 px."""
    if spec.published_layers:
        return PatchHead(near, spec.num_classes, 2 * near, spectral_norm), PatchProjectionHead(far, spec.num_classes)
    return PatchHead(near, spec.num_classes), PatchHead(far, spec.num_classes)


def cut(x: torch.Tensor, quarter: torch.Tensor) -> torch.Tensor:
    """[N, C, S, S], int64 [1] in 0..3 -> [N, C, S/2, S/2]: the same quarter of all images, without a device sync."""
    n, c, side, _ = x.shape
    tiles = x.reshape(n, c, 2, side // 2, 2, side // 2).transpose(3, 4).reshape(n, c, 4, side // 2, side // 2)
    return tiles.index_select(2, quarter)[:, :, 0]


class Encoder(nn.Module):
    """[N, channels, side, side] -> maps of side/2, ..., 16, 8 px."""

    def __init__(self, spec: Spec, side: int):
        super().__init__()
        plan = [D_WIDTHS[s] * spec.width for s in D_WIDTHS if s < side]
        self.first = nn.Sequential(
            spectral_layer(nn.Conv2d(spec.channels, plan[0], 4, 2, 1, bias=False)), nn.LeakyReLU(0.2)
        )
        self.downs = nn.ModuleList(Down(i, o) for i, o in itertools.pairwise(plan))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        maps = [self.first(x)]
        for down in self.downs:
            maps.append(down(maps[-1]))
        return maps


class Down(nn.Module):
    """[N, i, S, S] -> [N, o, S/2, S/2]: the mean of two convolutions and of average pooling with a 1x1 convolution."""

    def __init__(self, i: int, o: int, layer: Callable[[nn.Conv2d], nn.Conv2d] = spectral_layer):
        super().__init__()
        self.main = nn.Sequential(*convolution(i, o, 4, 2, 1, layer), *convolution(o, o, 3, 1, 1, layer))
        self.short = nn.Sequential(nn.AvgPool2d(2), *convolution(i, o, 1, 1, 0, layer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.main(x) + self.short(x)) / 2


def convolution(
    i: int, o: int, kernel: int, stride: int, padding: int, layer: Callable[[nn.Conv2d], nn.Conv2d] = spectral_layer
) -> list[nn.Module]:
    conv = layer(nn.Conv2d(i, o, kernel, stride, padding, bias=False))
    return [conv, nn.BatchNorm2d(o), nn.LeakyReLU(0.2)]


def without_norm(i: int, o: int, kernel: int, stride: int, layer: Callable[[nn.Conv2d], nn.Conv2d]) -> nn.Module:
    return nn.Sequential(layer(nn.Conv2d(i, o, kernel, stride, 1, bias=False)), nn.LeakyReLU(0.2))


class ExcitedEncoder(nn.Module):
    """[N, channels, S, S] -> maps of S, S/2, ..., 8 px, as in the paper's code: a map scales the channels of that of an eighth."""

    def __init__(self, spec: Spec):
        super().__init__()
        plan = {side: max(4, int(w * spec.width)) for side, w in PUBLISHED_WIDTHS.items() if side <= spec.size}
        self.first = without_norm(spec.channels, plan[spec.size], 3, 1, spectral_norm)
        self.downs = nn.ModuleList(Down(i, o, spectral_norm) for i, o in itertools.pairwise(plan.values()))
        self.gates = nn.ModuleDict(
            {
                str(side): SkipLayerExcitation(plan[8 * side], c, spectral_norm)
                for side, c in plan.items()
                if 8 * side in plan
            }
        )

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        maps = [self.first(x)]
        for down in self.downs:
            h = down(maps[-1])
            side = str(h.shape[-1])
            maps.append(h * self.gates[side](maps[-3]) if side in self.gates else h)
        return maps


class PlainEncoder(nn.Module):
    """[N, channels, S/2, S/2] -> maps of S/4, ..., 8 px, as in the paper's code."""

    def __init__(self, spec: Spec):
        super().__init__()
        plan = [max(4, int(w * spec.width / 2)) for side, w in PUBLISHED_WIDTHS.items() if side <= spec.size // 4]
        self.first = without_norm(spec.channels, plan[0], 4, 2, spectral_norm)
        self.downs = nn.ModuleList(
            nn.Sequential(*convolution(i, o, 4, 2, 1, spectral_norm)) for i, o in itertools.pairwise(plan)
        )

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        maps = [self.first(x)]
        for down in self.downs:
            maps.append(down(maps[-1]))
        return maps


@torch.no_grad()
def scatter_gains(net: nn.Module) -> None:
    """Gains of batch norm from N(1, 0.02), the only start that the paper's code sets in effect."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.normal_(1.0, 0.02)


class PatchHead(nn.Module):
    """[N, F, 8, 8], y [N] -> logits [N, 25]."""

    def __init__(
        self,
        features: int,
        num_classes: int,
        mixed: int | None = None,
        layer: Callable[[nn.Conv2d], nn.Conv2d] = spectral_layer,
    ):
        """mixed: features after the 1x1 convolution, as many as before it by default."""
        super().__init__()
        mixed = mixed or features
        self.mix = nn.Sequential(*convolution(features, mixed, 1, 1, 0, layer))
        self.head = PatchProjectionHead(mixed, num_classes)

    def forward(self, h: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.head(self.mix(h), y)


class Decoder(nn.Module):
    """[N, i, 8, 8] -> an image [N, channels, S/2, S/2] in [-1, 1]."""

    def __init__(self, i: int, spec: Spec):
        super().__init__()
        layer, sides = layer_of(spec), [side for side in DECODER_WIDTHS if side <= spec.size // 2]
        widths = PUBLISHED_DECODER if spec.published_layers else DECODER_WIDTHS
        scale = 1 if spec.published_layers else spec.width
        plan = [i, *(max(4, int(widths[side] * scale)) for side in sides)]
        self.stages = nn.ModuleList(Stage(a, b, nn.BatchNorm2d, False, layer) for a, b in itertools.pairwise(plan))
        self.to_image = layer(nn.Conv2d(plan[-1], spec.channels, 3, padding=1, bias=not spec.published_layers))

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        for stage in self.stages:
            h = stage(h)
        return self.to_image(h).tanh()
