"""K-means, the weakest baseline: each class has `width` cluster means, drawn in few colours. Nothing new is generated.

Mini-batch k-means (Sculley, WWW 2010) like scikit-learn's MiniBatchKMeans, but with its state in buffers, so that a run resumes
exactly. Departs from it: the first images of a class are its first centres. training/games/kmeans.py is its training step.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.spec import Spec

COLOURS = 8  # of one image
ROUNDS = 5  # of k-means over an image's colours


class Generator(nn.Module):
    """z [N, z_dim], y [N] -> images [N, channels, S, S] in [-1, 1]; z[:, 0] picks a cluster in proportion to its images."""

    centres: torch.Tensor
    counts: torch.Tensor

    def __init__(self, spec: Spec):
        super().__init__()
        self.shape, self.clusters = (spec.channels, spec.size, spec.size), spec.width
        self.register_buffer("centres", torch.zeros(spec.num_classes * spec.width, math.prod(self.shape)))
        self.register_buffer("counts", torch.zeros(spec.num_classes, spec.width, dtype=torch.int64))

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        counts = self.counts[y]
        below = counts.cumsum(1) / counts.sum(1, keepdim=True).clamp(min=1)  # [N, clusters]
        share = torch.special.ndtr(z[:, :1].float()).clamp(max=1 - 1e-6)
        cluster = (share >= below).sum(1).clamp(max=self.clusters - 1)
        return few_colours(self.centres[y * self.clusters + cluster].view(-1, *self.shape))

    @torch.no_grad()
    def partial_fit(self, images: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """images [N, channels, S, S], y [N] -> their mean squared distance for each pixel from the nearest centre.

        An image becomes a centre while its class has fewer than `width`; else the nearest centre of its class moves towards it by
        1 / (number of its images).
        """
        x, rows = images.flatten(1).float(), torch.arange(len(self.centres), device=y.device)
        of_class = (
            y[:, None] == torch.arange(len(self.counts), device=y.device)
        ).long()  # F.one_hot looks at the values of y
        among_its_class = (of_class.cumsum(0) - 1).gather(1, y[:, None])[:, 0]
        slot = (self.counts > 0).sum(1)[y] + among_its_class
        is_centre = slot < self.clusters
        slot = y * self.clusters + slot.clamp(max=self.clusters - 1)
        self.centres.index_add_(0, slot, x * is_centre[:, None])  # an empty centre is zero
        self.counts.view(-1).index_add_(0, slot, is_centre.long())
        elsewhere = (rows // self.clusters != y[:, None]) | (self.counts.view(-1) == 0)
        distance, nearest = torch.cdist(x, self.centres).masked_fill(elsewhere, math.inf).min(1)
        moves = ~is_centre
        self.counts.view(-1).index_add_(0, nearest, moves.long())
        pull = moves / self.counts.view(-1)[nearest]
        self.centres.index_add_(0, nearest, (x - self.centres[nearest]) * pull[:, None])
        return distance.square().mean() / x.shape[1]


def few_colours(images: torch.Tensor) -> torch.Tensor:
    """[N, C, H, W] -> the same in at most COLOURS colours an image, by k-means from evenly spaced tones; no random numbers."""
    pixels = images.flatten(2).transpose(1, 2)  # [N, P, C]
    tone = pixels.mean(2)  # [N, P]
    low, high = tone.amin(1, keepdim=True), tone.amax(1, keepdim=True)
    wanted = low + (high - low) * torch.linspace(0, 1, COLOURS, device=images.device)  # [N, COLOURS]
    start = (tone[:, None] - wanted[:, :, None]).abs().argmin(2)
    colours = pixels.gather(1, start[:, :, None].expand(-1, -1, pixels.shape[2]))  # [N, COLOURS, C]
    for _ in range(ROUNDS):
        near = F.one_hot(torch.cdist(pixels, colours).argmin(2), COLOURS).to(pixels.dtype)  # [N, P, COLOURS]
        total = near.sum(1)[:, :, None]
        colours = torch.where(total > 0, near.transpose(1, 2) @ pixels / total.clamp(min=1), colours)
    index = torch.cdist(pixels, colours).argmin(2)[:, :, None].expand_as(pixels)
    return colours.gather(1, index).transpose(1, 2).reshape(images.shape)


class NoDiscriminator(nn.Module):
    """Stands in for the discriminator, which k-means does not have."""

    def __init__(self, spec: Spec):
        super().__init__()
