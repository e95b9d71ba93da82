"""The train step: an update of D, of G once in d_steps steps, and of the average of G. Every family and every loss uses it.

Families without a discriminator (autoencoder, k-means) have a step of their own; GAMES lists them all.
"""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.utils import parametrize

from gan_core.models import FAMILIES, Spec
from gan_core.models.convolution import for_penalty
from gan_core.models.guided import GuidedDiscriminator
from gan_core.models.layers import GROUP
from gan_core.models.refiner import generator, shrink
from gan_core.models.spectral_norm import spectral_norm
from gan_core.settings.families import TRAITS, can_be_guided
from gan_core.settings.schema import TrainConfig
from gan_core.training import ema, global_batch, optimizers, path_length
from gan_core.training.augment import ada, wavelets
from gan_core.training.augment.diffaugment import augment
from gan_core.training.device import autocast
from gan_core.training.freeze import freeze, set_requires_grad
from gan_core.training.games import cycle, evolution
from gan_core.training.games.kmeans import kmeans
from gan_core.training.games.vae import WARM_UP, vae
from gan_core.training.losses import LOSSES, label_smoothing_term, probabilities, undecided
from gan_core.training.optimizers import update
from gan_core.training.penalties import gradient_penalty, lecam, r1_penalty
from gan_core.training.refiner_step import optimizer_of, refine
from gan_core.training.state import Kind, State, Stats


def new_state(config: TrainConfig, *, size: int, channels: int, num_classes: int, device: torch.device) -> State:
    """Fresh networks and optimizers; seeds torch. size in px, channels 1 or 3."""
    torch.manual_seed(config.seed)
    shape = {"channels": channels, "num_classes": num_classes}
    spec = Spec.of(config, size=config.train_size or size, **shape)
    G, D = generator(config, size=size, **shape), FAMILIES[config.family].Discriminator(spec)
    if config.has_penalty:
        for_penalty(D)
    if config.spectral_norm:
        projection: Any = getattr(D, "embed", None)
        for layer in list(D.modules()):
            # The class projection too, as in arXiv:1802.05637; one that starts at zero has no spectral norm.
            projects = layer is projection and bool(projection.weight.any())
            if isinstance(layer, nn.Conv2d | nn.Linear) or projects:
                spectral_norm(layer)
    if config.guide and num_classes > 1 and can_be_guided(config.family):
        D = GuidedDiscriminator(D, spec, config.train_size or size)
        if config.has_penalty:
            for_penalty(D)
    freeze(D, spec, config.freeze_d)
    G, D = (net.to(device).to(memory_format=torch.channels_last) for net in (G, D))
    G_ema = copy.deepcopy(G).requires_grad_(False).eval()
    opt_G = optimizers.make(G.small if config.train_size else G, config.lr_G, config)
    opt_D = optimizers.make(D, config.lr_D, config)
    opt_refiner = optimizer_of(G.refiner, config, device) if config.train_size else None
    memory = {"anchors": torch.zeros(2, device=device), "ada": torch.zeros(3, device=device)}
    memory["path_length"] = torch.zeros([], device=device)  # running mean
    memory["grown"] = torch.zeros(2, dtype=torch.int64)  # on the CPU: the newest size, images seen when it was added
    state = State(G, D, G_ema, opt_G, opt_D, memory=memory, opt_refiner=opt_refiner)
    wavelets.prepare(device)
    optimizers.read_rate_from(opt_G, state.values.lr_G)
    optimizers.read_rate_from(opt_D, state.values.lr_D)
    return state


def train_step(
    state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, progress: float = 0.0
) -> Stats:
    """real [N, C, S, S] in [-1, 1] at the size of the samples, labels int64 [N]; progress: the share of the run done, in [0, 1].

    N is this process's part of the batch. Returns means as 0-d tensors on the device: no sync here.
    """
    kind = prepare(state, config, progress, len(real) * global_batch.world()[1])
    return carry_out(state, real, labels, config, kind)


