"""THE train step: one update of D, now and then one of G, one of the average. Every family and every loss goes through here.

What is not a game of two (an autoencoder, clusters) has a step of its own; GAMES names them all.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from gan_core.models import FAMILIES, Spec
from gan_core.models.guided import GuidedDiscriminator
from gan_core.models.layers import GROUP, ClassEmbedding
from gan_core.models.spectral_norm import spectral_norm
from gan_core.settings.families import TRAITS, can_be_guided
from gan_core.settings.schema import TrainConfig
from gan_core.training import ema, global_batch, optimizers
from gan_core.training.augment import ada
from gan_core.training.augment.diffaugment import augment
from gan_core.training.device import autocast
from gan_core.training.freeze import freeze, set_requires_grad
from gan_core.training.games import cycle, evolution
from gan_core.training.games.kmeans import kmeans
from gan_core.training.games.vae import vae
from gan_core.training.losses import LOSSES, label_smoothing_term, probabilities, undecided
from gan_core.training.optimizers import update
from gan_core.training.penalties import gradient_penalty, lecam, r1_penalty
from gan_core.training.state import State, Stats


def new_state(config: TrainConfig, *, size: int, channels: int, num_classes: int, device: torch.device) -> State:
    """Fresh networks and optimisers; seeds torch. size in px, channels 1 or 3."""
    torch.manual_seed(config.seed)
    spec = Spec.of(config, size=size, channels=channels, num_classes=num_classes)
    family = FAMILIES[config.family]
    G, D = family.Generator(spec), family.Discriminator(spec)
    if config.spectral_norm:
        projection: Any = getattr(D, "embed", None)
        for layer in list(D.modules()):
            # The class projection too, as in arXiv:1802.05637; one that starts at zero cannot be normed.
            projects = layer is projection and bool(projection.weight.any())
            if isinstance(layer, nn.Conv2d | nn.Linear) or projects:
                spectral_norm(layer)
    if config.guide and num_classes > 1 and can_be_guided(config.family):
        D = GuidedDiscriminator(D, spec, size)
    freeze(D, spec, config.freeze_d)
    G, D = (net.to(device).to(memory_format=torch.channels_last) for net in (G, D))
    G_ema = copy.deepcopy(G).requires_grad_(False).eval()
    opt_G, opt_D = optimizers.make(G, config.lr_G, config), optimizers.make(D, config.lr_D, config)
    memory = {"anchors": torch.zeros(2, device=device), "ada": torch.zeros(3, device=device)}
    memory["grown"] = torch.zeros(
        2, dtype=torch.int64
    )  # on the CPU: the newest size, and the images seen when it came in
    return State(G, D, G_ema, opt_G, opt_D, memory=memory)


def train_step(
    state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, progress: float = 0.0
) -> Stats:
    """real [N, C, S, S] in [-1, 1] at the networks' size, labels int64 [N]; progress: the share of the run done, in [0, 1].

    N is this process's part of the batch. Returns means as 0-d tensors on the device: no sync here.
    """
    schedule(state, config, progress)
    stats = GAMES[TRAITS[config.family].game](state, real, labels, config, progress)
    state.images_seen += len(real) * global_batch.world()[1]
    batch = len(real) * global_batch.world()[1]
    ema.update(state.G_ema, state.G, config.ema_images, state.images_seen - int(state.memory["grown"][1]), batch)
    return {name: value.detach() for name, value in stats.items()}


def schedule(state: State, config: TrainConfig, progress: float) -> None:
    """What changes over a run: learning rates, the labels' share, and whatever a family does by itself."""
    rate = optimizers.schedule_factor(config, progress, config.lr_end)
    optimizers.set_lr(state.opt_G, config.lr_G * rate)
    optimizers.set_lr(state.opt_D, config.lr_D * rate)
    for net in (state.G, state.D):
        for module in net.modules():
            if hasattr(module, "at"):
                remember_growth(state, module.at(progress))
            elif config.label_full and isinstance(module, ClassEmbedding):
                module.share.fill_(optimizers.label_weight(config, progress))


