"""G's step in CycleGAN (Zhu et al., arXiv:1703.10593): adversarial, cycle-consistency and identity loss.

Each image of the batch gets a partner of another class, which G translates into the image's class; so fakes have the labels of
the reals, as in the other games.
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

CYCLE, IDENTITY = 10.0, 5.0  # weights of the two mean absolute errors, beside the adversarial loss


def partners(labels: torch.Tensor) -> torch.Tensor:
    """labels [N] -> the index of a random image of another class for each; of any class where the batch has only one."""
    wish = global_batch.rand(len(labels), len(labels), device=labels.device) + (labels[:, None] != labels)
    return wish.argmax(1)


def shown_to_D(state: State, fake: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The fakes, some of them replaced by earlier ones from D's image pool."""
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
    """One step of G. fake: real[partner] translated into `labels`, with its graph; show: the augmentation before D."""
    set_requires_grad(state.opt_D, False)
    with autocast(config, real.device):
        logits = state.D(show(fake), labels).float()
        back = state.G.translate(fake, labels[partner]).float()
        same = state.G.translate(real, labels).float()
    stats = {
        "loss_g": LOSSES[config.loss].g(logits, logits),
        "loss_cycle": (back - real[partner]).abs().mean(),
        "loss_same": (same - real).abs().mean(),
    }
    update(
        state.opt_G, stats["loss_g"] + CYCLE * stats["loss_cycle"] + IDENTITY * stats["loss_same"], config.clip_value
    )
    return stats