def prepare(state: State, config: TrainConfig, progress: float, batch: int) -> Kind:
    """The part of a step that the host decides: counts its images, sets the numbers that change over a run, and says of which
    kind the step is. batch: images of all processes together."""
    step = state.images_seen // batch
    growth = tuple(at(progress) for at in state.parts.grow)
    for size, _ in growth:
        remember_growth(state, size)
    state.images_seen += batch
    rate = optimizers.schedule_factor(config, progress, config.lr_end)
    gamma = config.gamma * config.penalty_every * optimizers.schedule_factor(config, progress, config.gamma_end)
    since_growth = state.images_seen - int(state.memory["grown"][1])
    state.values.fill(
        lr_G=config.lr_G * rate,
        lr_D=config.lr_D * rate,
        gamma=gamma,
        label_share=optimizers.label_weight(config, progress),
        ema_share=ema.share(config.ema_images, since_growth, batch),
        divergence_weight=min(1.0, progress / WARM_UP),
    )
    return Kind(
        penalized=config.has_penalty and TRAITS[config.family].per_image and step % config.penalty_every == 0,
        turn_of_G=step % config.d_steps == config.d_steps - 1,
        adapts=config.augment == "ada" and step % ada.STEPS == ada.STEPS - 1,
        path_length=config.path_length > 0 and step // config.d_steps % config.path_length_every == 0,
        growth=growth,
    )


def carry_out(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, kind: Kind) -> Stats:
    """The part of a step that the device does: no wait for it, no number of the host that another step of this kind would have
    otherwise, so that a CUDA graph can repeat it."""
    if config.label_full:
        shares = state.parts.label_shares
        torch._foreach_copy_(shares, [state.values.label_share] * len(shares))
    for weight in state.parts.spectral:
        weight.iterate()
    seen = shrink(real, config.train_size or real.shape[-1])
    stats = GAMES[TRAITS[config.family].game](state, seen, labels, config, kind)
    if state.opt_refiner is not None:
        stats |= refine(state, real, labels, config)
    ema.update(state.parts.averaged, state.values.ema_share if config.ema_images else None)
    return {name: value.detach() for name, value in stats.items()}


def remember_growth(state: State, size: int) -> None:
    """Restart the ramp of the average of G at a new size; its new layers would otherwise stay untrained in the average for long."""
    if size != int(state.memory["grown"][0]):
        state.memory["grown"].copy_(torch.tensor([size, state.images_seen]))


def adversarial(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, kind: Kind) -> Stats:
    """D against G. Fakes have the labels of the reals, so a relativistic pair shares one label.

    Departs from R3GAN (arXiv:2501.05441), which draws fresh reals for G's step: here both steps see the same reals.
    """
    fake = make_fakes(state, labels, config)
    stats, real_logits = train_D(state, real, fake.detach(), labels, config, kind)
    if kind.turn_of_G:
        stats["loss_g"] = train_G(state, real, real_logits, fake if config.reuse_fakes else None, labels, config, kind)
    return stats


def evolution_game(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, kind: Kind) -> Stats:
    """D against a G that learns by evolution (games/evolution.py)."""
    stats, _ = train_D(state, real, make_fakes(state, labels, config, keep_graph=False), labels, config, kind)
    if kind.turn_of_G:
        stats |= evolution.evolve(state, real, labels, config, lambda images: augmented(state, config, images))
    return stats


def cycle_game(state: State, real: torch.Tensor, labels: torch.Tensor, config: TrainConfig, kind: Kind) -> Stats:
    """D against a G that translates images of other classes into the classes of the batch (games/cycle.py)."""
    state.G.fill_bank(real, labels)
    partner = cycle.partners(labels)
    with autocast(config, real.device):
        fake = state.G.translate(real[partner], labels).float()
    stats, _ = train_D(state, real, cycle.shown_to_D(state, fake, labels), labels, config, kind)
    if kind.turn_of_G:
        show = lambda images: augmented(state, config, images)
        stats |= cycle.learn(state, real, fake, partner, labels, config, show)
    return stats


def make_fakes(state: State, labels: torch.Tensor, config: TrainConfig, keep_graph: bool | None = None) -> torch.Tensor:
    """Fresh fakes [N, C, S, S] float32 of these labels; with their graph where G will learn from them."""
    keep = config.reuse_fakes if keep_graph is None else keep_graph
    z = global_batch.randn(len(labels), config.z_dim, device=labels.device)
    with torch.set_grad_enabled(keep), autocast(config, labels.device):
        return state.G(z, labels).float()


