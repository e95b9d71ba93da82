"""The train step: every family learns, and each option does what its name says in one step or a few."""

import copy
import math

import pytest
import torch

from gan_core.models.layers import MinibatchStd
from gan_core.settings.families import TRAITS, inner_size
from gan_core.settings.recipes import RECIPES
from gan_core.training import step
from gan_core.training.losses import LOSSES
from gan_core.training.penalties import r1_penalty

CPU = torch.device("cpu")


def fresh(config, size=32, channels=1):
    return step.new_state(config, size=size, channels=channels, num_classes=3, device=CPU)


def batch(n=16):
    torch.manual_seed(1)
    return torch.rand(n, 1, 32, 32) * 2 - 1, torch.arange(n) % 3


def moved(before, net) -> bool:
    return not all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_G_learns_once_in_d_steps(tiny):
    config = tiny(d_steps=3)
    state, learnt = fresh(config), []
    for _ in range(6):
        before = [p.clone() for p in state.G.parameters()]
        stats = step.train_step(state, *batch(), config)
        learnt.append(moved(before, state.G))
        assert ("loss_g" in stats) == learnt[-1]
    assert learnt == [False, False, True, False, False, True]


def test_a_lazy_penalty_comes_seldom_and_counts_so_much_more(tiny):
    config = tiny(penalty_every=4)
    state = fresh(config)
    assert ["penalty" in step.train_step(state, *batch(), config) for _ in range(5)] == [
        True,
        False,
        False,
        False,
        True,
    ]
    totals = {}
    for every in (1, 4):  # the loss of the first step, which has the penalty, caught where it is minimised
        config = tiny(penalty_every=every, gamma=2.0)
        caught, original = [], step.update
        step.update = lambda optimizer, loss, clip, caught=caught: caught.append(loss.item())
        try:
            stats = step.train_step(fresh(config), *batch(), config)
        finally:
            step.update = original
        totals[every] = (caught[0] - stats["loss_d"].item()) / stats["penalty"].item()
    assert totals[1] == pytest.approx(1.0, rel=1e-4) and totals[4] == pytest.approx(4.0, rel=1e-4)


def test_r1_looks_at_reals_alone(tiny):
    both, one = (step.train_step(fresh(tiny(penalty=p)), *batch(), tiny(penalty=p))["penalty"] for p in ("r1+r2", "r1"))
    assert 0 < one < both


@pytest.mark.slow
def test_wasserstein_with_its_penalty_takes_steps(tiny):
    config = tiny(loss="wasserstein", penalty="gp", gamma=10.0, lr_G=1e-30)  # D alone learns to tell them apart
    state = fresh(config)
    rows = [step.train_step(state, *batch(), config) for _ in range(20)]
    assert all(math.isfinite(v) for row in rows for v in row.values())
    assert rows[-1]["loss_d"] < rows[0]["loss_d"]


def test_spectral_norm_bounds_every_layer_of_D(tiny):
    config = tiny(spectral_norm=True, loss="hinge", penalty="none")
    state = fresh(config)
    for _ in range(10):
        step.train_step(state, *batch(), config)
    with torch.no_grad():
        norms = [torch.linalg.matrix_norm(m.weight.flatten(1), 2) for m in state.D.blocks]
    assert all(0.8 < norm < 1.2 for norm in norms), norms


def test_fakes_that_are_reused_save_a_pass_of_G(tiny):
    passes = {}
    for reuse in (True, False):
        config = tiny(reuse_fakes=reuse)
        state, calls = fresh(config), []
        state.G.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        before = [p.clone() for p in state.G.parameters()]
        step.train_step(state, *batch(), config)
        passes[reuse] = len(calls)
        assert moved(before, state.G)
    assert passes == {True: 1, False: 2}


def test_soft_and_noisy_targets_change_what_D_minimises(tiny):
    caught, original = [], step.update
    step.update = lambda optimizer, loss, clip: caught.append(loss.item())
    try:
        for changes in ({}, {"label_smoothing": 0.1}, {"label_noise": 0.05}):
            config = tiny(loss="nonsaturating", penalty="none", **changes)
            step.train_step(fresh(config), *batch(), config)
    finally:
        step.update = original
    plain, smooth, noisy = caught[::2]
    assert len({round(plain, 6), round(smooth, 6), round(noisy, 6)}) == 3


