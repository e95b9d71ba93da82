"""The state of a run in training."""

from dataclasses import dataclass, field
from typing import Any

import torch

Stats = dict[str, torch.Tensor]  # 0-d, on the device


@dataclass
class State:
    """Everything that training changes. A checkpoint is this plus the random number generators.

    memory: small tensors that a penalty, an augmentation or a game keeps from step to step.
    """

    G: Any  # networks by the contract of models/__init__.py
    D: Any
    G_ema: Any
    opt_G: torch.optim.Optimizer
    opt_D: torch.optim.Optimizer
    images_seen: int = 0
    elapsed_seconds: float = 0.0
    memory: dict[str, torch.Tensor] = field(default_factory=dict)
