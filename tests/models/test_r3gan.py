"""R3GAN's networks: what the start, the sizes and the precision of arXiv:2501.05441 mean."""

import pytest
import torch
from torch.nn import functional as F

from gan_core.models import Spec, r3gan
from gan_core.settings.recipes import start


def networks(size=32, width=16, classes=3):
    torch.manual_seed(0)
    spec = Spec(size, 3, classes, z_dim=8, width=width)
    return r3gan.Generator(spec), r3gan.Discriminator(spec)


def with_working_blocks(net):
    """The last convolution of each block is zero at the start; here it is not."""
    for module in net.modules():
        if isinstance(module, r3gan.Residual):
            torch.nn.init.normal_(module.narrow.weight, std=0.05)
    return net


def test_the_widths_are_those_of_the_paper_and_always_multiples_of_16():
    assert [r3gan.channels(4 << level, 768) for level in range(7)] == [768, 768, 768, 768, 384, 192, 96]
    assert all(r3gan.channels(side, width) % 16 == 0 for side in (4, 64, 256) for width in (4, 24, 100, 512))
    block = r3gan.Residual(768, 8)
    assert block.look.groups == 96 and block.widen.out_channels == 1536


def test_at_the_start_blocks_let_everything_through_and_then_they_work():
    block, x = r3gan.Residual(16, 8), torch.randn(2, 16, 4, 4)
    assert torch.equal(block(x), x)
    assert (with_working_blocks(block)(x) - x).abs().max() > 1e-3


@pytest.mark.slow
def test_a_fresh_network_keeps_the_variance():
    torch.manual_seed(0)
    block = r3gan.Residual(256, 1)
    with torch.no_grad():
        h = F.leaky_relu(block.widen(torch.randn(4, 256, 8, 8)), r3gan.SLOPE)
        looked = F.leaky_relu(block.look(h)[..., 1:-1, 1:-1], r3gan.SLOPE)  # beyond the border there are zeros
    assert h.square().mean().item() == pytest.approx(1, abs=0.1)
    assert looked.square().mean().item() == pytest.approx(1, abs=0.1)
    G, D = networks(size=64, width=128)
    images = G(torch.randn(64, 8), torch.arange(64) % 3)
    assert 0.2 < images.std() < 1.5 and 0.01 < D(images, torch.arange(64) % 3).std() < 2


def test_sizes_change_by_the_filter_1_2_1():
    """It doubles as bilinear interpolation does, with zeros beyond the border, and halving is a quarter of its transpose."""
    up, down = r3gan.Up(16, 16), r3gan.Down(16, 16)
    x, y = torch.randn(2, 16, 4, 4), torch.randn(2, 16, 8, 8)
    padded = F.interpolate(F.pad(x, [1, 1, 1, 1]), scale_factor=2.0, mode="bilinear")[..., 2:-2, 2:-2]
    assert torch.allclose(up(x), padded, atol=1e-6)
    assert (up(x) * y).sum().item() == pytest.approx((x * 4 * down(y)).sum().item(), rel=1e-4)


def test_the_penalty_has_a_gradient_that_is_right():
    _, D = networks(size=32)
    D = with_working_blocks(D).double()
    change = lambda x: D.stages[:-1](D.from_image(x)).square().sum()
    x = torch.rand(1, 3, 32, 32, dtype=torch.float64) * 2 - 1
    way = torch.randn_like(x)

    def penalty(share):
        at = (x + share * way).requires_grad_()
        (gradient,) = torch.autograd.grad(change(at), at, create_graph=True)
        return gradient.square().sum()

    share = torch.zeros([], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(penalty(share), share)
    with torch.enable_grad():
        step = 1e-6
        measured = (penalty(torch.tensor(step).double()) - penalty(torch.tensor(-step).double())).item() / (2 * step)
    assert slope.item() == pytest.approx(measured, rel=1e-4)


@pytest.mark.slow
def test_under_autocast_coarse_layers_and_logits_keep_their_precision():
    G, D = (with_working_blocks(net) for net in networks(size=128))
    seen = {}
    for name, net in (("G", G), ("D", D)):
        for stage in net.stages:
            stage.register_forward_hook(
                lambda module, taken, out, name=name: seen.setdefault(name, []).append(out.dtype)
            )
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = D(G(torch.randn(2, 8), torch.tensor([0, 1])), torch.tensor([0, 1]))
    whole, half = torch.float32, torch.bfloat16
    assert seen["G"] == [whole, whole, half, half, half, half]  # 4, 8, ... 128 px
    assert seen["D"] == [half, half, half, half, whole, whole] and logits.dtype == whole


def test_while_labels_do_not_count_d_takes_the_mean_of_all_classes():
    _, D = networks()
    x, y = torch.randn(2, 3, 32, 32), torch.tensor([0, 1])
    with torch.no_grad():
        each = torch.stack([D(x, torch.full([2], c)) for c in range(3)])
        D.embed.share.fill_(0.0)
        assert torch.allclose(D(x, y), D(x, y + 1)) and torch.allclose(D(x, y), each.mean(0), atol=1e-5)


@pytest.mark.parametrize("size, gamma", [(28, 0.05), (64, 2.0), (256, 150.0)])
def test_the_recipe_has_the_papers_gamma_for_each_size(size, gamma):
    assert start("r3gan", size=size, train_images=60_000).gamma == gamma
    assert start("r3gan", size=size, train_images=20).batch == 16
