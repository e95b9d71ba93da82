"""StyleGAN2-lite (Karras et al., arXiv:1912.04958): a mapping network, convolutions modulated by style, noise, skip connections
to the image in G and residual ones in D; every change of size is filtered by [1, 3, 3, 1].

w is as long as z. Departs from the paper: z is not normalised, so that truncation of the noise works as it does elsewhere, nor is
the class embedding, so that its share counts; two styles are mixed image by image; no path length penalty.
"""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.equalized import EqualConv, EqualLinear, channels, leaky, sides
from gan_core.models.layers import ClassEmbedding, ConditionalDiscriminator, MinibatchStd
from gan_core.models.resample import Filter
from gan_core.models.spec import Spec

MAPPING_RATE = 0.01  # learning rate of the mapping, as a share of G's
MIXING = 0.9  # share of the training images that are drawn with two styles


class Modulated(nn.Module):
    """A convolution whose weights are scaled by a style for each input channel and, `demodulated`, brought back to unit length.

    x [N, i, H, W], w [N, d] -> [N, o, H, W], or of twice the side where it `doubles`. Scaling what goes in and what comes out is
    the same as scaling the weights, and needs one convolution for the whole batch.
    """

    def __init__(self, i: int, o: int, d: int, k: int = 3, demodulated: bool = True, doubles: bool = False):
        super().__init__()
        self.style = EqualLinear(d, i, bias=1.0)
        self.weight = nn.Parameter(torch.randn(o, i, k, k))
        self.gain, self.padding, self.demodulated = 1 / (k * math.sqrt(i)), k // 2, demodulated
        self.smooth = Filter(padding=1, gain=4.0) if doubles else None

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        s, weight = self.style(w), self.weight * self.gain
        x = x * s[:, :, None, None].to(x.dtype)
        if self.smooth is None:
            x = F.conv2d(x, weight, padding=self.padding)
        else:
            x = self.smooth(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        if self.demodulated:
            length = s.square() @ weight.square().sum([2, 3]).T  # [N, o], squared
            x = x * (length + 1e-8).rsqrt()[:, :, None, None].to(x.dtype)
        return x


class Layer(nn.Module):
    """Modulated convolution, noise, bias, LeakyReLU. Noise is fresh in training, one fixed map at rest."""

    still: torch.Tensor

    def __init__(self, i: int, o: int, d: int, side: int, doubles: bool = False):
        super().__init__()
        self.conv = Modulated(i, o, d, doubles=doubles)
        self.strength, self.bias = nn.Parameter(torch.zeros([])), nn.Parameter(torch.zeros(o))
        self.register_buffer("still", torch.randn(1, 1, side, side))

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        x = self.conv(x, w)
        # Several processes draw the same maps here, each for its part of the batch: their number generators stay in step, but
        # together they do not see what one process alone would.
        noise = torch.randn(len(x), 1, *x.shape[2:], device=x.device) if self.training else self.still
        return leaky(x + (self.strength * noise).to(x.dtype) + self.bias[:, None, None].to(x.dtype))


class ToImage(nn.Module):
    """[N, i, S, S], w -> [N, channels, S, S]."""

    def __init__(self, i: int, channels: int, d: int):
        super().__init__()
        self.conv, self.bias = Modulated(i, channels, d, k=1, demodulated=False), nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return self.conv(x, w).float() + self.bias[:, None, None]


class Mapping(nn.Module):
    """z [N, d], y [N] -> w [N, d]."""

    def __init__(self, num_classes: int, d: int):
        super().__init__()
        self.embed = ClassEmbedding(num_classes, d)
        self.first, self.second = EqualLinear(2 * d, d, rate=MAPPING_RATE), EqualLinear(d, d, rate=MAPPING_RATE)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return leaky(self.second(leaky(self.first(torch.cat([z, self.embed(y)], 1)))))


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in about [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        d, levels = spec.z_dim, sides(spec.size)
        widths = [channels(side, spec.width) for side in levels]
        self.mapping = Mapping(spec.num_classes, d)
        self.start = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.first = Layer(widths[0], widths[0], d, 4)
        self.ups = nn.ModuleList(Layer(i, o, d, s, doubles=True) for (i, o), s in pairs(widths, levels))
        self.convs = nn.ModuleList(Layer(o, o, d, s) for (_, o), s in pairs(widths, levels))
        self.to_image = nn.ModuleList(ToImage(c, spec.channels, d) for c in widths)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        w = self.styles(z, y)  # one for each layer
        x = self.first(self.start.expand(z.shape[0], -1, -1, -1), w[0])
        image = self.to_image[0](x, w[1])
        for k, (up, conv, to_image) in enumerate(zip(self.ups, self.convs, self.to_image[1:], strict=True)):
            x = conv(up(x, w[2 * k + 1]), w[2 * k + 2])
            image = F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)  # is [1, 3, 3, 1]
            image = image + to_image(x, w[2 * k + 3])
        return image

    def styles(self, z: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
        """w [N, d] for each layer; in training most images change to another z's style from some layer on."""
        w, layers = self.mapping(z, y), 2 * len(self.ups) + 2
        if not self.training:
            return [w] * layers
        # torch's own draws: the same in each of several processes, see Layer.
        other = self.mapping(torch.randn_like(z), y)
        change = torch.randint(1, layers, (len(z), 1), device=z.device)
        change = torch.where(torch.rand(len(z), 1, device=z.device) < MIXING, change, layers)
        return [torch.where(change <= layer, other, w) for layer in range(layers)]


def pairs(widths: list[int], levels: list[int]) -> list[tuple[tuple[int, int], int]]:
    """((channels before, channels after), px after) of each doubling."""
    return list(zip(itertools.pairwise(widths), levels[1:], strict=True))


class DownBlock(nn.Module):
    """[N, i, S, S] -> [N, o, S/2, S/2], residual."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.conv1, self.conv2 = EqualConv(i, i), EqualConv(i, o, stride=2, padding=0)
        self.shortcut = EqualConv(i, o, k=1, bias=False)
        self.smooth, self.halve = Filter(padding=2), Filter(padding=1, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = leaky(self.conv2(self.smooth(leaky(self.conv1(x)))))
        return (h + self.shortcut(self.halve(x))) * math.sqrt(0.5)


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, S, S], y [N] -> logits [N]."""

    def __init__(self, spec: Spec):
        widths = [channels(side, spec.width) for side in sides(spec.size)[::-1]]  # from fine to coarse
        last = widths[-1]
        super().__init__(spec, last)
        self.from_image = EqualConv(self.in_channels, widths[0], k=1)
        self.blocks = nn.Sequential(*(DownBlock(i, o) for i, o in itertools.pairwise(widths)))
        self.variety = MinibatchStd() if spec.minibatch_std else nn.Identity()
        self.conv, self.dense = EqualConv(last + spec.minibatch_std, last), EqualLinear(last * 16, last)
        self.head = EqualLinear(last, 1)
        nn.init.normal_(self.embed.weight, std=1 / math.sqrt(last))  # <embed(y), h> / sqrt(F)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        h = self.blocks(leaky(self.from_image(x)))
        return leaky(self.dense(leaky(self.conv(self.variety(h))).flatten(1)))
