"""The step of a variational autoencoder (arXiv:1312.6114): encode, sample, decode. There is no discriminator.

The variance of the pixels is computed in closed form, so the two terms need no weight (sigma-VAE, Rybkin et al.,
arXiv:2006.13202). The KL divergence is warmed up over the first tenth of the run. Departs from the paper: pixels are not
independent, so ONE_IN of them count as one. With all counted, the divergence of digits of 32 px was 149 nats after 450 steps, far
from the prior, and labels had no effect; with one in 16 it is 21 nats and each class is drawn.
"""

import math

import torch

from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch, optimizers
from gan_core.training.device import autocast
from gan_core.training.state import Kind, State, Stats

WARM_UP = 0.1  # of the run
ONE_IN = 16  # neighboring pixels, 4 x 4
LEAST_ERROR = (2 / 255) ** 2 / 12  # of rounding to 8 bits


def vae(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, kind: Kind) -> Stats:
    """loss_g: mean squared error of the reconstructions, pixels in [-1, 1]; loss_d: KL divergence in nats an image."""
    with autocast(config, real.device):
        mean, log_variance = (part.float() for part in state.D(real, labels))
        z = mean + (log_variance / 2).exp() * global_batch.randn(len(real), config.z_dim, device=real.device)
        decoded = state.G(z, labels).float()
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2
    error = (decoded - real).square().mean()
    # The gradient of P/2 log(error); the error of all processes together is the variance.
    reconstruction = (
        math.prod(real.shape[1:]) / ONE_IN / 2 * error / (global_batch.all_reduce_mean(error.detach()) + LEAST_ERROR)
    )
    for optimizer in (state.opt_G, state.opt_D):
        optimizer.zero_grad(set_to_none=True)
    (reconstruction + state.values.divergence_weight * divergence).backward()
    for optimizer in (state.opt_G, state.opt_D):
        optimizers.step(optimizer, config.clip_value)
    return {"loss_d": divergence, "loss_g": error}