def remember_growth(state: State, size: int) -> None:
    """A new size has layers that never trained: the average of G starts its ramp again, or it would show them for long."""
    if size != int(state.memory["grown"][0]):
        state.memory["grown"].copy_(torch.tensor([size, state.images_seen]))


def adversarial(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, progress: float) -> Stats:
    """D against G. Fakes carry the labels of the reals, so both have the same class shares and a relativistic pair one label.

    Departs from R3GAN (arXiv:2501.05441), which draws fresh reals for G's step: here both steps see the same reals.
    """
    fake = make_fakes(state, labels, config)
    stats, real_logits = train_D(state, real, fake.detach(), labels, config, progress)
    if turn_of_G(state, config, len(real)):
        stats["loss_g"] = train_G(state, real, real_logits, fake if config.reuse_fakes else None, labels, config)
    return stats


def evolution_game(
    state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, progress: float
) -> Stats:
    """D against G, which learns by evolution."""
    stats, _ = train_D(state, real, make_fakes(state, labels, config, keep_graph=False), labels, config, progress)
    if turn_of_G(state, config, len(real)):
        stats |= evolution.evolve(state, real, labels, config, lambda images: changed(state, config, images))
    return stats


def cycle_game(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, progress: float) -> Stats:
    """D against a G that turns images of other classes into those of the batch."""
    state.G.fill_bank(real, labels)
    partner = cycle.partners(labels)
    with autocast(config, real.device):
        fake = state.G.translate(real[partner], labels).float()
    stats, _ = train_D(state, real, cycle.shown_to_D(state, fake, labels), labels, config, progress)
    if turn_of_G(state, config, len(real)):
        show = lambda images: changed(state, config, images)
        stats |= cycle.learn(state, real, fake, partner, labels, config, show)
    return stats


def turn_of_G(state: State, config: TrainConfig, n: int) -> bool:
    """Once in every d_steps steps."""
    return state.images_seen // (n * global_batch.world()[1]) % config.d_steps == config.d_steps - 1


def make_fakes(state: State, labels: torch.Tensor, config: TrainConfig, keep_graph: bool | None = None) -> torch.Tensor:
    """Fresh fakes [N, C, S, S] float32 of these labels; with their graph where G is to learn from them."""
    keep = config.reuse_fakes if keep_graph is None else keep_graph
    z = global_batch.randn(len(labels), config.z_dim, device=labels.device)
    with torch.set_grad_enabled(keep), autocast(config, labels.device):
        return state.G(z, labels).float()