@pytest.mark.parametrize("images, seen", [(6, [6, 6]), (8, [16])])
def test_groups_of_minibatch_standard_deviation_hold_no_reals_beside_fakes(tiny, monkeypatch, images, seen):
    counts, original = [], MinibatchStd.forward
    monkeypatch.setattr(MinibatchStd, "forward", lambda self, x: (counts.append(len(x)), original(self, x))[1])
    config = tiny(family="stylegan2-lite", batch=images, minibatch_std=True, penalty="r1+r2")
    state, (real, labels) = fresh(config), batch(images)
    before = copy.deepcopy(state.D)
    _, real_logits = step.train_D(state, real, torch.zeros_like(real), labels, config, step.Kind(penalized=True))
    assert counts == seen
    assert torch.allclose(real_logits, before.logits_and_auxiliary(real, labels)[0], atol=1e-5), (
        "the logits of the reals come first"
    )


TONES = {  # family: steps at most, images a step, changes; all others 300 steps of 18
    "cyclegan": (120, 6, {"lr_G": 2e-3}),  # three passes of a deep G
    "egan": (200, 9, {}),  # four steps of G in one
    "fastgan": (100, 9, {"width": 4}),  # 4 is of 64 channels at 4 px: the unit of the others is narrower
    "projected": (80, 9, {"width": 8, "lr_G": 5e-4, "lr_D": 5e-4}),  # 128 px whatever the size; higher rates forget
    "garbage128": (80, 6, {"lr_G": 2e-3, "lr_D": 2e-3}),  # 128 px: a step of 18 takes a second
    "sngan-projection": (140, 9, {"lr_G": 2e-3, "lr_D": 2e-3, "width": 32}),
    "stylegan2-lite": (200, 8, {"lr_G": 5e-3, "lr_D": 5e-3}),
    "r3gan": (200, 8, {"width": 16, "lr_G": 2e-3, "lr_D": 2e-3}),
}


# Every loss with one family, and every family with the losses that its recipes have.
LEARNT = sorted(
    {("r3lite", loss) for loss in TRAITS["r3lite"].losses}
    | {(recipe.config.family, recipe.config.loss) for recipe in RECIPES.values()}
    | {(family, (*facts.losses, "nonsaturating")[0]) for family, facts in TRAITS.items()}
)
TONE_SIZES = {"stylegan2-lite": 8, "r3gan": 8}  # px; the blocks of these families are the same at every size


@pytest.mark.slow
@pytest.mark.parametrize("family, loss", LEARNT)
def test_it_learns_the_tone_of_each_class(tiny, family, loss):
    """Dark, grey and bright: after a few hundred small steps the averaged G draws each class in its own tone."""
    steps, images, changes = TONES.get(family, (300, 18, {}))
    apart = 0.1 if family == "projected" else 0.2  # of 0.7; at 9 images a step its D soon knows all fakes
    size = TONE_SIZES.get(family, TRAITS[family].sizes[0])
    inner = inner_size(family, size)
    config = tiny(
        family=family,
        loss=loss,
        beta1=0.0,
        beta2=0.99,
        gamma=0.1,
        ema_images=200,
        **{"lr_G": 1e-3, "lr_D": 1e-3, **changes},
    )
    state = fresh(config, size=size)
    labels = torch.arange(images) % 3
    real = ((labels - 1) * 0.7)[:, None, None, None].expand(-1, 1, inner, inner)
    for number in range(1, steps + 1):
        step.train_step(state, real + 0.02 * torch.randn_like(real), labels, config)
        if number >= 50 and number % 10 == 0:  # no longer than it takes, yet 50 steps at least
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                fake = state.G_ema(torch.randn(60, config.z_dim), torch.arange(60) % 3).mean([1, 2, 3])
            dark, grey, bright = (fake[torch.arange(60) % 3 == c].mean().item() for c in range(3))
            if dark < grey - apart and grey < bright - apart:
                return
    raise AssertionError((dark, grey, bright))


