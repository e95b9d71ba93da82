"""The convolution of networks under a gradient penalty: the same derivatives as PyTorch's, and none that is not wanted."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gan_core.models.convolution import TwiceDifferentiableConv2d, double_and_convolve, for_penalty
from gan_core.training.penalties import r1_penalty
from tests.builders.recorded_step import recorded

LAYERS = {
    "strided": lambda: nn.Conv2d(3, 4, 4, 2, 1),
    "grouped": lambda: nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False),
    "uneven": lambda: nn.Conv2d(1, 3, 5, 2, 2),
}


def gradients(layer, x):
    """Of a loss with a penalty on the gradient at x: at the weights and at x; through a curved function, so that none vanishes."""
    x = x.clone().requires_grad_()
    logits = layer(x).square().flatten(1).sum(1)
    loss = logits.mean() + r1_penalty(x, logits).mean()
    return torch.autograd.grad(loss, [x, *layer.parameters()])


@pytest.mark.parametrize("name", LAYERS)
def test_its_second_derivatives_are_those_of_pytorch(name):
    torch.manual_seed(0)
    plain = LAYERS[name]().double()
    mine = copy.deepcopy(plain)
    for_penalty(nn.Sequential(mine))
    assert type(mine) is TwiceDifferentiableConv2d and mine.state_dict().keys() == plain.state_dict().keys()
    x = torch.randn(2, plain.in_channels, 7, 7, dtype=torch.float64)
    assert torch.equal(mine(x), plain(x))
    for a, b in zip(gradients(mine, x), gradients(plain, x), strict=True):
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-12)


def test_a_frozen_weight_costs_no_derivative_and_no_filter_is_as_large_as_a_map():
    layer = nn.Conv2d(3, 4, 3, padding=1, bias=False)
    head = nn.Conv2d(4, 1, 1)
    layer.requires_grad_(False)
    for_penalty(net := nn.Sequential(layer, nn.ReLU(), head))
    x = torch.randn(2, 3, 16, 16, requires_grad=True)

    def learn():
        logits = net(x).flatten(1).square().sum(1)
        r1_penalty(x, logits).mean().backward(inputs=list(head.parameters()))

    calls = recorded(learn)[0].calls
    filters = [args[1] for func, args, _, _ in calls if func.overloadpacket.__name__ == "convolution"]
    assert filters and max(max(weight.shape[2:]) for weight in filters) <= 3
    backward = [args for func, args, _, _ in calls if func.overloadpacket.__name__ == "convolution_backward"]
    assert not [args for args in backward if args[2].shape == layer.weight.shape and args[10][1]]


@pytest.mark.parametrize("frozen", [False, True])
def test_under_autocast_it_computes_in_bfloat16(frozen):
    layer = nn.Conv2d(16, 16, 3).requires_grad_(not frozen)
    for_penalty(nn.Sequential(layer))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(1, 16, 5, 5, requires_grad=True)).dtype == torch.bfloat16


def test_doubling_and_convolving_in_one_is_both_after_each_other():
    torch.manual_seed(0)
    x, weight = (torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((2, 3, 5, 5), (4, 3, 3, 3)))
    plain = F.conv2d(F.interpolate(x, scale_factor=2.0), weight, padding=1)
    mine = double_and_convolve(x, weight)
    assert torch.allclose(mine, plain, atol=1e-12)
    toward = torch.randn_like(plain)
    for a, b in zip(*(torch.autograd.grad(out, [x, weight], toward) for out in (mine, plain)), strict=True):
        assert torch.allclose(a, b, atol=1e-12)
