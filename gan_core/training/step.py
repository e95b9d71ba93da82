"""The train step: an update of D, of G once in d_steps steps, and of the average of G. Every family and every loss uses it.

Families without a discriminator (autoencoder, k-means) have a step of their own; GAMES lists them all.
"""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

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
    """Fresh networks and optimizers; seeds torch. size in px, channels 1 or 3."""
    torch.manual_seed(config.seed)
    spec = Spec.of(config, size=size, channels=channels, num_classes=num_classes)
    family = FAMILIES[config.family]
    G, D = family.Generator(spec), family.Discriminator(spec)
    if config.spectral_norm:
        projection: Any = getattr(D, "embed", None)
        for layer in list(D.modules()):
            # The class projection too, as in arXiv:1802.05637; one that starts at zero has no spectral norm.
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
    memory["grown"] = torch.zeros(2, dtype=torch.int64)  # on the CPU: the newest size, images seen when it was added
    return State(G, D, G_ema, opt_G, opt_D, memory=memory)


def train_step(
    state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, progress: float = 0.0
) -> Stats:
    """real [N, C, S, S] in [-1, 1] at the networks' size, labels int64 [N]; progress: the share of the run done, in [0, 1].

    N is this process's part of the batch. Returns means as 0-d tensors on the device: no sync here.
    """
    schedule(state, config, progress)
    stats = GAMES[TRAITS[config.family].game](state, real, labels, config, progress)
    batch = len(real) * global_batch.world()[1]
    state.images_seen += batch
    ema.update(state.G_ema, state.G, config.ema_images, state.images_seen - int(state.memory["grown"][1]), batch)
    return {name: value.detach() for name, value in stats.items()}


def schedule(state: State, config: TrainConfig, progress: float) -> None:
    """Set what changes over a run: learning rates, the weight of the labels, and what a family changes by itself."""
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
    """Restart the ramp of the average of G at a new size; its new layers would otherwise stay untrained in the average for long."""
    if size != int(state.memory["grown"][0]):
        state.memory["grown"].copy_(torch.tensor([size, state.images_seen]))


def adversarial(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, progress: float) -> Stats:
    """D against G. Fakes have the labels of the reals, so a relativistic pair shares one label.

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
    """D against a G that learns by evolution (games/evolution.py)."""
    stats, _ = train_D(state, real, make_fakes(state, labels, config, keep_graph=False), labels, config, progress)
    if turn_of_G(state, config, len(real)):
        stats |= evolution.evolve(state, real, labels, config, lambda images: augmented(state, config, images))
    return stats


def cycle_game(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, progress: float) -> Stats:
    """D against a G that translates images of other classes into the classes of the batch (games/cycle.py)."""
    state.G.fill_bank(real, labels)
    partner = cycle.partners(labels)
    with autocast(config, real.device):
        fake = state.G.translate(real[partner], labels).float()
    stats, _ = train_D(state, real, cycle.shown_to_D(state, fake, labels), labels, config, progress)
    if turn_of_G(state, config, len(real)):
        show = lambda images: augmented(state, config, images)
        stats |= cycle.learn(state, real, fake, partner, labels, config, show)
    return stats


def turn_of_G(state: State, config: TrainConfig, n: int) -> bool:
    """Once in every d_steps steps. n: images of this process's part of the batch."""
    return steps_done(state, n) % config.d_steps == config.d_steps - 1


def steps_done(state: State, n: int) -> int:
    return state.images_seen // (n * global_batch.world()[1])


def make_fakes(state: State, labels: torch.Tensor, config: TrainConfig, keep_graph: bool | None = None) -> torch.Tensor:
    """Fresh fakes [N, C, S, S] float32 of these labels; with their graph where G will learn from them."""
    keep = config.reuse_fakes if keep_graph is None else keep_graph
    z = global_batch.randn(len(labels), config.z_dim, device=labels.device)
    with torch.set_grad_enabled(keep), autocast(config, labels.device):
        return state.G(z, labels).float()


class DOutput(NamedTuple):
    """real, fake: logits [N] or [N, K] in float32. auxiliary [N]: an auxiliary loss of the reals, None where D has none.

    images [2N, C, S, S]: reals, then fakes, at which the gradient of R1 and R2 is taken; None where no logit depends on one image
    alone.
    """

    real: torch.Tensor
    fake: torch.Tensor
    auxiliary: torch.Tensor | None
    images: torch.Tensor | None


