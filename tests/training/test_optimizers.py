"""Optimizers, gradient clipping and schedules."""

import pytest
import torch

from gan_core.models.layers import ClassEmbedding
from gan_core.training import optimizers, step
from tests.training.test_step import batch, fresh, moved


def test_schedules_end_where_they_are_told(tiny):
    for schedule, middle in (("linear", 0.55), ("cosine", 0.55), ("constant", 1.0)):
        config = tiny(schedule=schedule, lr_end=0.1)
        at = [optimizers.schedule_factor(config, progress, config.lr_end) for progress in (0.0, 0.5, 1.0)]
        assert at == pytest.approx([1.0, middle, 1.0 if schedule == "constant" else 0.1])
    config = tiny(schedule="linear", lr_end=0.5, lr_G=1e-3)
    state = fresh(config)
    step.train_step(state, *batch(), config, 1.0)
    assert state.opt_G.param_groups[0]["lr"].item() == pytest.approx(5e-4)


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


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop"])
def test_every_optimiser_moves_both_nets(tiny, optimizer):
    config = tiny(optimizer=optimizer, weight_decay=0.01)
    state = fresh(config)
    before = [p.clone() for p in state.G.parameters()], [p.clone() for p in state.D.parameters()]
    step.train_step(state, *batch(), config)
    assert moved(before[0], state.G) and moved(before[1], state.D)


def test_clipping_bounds_a_gradient(tiny):
    config = tiny(clip_value=1e-3, optimizer="rmsprop")
    state = fresh(config)
    step.train_step(state, *batch(), config)
    largest = max(p.grad.abs().max() for p in state.D.parameters() if p.grad is not None)
    assert 0 < largest <= 1e-3
