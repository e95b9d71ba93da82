"""The second stage of a run that trains at a smaller size: its refiner learns to enlarge images to the dataset's size.

In every step the refiner takes an update on a part of the batch, so its share of a run is the same whether minutes, epochs or the
user end it, and a resumed run goes on with it. From real images it learns what their shrunk copies lack (mean absolute error); a
small discriminator of patches, conditioned on the class, asks for detail in those and in generated images (SRGAN, arXiv:1609.04802;
PatchGAN, arXiv:1611.07004; hinge loss). A generated image that is refined and shrunk again must remain what G drew.
"""

from dataclasses import dataclass
from typing import Any

import torch

from gan_core.models.refiner import PatchDiscriminator, RefinedGenerator, Refiner, shrink
from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch, optimizers
from gan_core.training.device import autocast
from gan_core.training.freeze import set_requires_grad
from gan_core.training.losses import LOSSES

PART = 8  # one image of so many in a step is shown to the refiner
DETAIL = 0.02  # weight of the patch discriminator beside the mean absolute error
RATE = 1e-3
SETTINGS = {"optimizer": "adam", "beta1": 0.5, "beta2": 0.99, "weight_decay": 0.0}  # of both optimizers


@dataclass
class RefinerState:
    """What the refiner's training has beside the refiner, which is a part of G."""

    D: PatchDiscriminator
    opt: torch.optim.Optimizer
    opt_D: torch.optim.Optimizer

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).state_dict() for name in ("D", "opt", "opt_D")}

    def load_state_dict(self, values: dict[str, Any]) -> None:
        for name in ("D", "opt", "opt_D"):
            getattr(self, name).load_state_dict(values[name])


def new_refiner_state(
    refiner: Refiner, config: TrainConfig, *, channels: int, num_classes: int, device: torch.device
) -> RefinerState:
    D = PatchDiscriminator(channels, num_classes).to(device).to(memory_format=torch.channels_last)
    settings = config.model_copy(update=SETTINGS)
    return RefinerState(D, optimizers.make(refiner, RATE, settings), optimizers.make(D, RATE, settings))


def refine(state: Any, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig) -> dict[str, torch.Tensor]:
    """One update of the refiner and of its discriminator. real [N, C, S, S] in [-1, 1] at the dataset's size, labels int64 [N]."""
    n = max(1, len(real) // PART)
    real, y = real[:n], labels[:n]
    G_ema: RefinedGenerator = state.G_ema
    refiner, training, hinge = state.G.refiner, state.refiner, LOSSES["hinge"]
    z = global_batch.randn(n, config.z_dim, device=real.device)
    set_requires_grad(training.opt_D, True)
    with autocast(config, real.device):
        small = shrink(real, config.train_size)
        with torch.no_grad():
            drawn = G_ema.small(z, y).float()
        twice = torch.cat([y, y])
        refined = refiner(torch.cat([small, drawn]), twice).float()
        loss_d = hinge.d(training.D(real, y).float(), training.D(refined.detach(), twice).float())
    optimizers.update(training.opt_D, loss_d)
    set_requires_grad(training.opt_D, False)
    with autocast(config, real.device):
        error = (refined[:n] - real).abs().mean()
        drift = (shrink(refined[n:], config.train_size) - drawn).abs().mean()
        detail = -training.D(refined, twice).float().mean()
    optimizers.update(training.opt, error + drift + DETAIL * detail)
    return {"refiner_error": error}