def train_D(
    state: State,
    real: torch.Tensor,
    fake: torch.Tensor,
    labels: torch.Tensor,
    config: TrainConfig,
    progress: float = 0.0,
) -> tuple[Stats, torch.Tensor]:
    """One step of D: (stats, its logits of the reals before it). fake has no graph."""
    D, loss, step = state.D, LOSSES[config.loss], steps_done(state, len(real))
    penalized = config.has_penalty and TRAITS[config.family].per_image and step % config.penalty_every == 0
    r1 = penalized and config.penalty in ("r1", "r1+r2")
    set_requires_grad(state.opt_D, True)
    with autocast(config, real.device):
        out = discriminate(state, real, fake, labels, config, r1)
        d_loss = loss.d(out.real, out.fake)
        total = regularized(d_loss, out, state, config)
        d_real, d_fake = probabilities(loss, out.real, out.fake)
        stats = {"loss_d": d_loss, "d_real": d_real, "d_fake": d_fake}
        if config.augment == "ada":
            margin, batch = out.real - undecided(config.loss, out.real, out.fake), len(real) * global_batch.world()[1]
            stats["ada_p"] = ada.adapt(state.memory["ada"], margin, step, batch, config.ada_target)
        if penalized:
            gamma = config.gamma * config.penalty_every * optimizers.schedule_factor(config, progress, config.gamma_end)
            if r1:
                assert out.images is not None
                logits = torch.cat([out.real, out.fake]) if config.penalty == "r1+r2" else out.real
                stats["penalty"] = r1_penalty(out.images, logits).sum() / len(real)
                total = total + gamma / 2 * stats["penalty"]
            else:
                stats["penalty"] = gradient_penalty(D, real, fake, labels).mean()
                total = total + gamma * stats["penalty"]
    update(state.opt_D, total, config.clip_value)
    return stats, out.real.detach()


def discriminate(
    state: State, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor, config: TrainConfig, r1: bool
) -> DOutput:
    """D's output for the reals and the fakes after augmentation. r1: the gradient at the images will be asked for.

    That gradient is taken at the images before augmentation; with ADA, which can be differentiated only once, at the images
    after it.
    """
    D, n = state.D, len(real)
    if not TRAITS[config.family].per_image:  # batch norm: reals and fakes in batches of their own
        logits, auxiliary = D.logits_and_auxiliary(augmented(state, config, real), labels)
        return DOutput(logits.float(), D(augmented(state, config, fake), labels).float(), auxiliary, None)
    images = torch.cat([real, fake]).to(memory_format=torch.channels_last)
    # Reals and fakes are augmented apart, so that several processes draw for each as one process would.
    both = lambda images: torch.cat([augmented(state, config, part) for part in (images[:n], images[n:])])
    if config.augment == "ada":
        shown = images = both(images).requires_grad_(r1)
    else:
        shown = both(images.requires_grad_(r1))
    # A group of minibatch standard deviation that holds reals and fakes alike would tell D nothing.
    apart = config.minibatch_std and n % GROUP
    passes = [(shown[:n], labels), (shown[n:], labels)] if apart else [(shown, torch.cat([labels, labels]))]
    outputs = [D.logits_and_auxiliary(*batch) for batch in passes]
    logits, auxiliary = torch.cat([logits for logits, _ in outputs]).float(), outputs[0][1]
    return DOutput(logits[:n], logits[n:], None if auxiliary is None else auxiliary[:n], images)


def regularized(d_loss: torch.Tensor, out: DOutput, state: State, config: TrainConfig) -> torch.Tensor:
    """D's loss with what its settings add to it: label smoothing and noise, the auxiliary loss, LeCam."""
    if config.label_smoothing or config.label_noise:
        noise = lambda: config.label_noise * global_batch.rand(*out.real.shape, device=out.real.device)
        d_loss = d_loss + label_smoothing_term(out.real, out.fake, 1 - config.label_smoothing - noise(), noise())
    if out.auxiliary is not None:
        d_loss = d_loss + state.D.auxiliary_weight_d * out.auxiliary.mean()
    if config.lecam:
        d_loss = d_loss + config.lecam * lecam(out.real, out.fake, state.memory["anchors"])
    return d_loss


def train_G(
    state: State,
    real: torch.Tensor,
    real_logits: torch.Tensor,
    fake: torch.Tensor | None,
    labels: torch.Tensor,
    config: TrainConfig,
) -> torch.Tensor:
    """One step of G on fresh fakes, or on the given ones with their graph. D is frozen: gradients flow through it, not into it."""
    D, loss = state.D, LOSSES[config.loss]
    set_requires_grad(state.opt_D, False)
    if fake is None:
        fake = make_fakes(state, labels, config, keep_graph=True)
    with autocast(config, real.device):
        if config.loss == "relativistic":
            with torch.no_grad():
                real_logits = D(augmented(state, config, real), labels).float()
        if D.auxiliary_weight_g:
            logits, auxiliary = D.logits_and_auxiliary(augmented(state, config, fake), labels)
            g_loss = loss.g(real_logits, logits.float())
            total = g_loss + D.auxiliary_weight_g * auxiliary.mean()
        else:
            total = g_loss = loss.g(real_logits, D(augmented(state, config, fake), labels).float())
    update(state.opt_G, total, config.clip_value)
    return g_loss


def augmented(state: State, config: TrainConfig, images: torch.Tensor) -> torch.Tensor:
    """The images as D sees them."""
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
