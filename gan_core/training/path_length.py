"""Path length regularization of a G with styles (Karras et al., arXiv:1912.04958): equal steps in the styles shall change images
equally everywhere."""

from typing import Any

import torch

from gan_core.models.precision import full_precision
from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch

DECAY = 0.01  # of the running mean of lengths
SHRINK = 2  # the share of the batch that it is computed on is one in so many


def regularization(G: Any, labels: torch.Tensor, config: TrainConfig, mean: torch.Tensor) -> torch.Tensor:
    """What an update of G adds to its loss where the regularization is due: weight * interval * mean squared deviation, 0-d.

    mean: 0-d, the running mean of lengths, updated in place. Computed without autocast, like every sum of squared gradients.
    """
    some = labels[::SHRINK]
    with full_precision(mean):
        styles = G.styles(global_batch.randn(len(some), config.z_dim, device=labels.device), some)
        images = G.synthesis(styles)
        noise = global_batch.randn(*images.shape, device=labels.device)
        deviations = squared_deviations(images, styles, noise, mean)
    return config.path_length * config.path_length_every * deviations.mean()


def squared_deviations(
    images: torch.Tensor, styles: torch.Tensor, noise: torch.Tensor, mean: torch.Tensor
) -> torch.Tensor:
    """(length of d <images, noise> / d styles - its running mean)^2, [N]; the length is the root mean square over the layers.

    images [N, C, S, S] from styles [N, layers, d]; noise N(0, 1) like the images; mean: 0-d, updated in place.
    """
    scale = (images.shape[2] * images.shape[3]) ** -0.5
    (gradient,) = torch.autograd.grad((images * noise).sum() * scale, styles, create_graph=True)
    lengths = gradient.square().sum(2).mean(1).sqrt()
    moved = torch.lerp(mean, lengths.mean().to(mean.dtype), DECAY)
    mean.copy_(global_batch.all_reduce_mean(moved.detach()))
    return (lengths - moved).square()
