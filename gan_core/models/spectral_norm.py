"""Spectral norm (Miyato et al., arXiv:1802.05957): a layer's weight divided by its largest singular value.

torch has one too, whose estimate is taken in bfloat16 where autocast covers matrix times vector, as on a GPU. This one never is.
"""

from typing import TypeVar

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

Layer = TypeVar("Layer", bound=nn.Module)
FIRST_STEPS = 15  # power iterations at the start


class Spectral(nn.Module):
    """weight [O, ...] -> weight / sigma; one power iteration a pass in training mode, none in eval()."""

    u: torch.Tensor

    def __init__(self, weight: torch.Tensor):
        super().__init__()
        self.register_buffer("u", F.normalize(torch.randn(len(weight)), dim=0))
        for _ in range(FIRST_STEPS):
            self.iterate(weight.detach().flatten(1))

    @torch.no_grad()
    def iterate(self, matrix: torch.Tensor) -> None:
        self.u.copy_(F.normalize(matrix @ F.normalize(matrix.T @ self.u, dim=0), dim=0))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            if self.training:
                self.iterate(matrix)
            u = self.u.clone()  # the next pass moves it before this one's gradient is taken
            v = F.normalize(matrix.detach().T @ u, dim=0)
            return weight / (u @ (matrix @ v))


def spectral(layer: Layer) -> Layer:
    """The layer itself, its weight normed from now on."""
    parametrize.register_parametrization(layer, "weight", Spectral(layer.weight))  # type: ignore[arg-type]
    return layer
