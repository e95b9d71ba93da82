"""Spectral norm (Miyato et al., arXiv:1802.05957): a layer's weight divided by its largest singular value.

Not torch.nn.utils.parametrizations.spectral_norm: that one estimates the singular value in bfloat16 under autocast on a GPU, this
one always in the precision of the weights.
"""

from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

Layer = TypeVar("Layer", bound=nn.Module)
FIRST_STEPS = 15  # power iterations at the start


class SpectralNorm(nn.Module):
    """weight [O, ...] -> weight / sigma; one power iteration a pass in training mode, none in eval()."""

    u: torch.Tensor  # [O], the left singular vector

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
            u = self.u.clone()  # the next pass changes it before the gradient of this pass is computed
            v = F.normalize(matrix.detach().T @ u, dim=0)
            return weight / (u @ (matrix @ v))


def spectral_norm(layer: Layer) -> Layer:
    """The layer itself, with spectral norm on its weight from now on."""
    parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight))  # type: ignore[arg-type]
    return layer


def renamed(state_dict: dict[str, Any]) -> dict[str, Any]:
    """A state dict with the keys of SpectralNorm; checkpoints of version 0.1 may have those of torch's own spectral norm."""
    own = {name: value for name, value in state_dict.items() if not name.endswith(".parametrizations.weight.0._v")}
    return {name.replace(".parametrizations.weight.0._u", ".parametrizations.weight.0.u"): own[name] for name in own}
