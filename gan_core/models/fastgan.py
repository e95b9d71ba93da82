"""FastGAN, for a few hundred images (Liu et al., arXiv:2101.04775): D is also trained to reconstruct the real images.

Departs from the paper: reconstruction by mean absolute error, not LPIPS, which would need another network; the hinge loss without
random margins; no excitation inside D; channels of D at most 8 x width. The paper has no labels: here G takes the class beside
the noise, and D by a projection for each patch (arXiv:1802.05637).
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.fast_generator import FastGenerator, Stage
from gan_core.models.layers import EMBED, ClassEmbedding, PatchProjectionHead, spectral_layer
from gan_core.models.spec import Spec

D_WIDTHS = {128: 1, 64: 2, 32: 4, 16: 8, 8: 8}  # channels of D at that many px, times width
DECODER_WIDTHS = {16: 4.0, 32: 2.0, 64: 1.0, 128: 0.5}  # channels of the decoders at that many px, times width


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        self.embed = ClassEmbedding(spec.num_classes, EMBED)
        self.net = FastGenerator(spec, spec.z_dim + EMBED, nn.BatchNorm2d, double=True)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        c = self.embed(y)
        return self.net(torch.cat([z, c], 1), c)


class Discriminator(nn.Module):
    """images [N, channels, S, S], y [N] -> logits [N, 50]: 5 x 5 patches of the image and of the image at half its size."""

    auxiliary_weight_d, auxiliary_weight_g = 1.0, 0.0  # only real images are reconstructed

    def __init__(self, spec: Spec):
        super().__init__()
        self.near, self.far = Encoder(spec, spec.size), Encoder(spec, spec.size // 2)
        self.near_head, self.far_head = (PatchHead(8 * spec.width, spec.num_classes) for _ in range(2))
        self.draw_near, self.draw_far, self.draw_part = (Decoder(spec) for _ in range(3))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.logits(self.near(x)[-1], self.far(F.avg_pool2d(x, 2))[-1], y)

    def logits(self, near: torch.Tensor, far: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.near_head(near, y), self.far_head(far, y)], 1)

    def logits_and_auxiliary(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(logits, mean absolute error [N] of the reconstructions: from both encoders, and of one quarter in full detail)."""
        smaller = F.avg_pool2d(x, 2)
        (*_, wide, near), (*_, far) = self.near(x), self.far(smaller)
        quarter = torch.randint(4, (1,), device=x.device)
        pairs = (
            (self.draw_near(near), smaller),
            (self.draw_far(far), smaller),
            (self.draw_part(cut(wide, quarter)), cut(x, quarter)),
        )
        errors = [(drawn - wanted).abs().mean([1, 2, 3]) for drawn, wanted in pairs]
        return self.logits(near, far, y), torch.stack(errors).sum(0)


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

    def __init__(self, i: int, o: int):
        super().__init__()
        self.main = nn.Sequential(*convolution(i, o, 4, 2, 1), *convolution(o, o, 3, 1, 1))
        self.short = nn.Sequential(nn.AvgPool2d(2), *convolution(i, o, 1, 1, 0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.main(x) + self.short(x)) / 2


def convolution(i: int, o: int, kernel: int, stride: int, padding: int) -> list[nn.Module]:
    conv = spectral_layer(nn.Conv2d(i, o, kernel, stride, padding, bias=False))
    return [conv, nn.BatchNorm2d(o), nn.LeakyReLU(0.2)]


class PatchHead(nn.Module):
    """[N, F, 8, 8], y [N] -> logits [N, 25]."""

    def __init__(self, features: int, num_classes: int):
        super().__init__()
        self.mix = nn.Sequential(*convolution(features, features, 1, 1, 0))
        self.head = PatchProjectionHead(features, num_classes)

    def forward(self, h: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.head(self.mix(h), y)


class Decoder(nn.Module):
    """[N, 8 * width, 8, 8] -> an image [N, channels, S/2, S/2] in [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        plan = [
            8 * spec.width,
            *(max(4, int(w * spec.width)) for s, w in DECODER_WIDTHS.items() if s <= spec.size // 2),
        ]
        self.stages = nn.ModuleList(Stage(i, o, nn.BatchNorm2d, double=False) for i, o in itertools.pairwise(plan))
        self.to_image = spectral_layer(nn.Conv2d(plan[-1], spec.channels, 3, padding=1))

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        for stage in self.stages:
            h = stage(h)
        return self.to_image(h).tanh()
