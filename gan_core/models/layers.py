"""Building blocks that several families use."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.precision import at_least_float32, full_precision
from gan_core.models.spec import Spec
from gan_core.models.spectral_norm import Layer, spectral_norm

EMBED = 32  # channels of the class embedding in G


class ClassEmbedding(nn.Embedding):
    """y int64 [N] -> [N, d], times `share` in [0, 1], which label warm-up raises from 0 (arXiv:2201.06578).

    The share is a buffer, so that checkpoints and the averaged G contain it.
    """

    share: torch.Tensor

    def __init__(self, num_classes: int, d: int):
        super().__init__(num_classes, d)
        self.register_buffer("share", torch.ones([]))

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        return super().forward(y) * self.share

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        state_dict.setdefault(prefix + "share", torch.ones([]))  # checkpoints of version 0.1 have none
        super()._load_from_state_dict(state_dict, prefix, *args)


GROUP = 4  # images that are compared by minibatch standard deviation


class MinibatchStd(nn.Module):
    """[N, C, H, W] -> [N, C + 1, H, W]: adds the standard deviation within each group of images as a channel (arXiv:1710.10196).

    A group is `group` consecutive images, or the whole batch where its size is no multiple of `group`.
    """

    def __init__(self, group: int = GROUP):
        super().__init__()
        self.group = group

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, _, h, w = x.shape
        size = self.group if n % self.group == 0 else n
        grouped = at_least_float32(x).reshape(n // size, size, -1)
        std = (grouped.var(1, unbiased=False) + 1e-8).sqrt().mean(1)  # [groups]
        plane = std.repeat_interleave(size).view(n, 1, 1, 1).expand(n, 1, h, w)
        return torch.cat([x, plane.to(x.dtype)], 1)


class ConditionalDiscriminator(nn.Module, ABC):
    """A discriminator from `features(x) -> [N, F]` and a head: D(x, y) -> logits [N], higher is more real.

    condition "projection": linear(h) + <embed(y), h> (arXiv:1802.05637). "concat": a plane made from the label is one more channel
    of the image; linear(h). "auxiliary": linear(h), and a second head that classifies the image (arXiv:1610.09585). "mapped": a
    head of the subclass (stylegan2.py). A subclass calls super().__init__(spec, F) and builds its layers for self.in_channels
    channels. The heads have at least float32: a logit in bfloat16 has 8 bits, and the difference of two has fewer.
    """

    auxiliary_weight_d, auxiliary_weight_g = 0.0, 0.0  # of the auxiliary loss on reals in D's loss, on fakes in G's

    def __init__(self, spec: Spec, features: int):
        super().__init__()
        self.condition, self.size = spec.condition, spec.size
        self.in_channels = spec.channels + (spec.condition == "concat")
        self.head: nn.Module = nn.Linear(features, 1)
        if spec.condition == "projection":
            # Not scaled down: with a small projection D hardly uses the label, and G draws sharp images of the wrong class.
            self.embed = ClassEmbedding(spec.num_classes, features)
            nn.init.normal_(self.embed.weight, std=0.02)
        elif spec.condition == "concat":
            self.plane: nn.Module = ClassEmbedding(spec.num_classes, spec.size**2)
        elif spec.condition == "auxiliary":
            self.classify = nn.Linear(features, spec.num_classes)
            self.auxiliary_weight_d = 1.0
            self.auxiliary_weight_g = 0.1  # with full weight G would draw one typical image of each class

    @abstractmethod
    def features(self, x: torch.Tensor) -> torch.Tensor:
        """[N, in_channels, S, S] -> [N, F]."""

    def hidden(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.condition == "concat":
            x = torch.cat([x, self.plane(y).view(-1, 1, self.size, self.size).to(x.dtype)], 1)
        return self.features(x)

    def logit(self, h: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        with full_precision(h):
            h = at_least_float32(h)
            out = self.head(h)[:, 0]
            return out + (self.embed(y) * h).sum(1) if self.condition == "projection" else out

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.logit(self.hidden(x, y), y)

    def logits_and_auxiliary(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(logits, auxiliary loss of each image [N] or None)."""
        h = self.hidden(x, y)
        if self.condition != "auxiliary":
            return self.logit(h, y), None
        with full_precision(h):
            return self.logit(h, y), F.cross_entropy(self.classify(at_least_float32(h)), y, reduction="none")


def spectral_layer(layer: Layer) -> Layer:
    """The layer with weights from N(0, 0.02) and spectral norm, as everywhere in FastGAN."""
    nn.init.normal_(layer.weight, std=0.02)  # type: ignore[arg-type]
    return spectral_norm(layer)


class PatchProjectionHead(nn.Module):
    """h [N, F, s, s], y [N] -> logits [N, (s - 3)^2]: for each patch a logit and a projection on the class (arXiv:1802.05637).

    The projection uses MAPS features of a patch and is divided by sqrt(MAPS), so that it starts with the weight of the logit.
    Logits have at least float32, see ConditionalDiscriminator.
    """

    MAPS = 64

    def __init__(self, features: int, num_classes: int):
        super().__init__()
        self.plain = spectral_layer(nn.Conv2d(features, 1, 4))
        self.maps = spectral_layer(nn.Conv2d(features, self.MAPS, 4, bias=False))
        self.embed = ClassEmbedding(num_classes, self.MAPS)

    def forward(self, h: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        with full_precision(h):
            h = at_least_float32(h)
            projection = (self.maps(h) * self.embed(y)[:, :, None, None]).sum(1) / self.MAPS**0.5  # [N, s - 3, s - 3]
            return (self.plain(h)[:, 0] + projection).flatten(1)
