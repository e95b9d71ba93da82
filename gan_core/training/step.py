"""THE train step: one update of D, one of G, one of the average. Every family and every loss goes through here."""

import copy
from dataclasses import dataclass

import torch
from torch import nn

from gan_core.config import TrainConfig
from gan_core.models import FAMILIES
from gan_core.training import ema
from gan_core.training.augment import augment
from gan_core.training.losses import LOSSES, probabilities
from gan_core.training.penalties import squared_gradients


@dataclass
class State:
    """Everything that training changes. A checkpoint is this plus the random number generators."""

    G: nn.Module
    D: nn.Module
    G_ema: nn.Module
    opt_G: torch.optim.Optimizer
    opt_D: torch.optim.Optimizer
    images_seen: int = 0
    elapsed_seconds: float = 0.0


def new_state(config: TrainConfig, *, size: int, channels: int, num_classes: int, device: torch.device) -> State:
    """Fresh networks and optimisers; seeds torch. size in px, channels 1 or 3."""
    torch.manual_seed(config.seed)
    family = FAMILIES[config.family]
    G = family.Generator(size, channels, num_classes, config.z_dim, config.width)
    D = family.Discriminator(size, channels, num_classes, config.width)
    G, D = (net.to(device).to(memory_format=torch.channels_last) for net in (G, D))
    adam = lambda net, lr: torch.optim.Adam(net.parameters(), lr=lr, betas=(config.beta1, config.beta2), fused=True)
    return State(G, D, copy.deepcopy(G).requires_grad_(False).eval(), adam(G, config.lr_G), adam(D, config.lr_D))


def train_step(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig) -> dict[str, torch.Tensor]:
    """real [N, C, H, W] in [-1, 1] at the networks' inner size, labels int64 [N].

    Fakes carry the labels of the reals, so both have the same class shares and a relativistic pair has one label.
    Departs from R3GAN (arXiv:2501.05441), which draws fresh reals for G's step: here both steps see the same reals. The penalty
    is on the gradient at the images before augmentation, which happens inside D's path.
    Returns 0-d tensors on the device: no sync here.
    """
    G, D, loss = state.G, state.D, LOSSES[config.loss]
    n = len(real)
    noise = lambda: torch.randn(n, config.z_dim, device=real.device)

    # D: raise the logits of reals over those of fakes. One batch for both: D has no batch norm.
    D.requires_grad_(True)
    with torch.no_grad():
        fake = G(noise(), labels)
    both, both_labels = torch.cat([real, fake]), torch.cat([labels, labels])
    both = both.to(memory_format=torch.channels_last).requires_grad_(config.gamma > 0)
    logits = D(augment(config.augment, both), both_labels)
    real_logits, fake_logits = logits[:n], logits[n:]
    d_loss = loss.d(real_logits, fake_logits)
    penalty = squared_gradients(both, logits).sum() / n if config.gamma > 0 else d_loss.new_zeros([])  # R1 + R2
    update(state.opt_D, d_loss + config.gamma / 2 * penalty)

    # G: D is frozen; gradients flow through it, not into it.
    D.requires_grad_(False)
    fake = G(noise(), labels)
    with torch.no_grad():
        real_logits_now = D(augment(config.augment, real), labels) if loss.relativistic else real_logits
    update(state.opt_G, g_loss := loss.g(real_logits_now, D(augment(config.augment, fake), labels)))

    state.images_seen += n
    ema.update(state.G_ema, G, config.ema_images, state.images_seen, n)
    d_real, d_fake = probabilities(loss, real_logits, fake_logits)
    stats = {"loss_d": d_loss, "loss_g": g_loss, "penalty": penalty, "d_real": d_real, "d_fake": d_fake}
    return {name: value.detach() for name, value in stats.items()}


def update(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