def test_the_step_reports_finite_numbers_and_counts_images(tiny):
    config = tiny()
    state = fresh(config)
    stats = step.train_step(state, torch.rand(16, 1, 32, 32) * 2 - 1, torch.arange(16) % 3, config)
    assert set(stats) == {"loss_d", "loss_g", "penalty", "d_real", "d_fake"}
    assert all(value.ndim == 0 and math.isfinite(value) for value in stats.values())
    assert state.images_seen == 16


def test_g_step_leaves_d_alone(tiny):
    """With D's rate at (nearly) zero, a step must not move D, and must move G."""
    config = tiny(lr_D=1e-30)
    state = fresh(config)
    before_D, before_G = [p.clone() for p in state.D.parameters()], [p.clone() for p in state.G.parameters()]
    step.train_step(state, torch.rand(16, 1, 32, 32) * 2 - 1, torch.arange(16) % 3, config)
    assert all(torch.equal(a, b) for a, b in zip(before_D, state.D.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(before_G, state.G.parameters(), strict=True))


def test_the_gradient_penalty_is_differentiable_through_every_augmentation(tiny):
    config = tiny(augment="color+translation+cutout", gamma=1.0)
    stats = step.train_step(
        fresh(config, channels=3, size=32), torch.rand(16, 3, 32, 32) * 2 - 1, torch.arange(16) % 3, config
    )
    assert stats["penalty"] > 0


def test_the_penalty_is_half_gamma_times_r1_plus_r2_of_the_images_before_augmentation(tiny):
    """Against the definition, written out: with a vanishing learning rate the gradients of D must be those of the whole loss."""
    config = tiny(gamma=3.0, lr_D=1e-30, lr_G=1e-30)
    torch.manual_seed(5)
    real, y = torch.rand(16, 1, 32, 32) * 2 - 1, torch.arange(16) % 3
    state = fresh(config)
    torch.manual_seed(7)
    stats = step.train_step(state, real, y, config)
    fresh_again = fresh(config)
    torch.manual_seed(7)
    with torch.no_grad():
        fake = fresh_again.G(torch.randn(16, config.z_dim), y)
    penalties = []
    for images in (real, fake):
        x = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(fresh_again.D(x, y).sum(), x)
        penalties.append(gradient.square().sum([1, 2, 3]).mean())
    assert stats["penalty"].item() == pytest.approx(sum(penalties).item(), rel=1e-4)
    # D's gradients at that step: those of loss + gamma / 2 * penalty
    D = fresh_again.D
    x = torch.cat([real, fake]).requires_grad_()
    logits = D(x, torch.cat([y, y]))
    whole = LOSSES["relativistic"].d(logits[:16], logits[16:]) + 1.5 * r1_penalty(x, logits).sum() / 16
    whole.backward()
    caught = []
    original = step.update
    step.update = lambda optimizer, loss, clip_value: (
        original(optimizer, loss, clip_value),
        caught.append([p.grad.clone() for p in optimizer.param_groups[0]["params"] if p.grad is not None]),
    )
    try:
        again = fresh(config)
        torch.manual_seed(7)
        step.train_step(again, real, y, config)
    finally:
        step.update = original
    for mine, theirs in zip([p.grad for p in D.parameters()], caught[0], strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-3, atol=1e-6)


def test_the_average_of_a_size_that_has_just_come_in_is_not_its_first_weights(tiny):
    """With the ramp of the whole run its layers would be seen as they began for thousands of images."""
    config = tiny(family="progressive", ema_images=20_000)
    state = step.new_state(config, size=32, channels=1, num_classes=2, device=torch.device("cpu"))
    real, labels = torch.rand(4, 1, 32, 32) * 2 - 1, torch.arange(4) % 2
    new = lambda net: net.blocks[0].conv1.weight
    began = new(state.G).detach().clone()
    state.images_seen = 100_000
    step.train_step(state, real, labels, config, progress=0.0)
    assert torch.equal(new(state.G), began) and state.memory["grown"].tolist() == [0, 0]
    for _ in range(3):
        step.train_step(state, real, labels, config, progress=0.12)
    assert state.memory["grown"].tolist() == [1, 100_004]
    assert not torch.allclose(new(state.G), began) and torch.allclose(new(state.G_ema), new(state.G), atol=1e-5)
