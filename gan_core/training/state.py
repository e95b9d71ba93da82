"""The state of a run in training."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from gan_core.models.layers import ClassEmbedding
from gan_core.models.spectral_norm import SpectralWeight, spectral_weights
from gan_core.training import ema

Stats = dict[str, torch.Tensor]  # 0-d, on the device


class Kind(NamedTuple):
    """What a step consists of. Steps of one kind run the same operations on tensors of the same shapes: one CUDA graph serves all.

    adapts: ADA changes p. path_length: G's update has path length regularization. growth: what at() of each module that grows
    returned.
    """

    penalized: bool = False
    turn_of_G: bool = True
    adapts: bool = False
    path_length: bool = False
    growth: tuple[tuple[int, bool], ...] = ()


class StepValues:
    """The numbers that change from step to step, as 0-d float32 tensors on the device.

    A CUDA graph reads them anew at each replay; a Python number would stay what it was when the graph was captured. One copy a step
    fills them all, from pinned memory on a GPU, so that nothing waits.
    """

    NAMES = ("lr_G", "lr_D", "gamma", "label_share", "ema_share", "divergence_weight")
    lr_G: torch.Tensor
    lr_D: torch.Tensor
    gamma: torch.Tensor  # weight of the penalty in a step that has one
    label_share: torch.Tensor  # see ClassEmbedding
    ema_share: torch.Tensor  # see ema.share
    divergence_weight: torch.Tensor  # of the VAE

    def __init__(self, device: torch.device) -> None:
        self.all = torch.zeros(len(self.NAMES), device=device)
        for name, value in zip(self.NAMES, self.all, strict=True):
            setattr(self, name, value)

    def fill(self, **values: float) -> None:
        """Set all of them. The allocator of pinned memory keeps the source until the copy is done."""
        numbers = torch.tensor([values[name] for name in self.NAMES], pin_memory=self.all.is_cuda)
        self.all.copy_(numbers, non_blocking=True)


class Parts(NamedTuple):
    """Parts of the networks that every step touches; a walk over all modules takes longer than a small step's arithmetic."""

    grow: list[Callable[[float], tuple[int, bool]]]  # at(progress) of modules that grow, see models/__init__.py
    label_shares: list[torch.Tensor]
    spectral: list[SpectralWeight]
    averaged: ema.Pairs


@dataclass
class State:
    """Everything that training changes. A checkpoint is this plus the random number generators.

    memory: small tensors that a penalty, an augmentation or a game keeps from step to step. values: of the current step, no part of
    a checkpoint.
    """

    G: Any  # networks by the contract of models/__init__.py
    D: Any
    G_ema: Any
    opt_G: torch.optim.Optimizer
    opt_D: torch.optim.Optimizer
    images_seen: int = 0
    elapsed_seconds: float = 0.0
    memory: dict[str, torch.Tensor] = field(default_factory=dict)
    opt_refiner: torch.optim.Optimizer | None = None  # of G.refiner, in a run that trains at a smaller size
    values: StepValues = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.values = StepValues(next(iter(self.G_ema.state_dict().values())).device)

    @functools.cached_property
    def parts(self) -> Parts:
        """Found once, at the first step: from then on no module, weight or buffer is replaced, only filled."""
        modules = [module for net in (self.G, self.D) for module in net.modules()]
        return Parts(
            grow=[module.at for module in modules if hasattr(module, "at")],
            label_shares=[module.share for module in modules if isinstance(module, ClassEmbedding)],
            spectral=[*spectral_weights(self.G), *spectral_weights(self.D)],
            averaged=ema.pairs(self.G_ema, self.G),
        )
