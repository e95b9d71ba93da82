"""Spectral norm (Miyato et al., arXiv:1802.05957): a layer's weight divided by its largest singular value.

Not torch.nn.utils.parametrizations.spectral_norm: that one estimates the singular value in bfloat16 under autocast on a GPU, this
one always in the precision of the weights.
"""

from typing import Any, NamedTuple, TypeVar

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

Layer = TypeVar("Layer", bound=nn.Module)
FIRST_STEPS = 15  # power iterations at the start


class SpectralNorm(nn.Module):
    """weight [O, ...] -> weight / sigma. sigma follows the weight by power iterations, of which each train step takes one.

    axis: which one counts as O. Of a transposed convolution, whose weight is [I, O, ...], other libraries take 1.
    """

    u: torch.Tensor  # [O], the left singular vector

    def __init__(self, weight: torch.Tensor, axis: int = 0):
        super().__init__()
        self.axis = axis
        self.register_buffer("u", F.normalize(torch.randn(weight.shape[axis]), dim=0))
        for _ in range(FIRST_STEPS):
            self.iterate(weight)

    @torch.no_grad()
    def iterate(self, weight: torch.Tensor) -> None:
        matrix = rows_of(weight.transpose(0, self.axis))
        self.u.copy_(F.normalize(matrix @ F.normalize(matrix.T @ self.u, dim=0), dim=0))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = rows_of(weight.transpose(0, self.axis))
            v = F.normalize(matrix.detach().T @ self.u, dim=0)
            return weight / (self.u @ (matrix @ v))


def rows_of(weight: torch.Tensor) -> torch.Tensor:
    """weight [O, ...] as a matrix [O, M], a view where it is channels_last; the order of columns has no effect on sigma."""
    in_order = weight.ndim != 4 or weight.is_contiguous()
    return (weight if in_order else weight.permute(0, 2, 3, 1)).flatten(1)


class SpectralWeight(NamedTuple):
    norm: SpectralNorm
    weight: torch.Tensor  # before it is divided

    def iterate(self) -> None:
        self.norm.iterate(self.weight)


def spectral_weights(net: nn.Module) -> list[SpectralWeight]:
    """Every weight of the network that has spectral norm."""
    found = [module for module in net.modules() if isinstance(module, parametrize.ParametrizationList)]
    return [
        SpectralWeight(norm, weights.original)
        for weights in found
        for norm in weights
        if isinstance(norm, SpectralNorm)
    ]


def spectral_norm(layer: Layer, axis: int = 0) -> Layer:
    """The layer itself, with spectral norm on its weight from now on. axis: see SpectralNorm."""
    parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight, axis))  # type: ignore[arg-type]
    return layer


def renamed(state_dict: dict[str, Any]) -> dict[str, Any]:
    """A state dict with the keys of SpectralNorm; checkpoints of version 0.1 may have those of torch's own spectral norm."""
    own = {name: value for name, value in state_dict.items() if not name.endswith(".parametrizations.weight.0._v")}
    return {name.replace(".parametrizations.weight.0._u", ".parametrizations.weight.0.u"): own[name] for name in own}
