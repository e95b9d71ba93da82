"""The random numbers of ADA: what each of N images draws, and whether it is changed at all."""

from typing import NamedTuple

import torch

from gan_core.training import global_batch

Chance = float | torch.Tensor


class Luck(NamedTuple):
    """Draws for n images in the precision `dtype`; p: the probability of each change, for each image."""

    n: int
    p: Chance
    device: torch.device
    dtype: torch.dtype

    @classmethod
    def of(cls, x: torch.Tensor, p: Chance) -> "Luck":
        """Draws for the images x [N, ...]."""
        return cls(len(x), p, x.device, x.dtype)

    def uniform(self, *shape: int) -> torch.Tensor:
        return global_batch.rand(self.n, *shape, device=self.device).to(self.dtype)

    def normal(self, *shape: int) -> torch.Tensor:
        return global_batch.randn(self.n, *shape, device=self.device).to(self.dtype)

    def pick(self, changed: torch.Tensor, neutral: float, p: Chance | None = None) -> torch.Tensor:
        """changed [N, ...] with probability p for each image, else neutral."""
        chance = self.uniform(*[1] * (changed.ndim - 1))
        return changed.masked_fill(chance >= (self.p if p is None else p), neutral)
