"""The step of the k-means baseline: each image of the batch moves the nearest center of its class."""

import torch

from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch
from gan_core.training.state import Kind, State, Stats


def kmeans(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, kind: Kind) -> Stats:
    """loss_g: mean squared difference of an image's pixels from the nearest center, pixels in [-1, 1]."""
    return {"loss_g": state.G.partial_fit(all_gather(real), all_gather(labels))}


def all_gather(mine: torch.Tensor) -> torch.Tensor:
    """The global batch from the parts of all processes, so that all have the same clusters."""
    rank, size = global_batch.world()
    if size == 1:
        return mine
    whole = torch.zeros(size, *mine.shape, dtype=torch.float64, device=mine.device)
    whole[rank] = mine
    return (global_batch.all_reduce_mean(whole) * size).round(decimals=9).to(mine.dtype).flatten(0, 1)
