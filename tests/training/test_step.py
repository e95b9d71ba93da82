"""What a run can be told beyond its loss: each option does what its name says, in one step or a few."""

import copy
import math

import pytest
import torch

from gan_core.models.layers import ClassEmbedding, MinibatchStd
from gan_core.training import device, optimizers, penalties, step

CPU = torch.device("cpu")


def fresh(config):
    return step.new_state(config, size=32, channels=1, num_classes=3, device=CPU)


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


def test_the_penalty_between_real_and_fake_is_nought_for_a_slope_of_one():
    slope = torch.randn(1, 4, 4)
    slope /= slope.norm()
    D = lambda x, y: (x * slope).sum([1, 2, 3])
    real, fake, y = torch.randn(8, 1, 4, 4), torch.randn(8, 1, 4, 4), torch.zeros(8)
    assert penalties.gradient_penalty(D, real, fake, y).max() < 1e-6
    assert penalties.gradient_penalty(lambda x, y: 3 * D(x, y), real, fake, y).mean().item() == pytest.approx(4.0, rel=1e-4)


def test_lecam_pulls_reals_to_the_running_mean_of_fakes_and_the_other_way():
    anchors = torch.tensor([2.0, -1.0])
    value = penalties.lecam(torch.full((4,), 3.0), torch.full((4,), 0.0), anchors)
    # anchors move one part in a hundred towards the means 3 and 0 first
    assert anchors.tolist() == pytest.approx([2.01, -0.99])
    assert value.item() == pytest.approx((3 + 0.99) ** 2 + (0 - 2.01) ** 2, rel=1e-5)


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


def test_clipping_bounds_a_gradient(tiny):
    config = tiny(clip_value=1e-3, optimizer="rmsprop")
    state = fresh(config)
    step.train_step(state, *batch(), config)
    largest = max(p.grad.abs().max() for p in state.D.parameters() if p.grad is not None)
    assert 0 < largest <= 1e-3


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop"])
def test_every_optimiser_moves_both_nets(tiny, optimizer):
    config = tiny(optimizer=optimizer, weight_decay=0.01)
    state = fresh(config)
    before = [p.clone() for p in state.G.parameters()], [p.clone() for p in state.D.parameters()]
    step.train_step(state, *batch(), config)
    assert moved(before[0], state.G) and moved(before[1], state.D)


def test_schedules_end_where_they_are_told(tiny):
    for schedule, middle in (("linear", 0.55), ("cosine", 0.55), ("constant", 1.0)):
        config = tiny(schedule=schedule, lr_end=0.1)
        at = [optimizers.schedule_factor(config, progress, config.lr_end) for progress in (0.0, 0.5, 1.0)]
        assert at == pytest.approx([1.0, middle, 1.0 if schedule == "constant" else 0.1])
    config = tiny(schedule="linear", lr_end=0.5, lr_G=1e-3)
    state = fresh(config)
    step.train_step(state, *batch(), config, 1.0)
    assert state.opt_G.param_groups[0]["lr"] == pytest.approx(5e-4)


def test_labels_come_in_by_schedule(tiny):
    config = tiny(label_start=0.25, label_full=0.75)
    assert [optimizers.label_weight(config, p) for p in (0.0, 0.25, 0.5, 0.75, 1.0)] == [0, 0, 0.5, 1, 1]
    state = fresh(config)
    z = torch.randn(4, config.z_dim)
    for progress, differs in ((0.1, False), (0.9, True)):
        step.train_step(state, *batch(), config, progress)
        G = state.G_ema
        apart = (G(z, torch.zeros(4, dtype=torch.long)) - G(z, torch.ones(4, dtype=torch.long))).abs().max()
        assert (apart > 1e-6).item() is differs
        assert all(m.share == G.embed.share for m in state.D.modules() if isinstance(m, ClassEmbedding))


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


def test_bfloat16_computes_about_the_same_and_keeps_full_weights(tiny):
    rows = {}
    for precision in ("fp32", "bf16"):
        config = tiny(precision=precision)
        state = fresh(config)
        rows[precision] = step.train_step(state, *batch(), config)
        assert all(p.dtype == torch.float32 for p in state.G.parameters())
    for name, value in rows["fp32"].items():
        assert rows["bf16"][name].item() == pytest.approx(value.item(), rel=0.1, abs=0.02), name
    assert device.bfloat16(tiny(precision="bf16"), CPU) and not device.bfloat16(tiny(precision="fp32"), CPU)


@pytest.mark.parametrize("amx, avx512", [(True, False), (False, True), (False, False)])
def test_a_cpu_computes_in_bfloat16_where_it_has_instructions_for_it(tiny, monkeypatch, amx, avx512):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    assert device.bfloat16(tiny(precision="auto"), CPU) is (amx or avx512)


@pytest.mark.parametrize("images, seen", [(6, [6, 6]), (8, [16])])
def test_groups_of_minibatch_standard_deviation_hold_no_reals_beside_fakes(tiny, monkeypatch, images, seen):
    counts, original = [], MinibatchStd.forward
    monkeypatch.setattr(MinibatchStd, "forward", lambda self, x: (counts.append(len(x)), original(self, x))[1])
    config = tiny(family="stylegan2-lite", batch=images, minibatch_std=True, penalty="r1+r2")
    state, (real, labels) = fresh(config), batch(images)
    before = copy.deepcopy(state.D)
    _, real_logits = step.train_D(state, real, torch.zeros_like(real), labels, config)
    assert counts == seen
    assert torch.allclose(real_logits, before.logits_and_auxiliary(real, labels)[0], atol=1e-5), "the logits of the reals come first"
