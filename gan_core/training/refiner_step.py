"""The second stage of a run that trains at a smaller size: its refiner learns to enlarge images to the dataset's size.

In every step the refiner takes an update on a part of the batch, so its share of a run is the same whether minutes, epochs or the
user end it, and a resumed run goes on with it. It learns from real images what their shrunk copies lack: the mean by the mean
absolute error, and the strength of the noise by the likelihood of a Laplace distribution of what the mean lacks in the finest
diagonal band of the Haar transform; the noise, which is normal, then has the standard deviation of that distribution.
"""

from typing import Any

import torch
from torch.nn import functional as F

from gan_core.models.refiner import Refiner, shrink
from gan_core.settings.schema import TrainConfig
from gan_core.training import optimizers
from gan_core.training.device import autocast

PART = 8  # one image of so many in a step is shown to the refiner
TEXTURE = 0.05  # weight of the likelihood beside the mean absolute error
RATE = 1e-3
DEVIATION = 2**0.5  # standard deviation of a Laplace distribution beside its mean absolute value
LEAST = 1e-3  # of that deviation: a tenth of a grey level; without it a uniform area would have no finite likelihood
SETTINGS = {"optimizer": "adam", "beta1": 0.5, "beta2": 0.99, "weight_decay": 0.0}


def optimizer_of(refiner: Refiner, config: TrainConfig, device: torch.device) -> torch.optim.Optimizer:
    optimizer = optimizers.make(refiner, RATE, config.model_copy(update=SETTINGS))
    optimizers.read_rate_from(optimizer, torch.zeros((), device=device))
    return optimizer


def refine(state: Any, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig) -> dict[str, torch.Tensor]:
    """One update of the refiner. real [N, C, S, S] in [-1, 1] at the dataset's size, labels int64 [N]."""
    real, y = (
        real[::PART],
        labels[::PART],
    )  # the same images in one process and in several whose shares are multiples of PART
    with autocast(config, real.device):
        mean, strength = state.G.refiner(shrink(real, config.train_size), y)
    error = (mean.float() - real).abs().mean()
    lack = finest_diagonal(real - mean.float()).abs().detach()
    strength = F.avg_pool2d(strength.float(), 2)[:, 0]
    unlikeliness = (strength + (DEVIATION * lack + LEAST) * (-strength).exp()).mean()
    optimizers.update(state.opt_refiner, error + TEXTURE * unlikeliness)
    return {"refiner_error": error}


def finest_diagonal(images: torch.Tensor) -> torch.Tensor:
    """[N, C, S, S] -> [N, S / 2, S / 2]: the diagonal band of one level of the Haar transform of the mean of the channels."""
    x = images.mean(1)
    return (x[:, ::2, ::2] - x[:, ::2, 1::2] - x[:, 1::2, ::2] + x[:, 1::2, 1::2]) / 2