def train_D(
    state: State,
    real: torch.Tensor,
    fake: torch.Tensor,
    labels: torch.Tensor,
    config: TrainConfig,
    progress: float = 0.0,
) -> tuple[Stats, torch.Tensor]:
    """One step of D: (stats, its logits of the reals before it). fake has no graph.

    R1 and R2 are on the gradient at the images before augmentation, which happens inside D's path; with ADA, which can be
    differentiated only once, at the images after it.
    """
    D, loss, n = state.D, LOSSES[config.loss], len(real)
    per_image = TRAITS[config.family].per_image
    steps = state.images_seen // (n * global_batch.world()[1])
    penalised = config.has_penalty and per_image and steps % config.penalty_every == 0
    slopes = penalised and config.penalty in ("r1", "r1+r2")
    set_requires_grad(state.opt_D, True)
    with autocast(config, real.device):
        if per_image:  # one batch for both
            both, both_labels = torch.cat([real, fake]), torch.cat([labels, labels])
            both = both.to(memory_format=torch.channels_last)
            # Reals and fakes are changed apart, so that several processes draw for each as one process would.
            change = lambda images: torch.cat([changed(state, config, part) for part in (images[:n], images[n:])])
            if config.augment == "ada":
                shown = both = change(both).requires_grad_(slopes)
            else:
                shown = change(both.requires_grad_(slopes))
            # Groups that do not divide the reals would hold reals and fakes alike, and tell D nothing.
            mixed = config.minibatch_std and n % GROUP
            passes = [(shown[:n], labels), (shown[n:], labels)] if mixed else [(shown, both_labels)]
            judged = [D.logits_and_auxiliary(*images) for images in passes]
            logits, side = torch.cat([logits for logits, _ in judged]), judged[0][1]
            real_logits, fake_logits = logits[:n].float(), logits[n:].float()
            side = None if side is None else side[:n]
        else:  # batch norm: each by itself
            real_logits, side = D.logits_and_auxiliary(changed(state, config, real), labels)
            real_logits, fake_logits = real_logits.float(), D(changed(state, config, fake), labels).float()
        d_loss = loss.d(real_logits, fake_logits)
        total = d_loss
        if config.label_smoothing or config.label_noise:
            noise = lambda: config.label_noise * global_batch.rand(*real_logits.shape, device=real.device)
            total = total + label_smoothing_term(
                real_logits, fake_logits, 1 - config.label_smoothing - noise(), noise()
            )
        if side is not None:
            total = total + D.auxiliary_weight_d * side.mean()
        if config.lecam:
            total = total + config.lecam * lecam(real_logits, fake_logits, state.memory["anchors"])
        d_real, d_fake = probabilities(loss, real_logits, fake_logits)
        stats = {"loss_d": d_loss, "d_real": d_real, "d_fake": d_fake}
        if config.augment == "ada":
            sure, batch = real_logits - undecided(config.loss, real_logits, fake_logits), n * global_batch.world()[1]
            stats["ada_p"] = ada.adapt(state.memory["ada"], sure, steps, batch, config.ada_target)
        if penalised:
            gamma = config.gamma * config.penalty_every * optimizers.schedule_factor(config, progress, config.gamma_end)
            if slopes:
                counted = logits if config.penalty == "r1+r2" else logits[:n]
                stats["penalty"] = r1_penalty(both, counted).sum() / n
                total = total + gamma / 2 * stats["penalty"]
            else:
                stats["penalty"] = gradient_penalty(D, real, fake, labels).mean()
                total = total + gamma * stats["penalty"]
    update(state.opt_D, total, config.clip_value)
    return stats, real_logits.detach()


def train_G(
    state: State,
    real: torch.Tensor,
    real_logits: torch.Tensor,
    fake: torch.Tensor | None,
    labels: torch.Tensor,
    config: TrainConfig,
) -> torch.Tensor:
    """One step of G on fresh fakes, or on those given with their graph. D is frozen: gradients flow through it, not into it."""
    D, loss = state.D, LOSSES[config.loss]
    set_requires_grad(state.opt_D, False)
    if fake is None:
        fake = make_fakes(state, labels, config, keep_graph=True)
    with autocast(config, real.device):
        if config.loss == "relativistic":
            with torch.no_grad():
                real_logits = D(changed(state, config, real), labels).float()
        if D.auxiliary_weight_g:
            logits, side = D.logits_and_auxiliary(changed(state, config, fake), labels)
            g_loss = loss.g(real_logits, logits.float())
            total = g_loss + D.auxiliary_weight_g * side.mean()
        else:
            total = g_loss = loss.g(real_logits, D(changed(state, config, fake), labels).float())
    update(state.opt_G, total, config.clip_value)
    return g_loss


def changed(state: State, config: TrainConfig, images: torch.Tensor) -> torch.Tensor:
    """Images as D is shown them."""
    if config.augment == "ada":
        return ada.pipe(images, state.memory["ada"][0])
    return augment(config.augment, images)


GAMES: dict[str, Callable[[State, torch.Tensor, torch.Tensor, TrainConfig, float], Stats]] = {
    "adversarial": adversarial,
    "evolution": evolution_game,
    "cycle": cycle_game,
    "vae": vae,
    "kmeans": kmeans,
}
