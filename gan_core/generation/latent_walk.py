"""A latent walk: small steps from one generated image to another, or from one class to another.

Latent codes lie near a sphere, and a straight line between two of them leaves it, where the generator was never trained.
So the walk follows the sphere (slerp, arXiv:1609.04468). Class embeddings are interpolated linearly.
"""

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from gan_core.generation.sampling import BATCH, device_of, to_pixels
from gan_core.models.layers import ClassEmbedding


def slerp(a: np.ndarray, b: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """a, b [D], shares [N] in [0, 1] -> float32 [N, D] from a to b; the length changes linearly from that of a to that of b.

    A straight line where the arc is not unique (a zero vector, the same or the opposite direction).
    """
    a, b, t = a.astype(np.float64), b.astype(np.float64), np.asarray(shares, np.float64)[:, None]
    lengths = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    line = (1 - t) * a + t * b
    if min(lengths) == 0:
        return line.astype(np.float32)
    u, v = a / lengths[0], b / lengths[1]
    angle = np.arccos(np.clip(u @ v, -1, 1))
    if np.sin(angle) < 1e-6:
        return line.astype(np.float32)
    arc = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    return (arc * ((1 - t) * lengths[0] + t * lengths[1])).astype(np.float32)


@contextlib.contextmanager
def mixed_labels(G: nn.Module, other: torch.Tensor, shares: torch.Tensor) -> Iterator[None]:
    """Inside, every class embedding of G for labels y [N] is interpolated with that of `other` [N]; shares [N] in [0, 1]."""

    def mix(module: nn.Module, _: object, own: torch.Tensor) -> torch.Tensor:
        assert isinstance(module, ClassEmbedding)
        theirs = F.embedding(other, module.weight) * module.share
        return torch.lerp(own, theirs.to(own.dtype), shares[:, None].to(own.dtype))

    hooks = [module.register_forward_hook(mix) for module in G.modules() if isinstance(module, ClassEmbedding)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def walk(
    G: nn.Module, ends: tuple[np.ndarray, np.ndarray], labels: tuple[int, int], frames: int, *, size: int
) -> np.ndarray:
    """ends: two latent codes [D]; labels: their classes -> uint8 [frames, size, size, C], from the first end to the last."""
    device = device_of(G)
    shares = np.linspace(0, 1, frames)
    z, parts = slerp(*ends, shares), []
    for first in range(0, frames, BATCH):
        part = slice(first, first + BATCH)
        codes, share = (torch.from_numpy(a[part].astype(np.float32)).to(device) for a in (z, shares))
        y, other = (torch.full((len(codes),), label, dtype=torch.int64, device=device) for label in labels)
        with mixed_labels(G, other, share):
            parts.append(to_pixels(G(codes, y).float(), size))
    return np.concatenate(parts)
