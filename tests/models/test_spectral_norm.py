"""Spectral norm: its value and gradient, and checkpoints that were written with torch's own."""

import pytest
import torch

from gan_core.models.spectral_norm import SpectralNorm, renamed, spectral_norm, spectral_weights
from gan_core.training import checkpoint, step, transfer


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_its_gradient_is_that_of_the_quotient_and_eval_changes_nothing():
    layer = spectral_norm(torch.nn.Linear(5, 4)).eval()
    before = layer.parametrizations.weight[0].u.clone()
    raw = layer.parametrizations.weight.original
    torch.autograd.grad(layer.weight[1, 2], raw)
    assert torch.equal(before, layer.parametrizations.weight[0].u)
    norm = SpectralNorm(raw.detach())
    for _ in range(200):
        norm.iterate(raw.detach())
    layer.parametrizations.weight[0].u.copy_(norm.u)
    found = torch.autograd.grad(layer.weight[1, 2], raw)[0]
    true = torch.autograd.grad(raw[1, 2] / torch.linalg.matrix_norm(raw, 2), raw)[0]
    assert torch.allclose(found, true, atol=1e-4)


def test_it_bears_bfloat16():
    layer = spectral_norm(torch.nn.Linear(5, 4))
    with torch.autocast("cpu", torch.bfloat16):
        layer(torch.randn(3, 5)).float().sum().backward()
    assert layer.parametrizations.weight.original.grad.isfinite().all()


def test_weights_that_were_saved_with_torchs_own_give_the_same_layer():
    theirs = torch.nn.Sequential(torch.nn.utils.parametrizations.spectral_norm(torch.nn.Conv2d(3, 6, 4)))
    for _ in range(5):
        theirs(torch.randn(2, 3, 8, 8))
    mine = torch.nn.Sequential(spectral_norm(torch.nn.Conv2d(3, 6, 4)))
    mine.load_state_dict(renamed(theirs.state_dict()))
    x = torch.randn(2, 3, 8, 8)
    assert torch.allclose(mine.eval()(x), theirs.eval()(x), atol=1e-5)
    spectral_weights(mine)[0].iterate()  # theirs does so by itself
    assert torch.allclose(mine.train()(x), theirs.train()(x), atol=1e-5)
    assert renamed(mine.state_dict()).keys() == mine.state_dict().keys()


def test_a_checkpoint_with_torchs_own_is_resumed_and_started_from(tiny, tmp_path):
    fresh = lambda seed: step.new_state(
        tiny(seed=seed, spectral_norm=True, loss="hinge", penalty="none"),
        size=32,
        channels=1,
        num_classes=3,
        device=torch.device("cpu"),
    )
    saved, resumed, started = fresh(1), fresh(2), fresh(3)
    checkpoint.save(tmp_path, saved, {})
    values = checkpoint.newest(tmp_path)[0]
    old = {}
    for name, value in values["D"].items():
        layer, found, _ = name.partition(".parametrizations.weight.0.u")
        old[f"{layer}.parametrizations.weight.0._u" if found else name] = value
        if found:
            width = values["D"][f"{layer}.parametrizations.weight.original"][0].numel()
            old[f"{layer}.parametrizations.weight.0._v"] = torch.zeros(width)
    assert old.keys() != values["D"].keys()
    checkpoint.restore(resumed, values | {"D": old})
    transfer.load_weights_from(started, values | {"D": old}, log=lambda line: None)
    for state in (resumed, started):
        assert all(torch.equal(value, state.D.state_dict()[name]) for name, value in saved.D.state_dict().items())
