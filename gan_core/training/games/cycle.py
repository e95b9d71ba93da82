"""How G learns in CycleGAN (Zhu et al., arXiv:1703.10593): there and back gives the same image, and so does staying.

Every image of the batch gets a partner of another class, which is turned into the image's class: fakes carry the labels of the
reals, as in any other game.
"""

from collections.abc import Callable

import torch

from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch
from gan_core.training.device import autocast
from gan_core.training.freeze import set_requires_grad
from gan_core.training.losses import LOSSES
from gan_core.training.optimizers import update
from gan_core.training.state import State, Stats

CYCLE, SAME = 10.0, 5.0  # weights of the two mean absolute errors beside the loss through D


def partners(labels: torch.Tensor) -> torch.Tensor:
    """labels [N] -> the index of a random image of another class for each; of any where the batch has but one class."""
    wish = global_batch.rand(len(labels), len(labels), device=labels.device) + (labels[:, None] != labels)
    return wish.argmax(1)


def shown_to_D(state: State, fake: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The fakes, some of them exchanged for earlier ones."""
    order = torch.randperm(len(state.D.pool), device=labels.device)
    return state.D.swap_with_pool(fake.detach(), labels, order, global_batch.rand(len(labels), device=labels.device))


def learn(
    state: State,
    real: torch.Tensor,
    fake: torch.Tensor,
    partner: torch.Tensor,
    labels: torch.Tensor,
    config: TrainConfig,
    show: Callable[[torch.Tensor], torch.Tensor],
) -> Stats:
    """One step of G. fake: real[partner] turned into labels, with its graph; show: what is done to images before D."""
    set_requires_grad(state.opt_D, False)
    with autocast(config, real.device):
        judged = state.D(show(fake), labels).float()
        back = state.G.translate(fake, labels[partner]).float()
        same = state.G.translate(real, labels).float()
    stats = {
        "loss_g": LOSSES[config.loss].g(judged, judged),
        "loss_cycle": (back - real[partner]).abs().mean(),
        "loss_same": (same - real).abs().mean(),
    }
    update(state.opt_G, stats["loss_g"] + CYCLE * stats["loss_cycle"] + SAME * stats["loss_same"], config.clip_value)
    return stats
