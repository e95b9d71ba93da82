"""StyleGAN2-lite (Karras et al., arXiv:1912.04958): a mapping network, convolutions modulated by style, noise, skip connections
to the image in G and residual ones in D; every change of size is filtered by [1, 3, 3, 1].

w is as long as z. With the settings of the papers (docs/recipes.md, "Against the papers' code") the networks compute what
stylegan2-ada-pytorch computes (arXiv:2006.06676). By default z is not normalised, so that truncation of the noise works as it does
elsewhere, nor is the class embedding; the mapping has two layers; the borders of a doubled image are repeated. Always: styles are
mixed image by image, and a group of minibatch standard deviation is of consecutive images.

Under autocast mapping, styles, demodulation, the coarse sizes and what follows D's blocks keep the precision of their weights.
"""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.equalized import EqualConv, EqualLinear, channels, leaky, sides
from gan_core.models.layers import ClassEmbedding, ConditionalDiscriminator, MinibatchStd
from gan_core.models.precision import at_least_float32, fails_in_bfloat16, full_precision, is_coarse, precision_at
from gan_core.models.resample import Adjoint, Filter
from gan_core.models.spec import Spec

MAPPING_RATE = 0.01  # learning rate of the mapping, as a share of G's
CLASS_LAYERS = 8  # of D's mapping of the class


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
        with full_precision(x):
            s, weight = self.style(w), self.weight * self.gain
        x = x * s[:, :, None, None].to(x.dtype)
        if fails_in_bfloat16(weight):
            with full_precision(x):
                x = F.conv2d(at_least_float32(x), weight)
        elif self.smooth is None:
            x = F.conv2d(x, weight, padding=self.padding)
        else:
            x = self.smooth(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        if self.demodulated:
            with full_precision(x):
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
        return at_least_float32(self.conv(x, w)) + self.bias[:, None, None]


def normalized(x: torch.Tensor) -> torch.Tensor:
    """[N, d], each row scaled to a mean square of 1."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class NormalizedEmbedding(ClassEmbedding):
    """A class embedding of mean square 1, times the share of the labels."""

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        return normalized(nn.Embedding.forward(self, y)) * self.share


class Mapping(nn.Module):
    """z [N, d], y [N] -> w [N, d].

    With spec.normalize_z both z and the class embedding are normalised, and without labels z comes alone, as in the paper.
    """

    def __init__(self, spec: Spec):
        super().__init__()
        d, self.normalize_z = spec.z_dim, spec.normalize_z
        self.embed: ClassEmbedding | None = None
        if spec.num_classes > 1 or not spec.normalize_z:
            self.embed = (NormalizedEmbedding if spec.normalize_z else ClassEmbedding)(spec.num_classes, d)
        self.first = EqualLinear(d if self.embed is None else 2 * d, d, rate=MAPPING_RATE)
        self.second = EqualLinear(d, d, rate=MAPPING_RATE)
        self.more = nn.ModuleList(EqualLinear(d, d, rate=MAPPING_RATE) for _ in range(spec.mapping_layers - 2))

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        with full_precision(z):
            z = normalized(z) if self.normalize_z else z
            h = z if self.embed is None else torch.cat([z, self.embed(y)], 1)
            for layer in [self.first, self.second, *self.more]:
                h = leaky(layer(h))
        return h


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in about [-1, 1]."""

    def __init__(self, spec: Spec):
        super().__init__()
        d, levels = spec.z_dim, sides(spec.size)
        widths = [channels(side, spec.width) for side in levels]
        self.size, self.mixing = spec.size, spec.mixing
        self.mapping = Mapping(spec)
        self.start = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.first = Layer(widths[0], widths[0], d, 4)
        self.ups = nn.ModuleList(Layer(i, o, d, s, doubles=True) for (i, o), s in pairs(widths, levels))
        self.convs = nn.ModuleList(Layer(o, o, d, s) for (_, o), s in pairs(widths, levels))
        self.to_image = nn.ModuleList(ToImage(c, spec.channels, d) for c in widths)
        self.doubled = DoubledImage(spec.image_border)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.synthesis(self.styles(z, y))

    def synthesis(self, styles: torch.Tensor) -> torch.Tensor:
        """styles [N, layers, d] -> images. The layer to an image and the next one that doubles have one style in common."""
        w = styles.unbind(1)
        with full_precision(styles):
            x = self.first(self.start.expand(styles.shape[0], -1, -1, -1), w[0])
            image = self.to_image[0](x, w[1])
        for k, (up, conv, to_image) in enumerate(zip(self.ups, self.convs, self.to_image[1:], strict=True)):
            with precision_at(8 << k, self.size, styles):
                x = conv(up(x, w[2 * k + 1]), w[2 * k + 2])
                image = self.doubled(image) + to_image(x, w[2 * k + 3])
        return image

    def styles(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """w for each layer, [N, layers, d]; in training most images change to another z's style from some layer on."""
        w, layers = self.mapping(z, y)[:, None], 2 * len(self.ups) + 2
        if not (self.training and self.mixing):
            return w.expand(-1, layers, -1)
        # torch's own draws: the same in each of several processes, see Layer.
        other = self.mapping(torch.randn_like(z), y)[:, None]
        change = torch.randint(1, layers, (len(z), 1), device=z.device)
        change = change.masked_fill(torch.rand(len(z), 1, device=z.device) >= self.mixing, layers)
        later = change <= torch.arange(layers, device=z.device)  # [N, layers]
        return torch.where(later[:, :, None], other, w)


class DoubledImage(nn.Module):
    """[N, C, S, S] -> [N, C, 2S, 2S] by the filter [1, 3, 3, 1], in the precision of the image; border "repeat" or "zero"."""

    kernel: torch.Tensor

    def __init__(self, border: str):
        super().__init__()
        self.border = border
        self.register_buffer("kernel", Filter(padding=1, gain=4.0).kernel, persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if self.border == "repeat":
            return F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)  # is [1, 3, 3, 1]
        with full_precision(image):
            return Adjoint.apply(image, self.kernel, 2, 1)


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


class MappedClass(nn.Module):
    """y [N] -> [N, d]: the class embedding, normalised, through a mapping of its own."""

    def __init__(self, num_classes: int, d: int):
        super().__init__()
        self.embed = NormalizedEmbedding(num_classes, d)
        self.layers = nn.ModuleList(EqualLinear(d, d, rate=MAPPING_RATE) for _ in range(CLASS_LAYERS))

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        h = self.embed(y)
        for layer in self.layers:
            h = leaky(layer(h))
        return h


class Discriminator(ConditionalDiscriminator):
    """images [N, channels, S, S], y [N] -> logits [N].

    condition "mapped", as in the papers' code: <linear(h), mapping(y)> / sqrt(F), and without labels linear(h) alone.
    """

    def __init__(self, spec: Spec):
        widths = [channels(side, spec.width) for side in sides(spec.size)[::-1]]  # from fine to coarse
        last = widths[-1]
        super().__init__(spec, last)
        self.from_image = EqualConv(self.in_channels, widths[0], k=1)
        self.blocks = nn.Sequential(*(DownBlock(i, o) for i, o in itertools.pairwise(widths)))
        self.variety = MinibatchStd() if spec.minibatch_std else nn.Identity()
        self.conv, self.dense = EqualConv(last + spec.minibatch_std, last), EqualLinear(last * 16, last)
        self.mapped = (
            MappedClass(spec.num_classes, last) if self.condition == "mapped" and spec.num_classes > 1 else None
        )
        self.head = EqualLinear(last, 1 if self.mapped is None else last)
        if self.condition == "projection":
            nn.init.normal_(self.embed.weight, std=1 / math.sqrt(last))  # <embed(y), h> / sqrt(F)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        h = leaky(self.from_image(x))
        for level, block in enumerate(self.blocks):
            side = self.size >> level
            with precision_at(side, self.size, h):
                h = block(at_least_float32(h) if is_coarse(side, self.size) else h)
        with full_precision(h):
            h = self.variety(at_least_float32(h))
            return leaky(self.dense(leaky(self.conv(h)).flatten(1)))

    def logit(self, h: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.mapped is None:
            return super().logit(h, y)
        with full_precision(h):
            return (self.head(h) * self.mapped(y)).sum(1) / math.sqrt(h.shape[1])