class DOutput(NamedTuple):
    """real, fake: logits [N] or [N, K] in float32. auxiliary [N]: an auxiliary loss of the reals, None where D has none.

    images [2N, C, S, S]: reals, then fakes, at which the gradient of R1 and R2 is taken; for R1 the reals [N, ...] alone; None
    where no logit depends on one image alone.
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
    kind: Kind,
) -> tuple[Stats, torch.Tensor]:
    """One step of D: (stats, its logits of the reals before it). fake has no graph."""
    D, loss = state.D, LOSSES[config.loss]
    set_requires_grad(state.opt_D, True)
    with parametrize.cached(), autocast(config, real.device):
        out = discriminate(state, real, fake, labels, config, config.penalty if kind.penalized else "none")
        d_loss = loss.d(*with_margin_noise(out, config))
        total = regularized(d_loss, out, state, config)
        d_real, d_fake = probabilities(loss, out.real, out.fake)
        stats = {"loss_d": d_loss, "d_real": d_real, "d_fake": d_fake}
        if config.augment == "ada":
            margin, batch = out.real - undecided(config.loss, out.real, out.fake), len(real) * global_batch.world()[1]
            step = ada.STEPS - 1 if kind.adapts else 0
            stats["ada_p"] = ada.adapt(state.memory["ada"], margin, step, batch, config.ada_target)
        if kind.penalized:
            gamma = state.values.gamma
            if config.penalty in ("r1", "r1+r2"):
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
    state: State, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor, config: TrainConfig, penalty: str
) -> DOutput:
    """D's output for the reals and the fakes after augmentation. penalty: that of this step; R1 and R2 ask for the gradient.

    That gradient is taken at the images before augmentation; with ADA's bilinear resampling, which can be differentiated only
    once, at the images after it.
    """
    D, n = state.D, len(real)
    if not TRAITS[config.family].per_image:  # batch norm: reals and fakes in batches of their own
        logits, auxiliary = D.logits_and_auxiliary(augmented(state, config, real), labels)
        return DOutput(logits.float(), D(augmented(state, config, fake), labels).float(), auxiliary, None)
    early = config.augment == "ada" and config.ada_resampling == "bilinear"
    late = config.augment != "none" and not early
    if early:
        real, fake = augmented(state, config, real), augmented(state, config, fake)
    alone = penalty == "r1"  # the fakes need no second derivative
    images = (real.detach() if alone else torch.cat([real, fake])).to(memory_format=torch.channels_last)
    images.requires_grad_(penalty in ("r1", "r1+r2"))
    parts = [images, fake] if alone else [images[:n], images[n:]]
    if late:
        # Reals and fakes are augmented apart, so that several processes draw for each as one process would.
        parts = [augmented(state, config, part) for part in parts]
    # A group of minibatch standard deviation that holds reals and fakes alike would tell D nothing.
    if alone or (config.minibatch_std and n % GROUP):
        passes = [(part, labels) for part in parts]
    else:
        passes = [(torch.cat(parts) if late else images, torch.cat([labels, labels]))]
    outputs = [D.logits_and_auxiliary(*batch) for batch in passes]
    logits, auxiliary = torch.cat([logits for logits, _ in outputs]).float(), outputs[0][1]
    return DOutput(logits[:n], logits[n:], None if auxiliary is None else auxiliary[:n], images)


def with_margin_noise(out: DOutput, config: TrainConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of reals and fakes, shifted by what random margins of the hinge loss are smaller than 1 (FastGAN)."""
    if not config.margin_noise:
        return out.real, out.fake
    noise = lambda logits: config.margin_noise * global_batch.rand(*logits.shape, device=logits.device)
    return out.real + noise(out.real), out.fake - noise(out.fake)


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
    kind: Kind,
) -> torch.Tensor:
    """One step of G on fresh fakes, or on the given ones with their graph. D is frozen: gradients flow through it, not into it."""
    D, loss = state.D, LOSSES[config.loss]
    set_requires_grad(state.opt_D, False)
    with parametrize.cached():
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
    if kind.path_length:
        G = state.G.small if config.train_size else state.G
        total = total + path_length.regularization(G, labels, config, state.memory["path_length"])
    update(state.opt_G, total, config.clip_value)
    return g_loss


def augmented(state: State, config: TrainConfig, images: torch.Tensor) -> torch.Tensor:
    """The images as D sees them."""
    if config.augment == "ada":
        return ada.pipe(images, state.memory["ada"][0], config.ada_transforms, config.ada_resampling)
    return augment(config.augment, images)


GAMES: dict[str, Callable[[State, torch.Tensor, torch.Tensor, TrainConfig, Kind], Stats]] = {
    "adversarial": adversarial,
    "evolution": evolution_game,
    "cycle": cycle_game,
    "vae": vae,
    "kmeans": kmeans,
}
