"""G's step in E-GAN (Wang et al., arXiv:1803.00657): three losses give three children of G, and the fittest is kept.

Fitness = quality + LAMBDA * diversity = mean log D(G(z)) - LAMBDA * log |gradient of D's loss in D's weights|. One survivor
(mu = 1). Departs from the paper: quality is the log of D's probability, because where D(G(z)) is near 0 for all children,
diversity alone would choose, and choose the child that D recognizes best; fitness is measured on one batch, not on 256 images;
D learns from fresh fakes of the survivor.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import softplus

from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch
from gan_core.training.device import autocast
from gan_core.training.freeze import set_requires_grad
from gan_core.training.losses import LOSSES
from gan_core.training.optimizers import update
from gan_core.training.state import State, Stats

MUTATIONS = ("minimax", "nonsaturating", "least-squares")
LAMBDA = 0.01  # weight of diversity

Change = Callable[[torch.Tensor], torch.Tensor]


def evolve(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, show: Change) -> Stats:
    """One generation of G and its Adam state. show: the augmentation before D.

    All children are trained on the same latent codes and evaluated on the same other ones. The survivor is chosen on the
    device, without waiting for it. loss_g is the survivor's non-saturating loss, which can be compared over time.
    """
    D, G = state.D, state.G
    noise = [global_batch.randn(len(labels), config.z_dim, device=labels.device) for _ in range(2)]

    def discriminate(images: torch.Tensor) -> torch.Tensor:
        with autocast(config, real.device):
            return D(show(images), labels).float()

    def draw(z: torch.Tensor) -> torch.Tensor:
        with autocast(config, real.device):
            return G(z, labels).float()

    set_requires_grad(state.opt_D, True)
    on_reals = gradients(softplus(-discriminate(real)).mean(), D)
    parent = copies(inheritance(state))
    children: list[list[torch.Tensor]] = []
    fitness, losses = [], []
    for name in MUTATIONS:
        put(state, parent)
        set_requires_grad(state.opt_D, False)
        logits = discriminate(draw(noise[0]))
        update(state.opt_G, LOSSES[name].g(logits, logits), config.clip_value)
        children.append(copies(inheritance(state)))
        set_requires_grad(state.opt_D, True)
        with torch.no_grad():
            fake = draw(noise[1])
        logits = discriminate(fake)
        on_fakes = gradients(softplus(logits).mean(), D)
        gradient_norm = (
            torch.stack([(a + b).square().sum() for a, b in zip(on_reals, on_fakes, strict=True)]).sum().sqrt()
        )
        quality = -softplus(-logits.detach()).mean()
        fitness.append(global_batch.all_reduce_mean(quality - LAMBDA * (gradient_norm + 1e-12).log()))
        losses.append(softplus(-logits.detach()).mean())
    best = torch.stack(fitness).argmax()
    put(state, [pick(values, best) for values in zip(*children, strict=True)])
    won = (torch.arange(len(MUTATIONS), device=best.device) == best).float()
    stats = {f"mutation_{name.replace('-', '_')}": share for name, share in zip(MUTATIONS, won, strict=True)}
    return {"loss_g": pick(losses, best), **stats}


def inheritance(state: State) -> list[torch.Tensor]:
    """The tensors of a child: the weights of G and the state of their optimizer."""
    parameters = list(state.G.parameters())
    return [
        *parameters,
        *(value for p in parameters if p in state.opt_G.state for value in state.opt_G.state[p].values()),
    ]


def copies(values: list[torch.Tensor]) -> list[torch.Tensor]:
    return [value.detach().clone() for value in values]


@torch.no_grad()
def put(state: State, values: list[torch.Tensor]) -> None:
    """Set G and its Adam state to `values`. The state of an optimizer that had not stepped before becomes zero."""
    mine = inheritance(state)
    for own, value in zip(mine, values, strict=False):
        own.copy_(value)
    for own in mine[len(values) :]:
        own.zero_()


def pick(values: list[torch.Tensor] | tuple[torch.Tensor, ...], best: torch.Tensor) -> torch.Tensor:
    """values[best] without waiting for the device; step counts are equal in all children and may lie on the CPU."""
    if values[0].device != best.device:
        return values[0]
    return torch.stack(list(values)).index_select(0, best.view(1))[0]


def gradients(loss: torch.Tensor, D: nn.Module) -> list[torch.Tensor]:
    """The gradient of the loss at each trainable weight of D."""
    parameters = [p for p in D.parameters() if p.requires_grad]
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [
        torch.zeros_like(p) if gradient is None else gradient for p, gradient in zip(parameters, found, strict=True)
    ]
