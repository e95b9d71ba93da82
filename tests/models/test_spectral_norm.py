"""Spectral norm: its value and gradient, and checkpoints that were written with torch's own."""

import pytest
import torch

from gan_core.models.spectral_norm import SpectralNorm, renamed, spectral_norm


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
    assert torch.allclose(mine.train()(x), theirs.train()(x), atol=1e-5)
    assert renamed(mine.state_dict()).keys() == mine.state_dict().keys()
