"""What sets the residual families apart: spectral norm, class-conditional batch norm, demodulation, growing."""

import pytest
import torch
from torch.nn import functional as F

from gan_core.models import progressive, sngan, stylegan2
from gan_core.models.resample import Filter
from gan_core.models.spec import Spec

SPEC = Spec(32, 1, 3, z_dim=8, width=16, minibatch_std=True)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


# -- sngan-projection --------------------------------------------------------------------------------------------------


def test_every_weight_of_d_has_spectral_norm_one_after_some_passes():
    D = sngan.Discriminator(SPEC)
    x, y = torch.randn(4, 1, 32, 32), torch.arange(4) % 3
    with torch.no_grad():
        for p in D.parameters():
            p.mul_(1.7)
        for _ in range(60):
            D(x, y)
    layers = [layer for layer in D.modules() if hasattr(layer, "parametrizations")]
    assert len(layers) == 4 * 3 + 2
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)
    normed = {id(p) for layer in layers for p in layer.parametrizations.parameters()}
    assert all(p.ndim == 1 or id(p) in normed for p in D.parameters())


def test_class_norm_gives_each_class_its_gain_and_bias():
    norm = sngan.ClassConditionalBatchNorm(3, 4)
    torch.nn.init.constant_(norm.gain.weight, 0.0)
    torch.nn.init.constant_(norm.bias.weight, 0.0)
    with torch.no_grad():
        norm.gain.weight[1], norm.bias.weight[2] = 1.0, 5.0
    x = torch.randn(90, 4, 8, 8) * 3 + 2
    out, y = norm(x, torch.arange(90) % 3), torch.arange(90) % 3
    for c, (mean, std) in enumerate([(0, 1), (0, 2), (5, 1)]):
        assert out[y == c].mean().item() == pytest.approx(mean, abs=0.1)
        assert out[y == c].std().item() == pytest.approx(std, rel=0.05)
    norm.gain.share.zero_(), norm.bias.share.zero_()
    assert norm(x, y).std().item() == pytest.approx(1, rel=0.01)  # labels that do not count


def test_widths_are_the_papers():
    assert sngan.generator_widths(32, 256) == [256] * 4
    assert sngan.generator_widths(64, 256) == [1024, 512, 256, 128, 64]
    assert sngan.generator_widths(128, 256) == [1024, 1024, 512, 256, 128, 64]


# -- stylegan2-lite ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("doubles", [False, True])
def test_demodulation_keeps_unit_variance_whatever_the_style(doubles):
    conv = stylegan2.Modulated(32, 32, 8, doubles=doubles)
    x = torch.randn(64, 32, 1, 1).expand(-1, -1, 16, 16)  # flat, as smoothing takes variance from white noise
    with torch.no_grad():
        for strength in (0.1, 1.0, 30.0):
            out = conv(x, strength * torch.randn(64, 8))
            inner = out[:, :, 2:-2, 2:-2].square().mean().item()
            assert inner == pytest.approx(1, rel=0.2)
        conv.demodulated = False
        assert conv(x, 30 * torch.randn(64, 8)).square().mean() > 100


def test_modulating_the_input_is_modulating_the_weights():
    conv = stylegan2.Modulated(6, 5, 8)
    x, w = torch.randn(3, 6, 7, 7), torch.randn(3, 8)
    with torch.no_grad():
        found, style = conv(x, w), conv.style(w)
        for n in range(3):
            weight = conv.weight * conv.gain * style[n][None, :, None, None]
            weight = weight / (weight.square().sum([1, 2, 3], keepdim=True) + 1e-8).sqrt()
            assert torch.allclose(found[n], F.conv2d(x[n : n + 1], weight, padding=1)[0], atol=1e-5)


@pytest.mark.parametrize("padding, stride", [(1, 1), (2, 1), (1, 2)])
def test_the_filter_and_its_first_and_second_gradient_are_those_of_a_convolution(padding, stride):
    filter = Filter(padding, stride)
    x = torch.randn(1, 2, 6, 6, requires_grad=True, dtype=torch.float64)
    filter.double()
    plain = F.conv2d(x, filter.kernel.expand(2, 1, 4, 4), None, stride, padding, groups=2)
    assert torch.allclose(filter(x), plain)
    assert torch.autograd.gradcheck(filter, x) and torch.autograd.gradgradcheck(filter, x)


def test_noise_and_mixed_styles_are_for_training_only():
    G = stylegan2.Generator(SPEC)
    with torch.no_grad():
        for layer in G.modules():
            if isinstance(layer, stylegan2.Layer):
                layer.strength.fill_(0.3)
        z, y = torch.randn(1, 8).expand(2, -1), torch.zeros(2, dtype=torch.long)
        a, b = G(z, y)
        assert (a - b).abs().max() > 1e-2
        a, b = G.eval()(z, y)
        assert torch.allclose(a, b, atol=1e-6)


def test_the_mapping_learns_a_hundred_times_slower():
    G = stylegan2.Generator(SPEC)
    images = lambda: G.eval()(torch.ones(1, 8), torch.zeros(1, dtype=torch.long)).detach()
    before, moved = images(), {}
    for name, layer in (("mapping", G.mapping.second), ("style", G.first.conv.style)):
        with torch.no_grad():
            layer.weight += 0.05
            moved[name] = (images() - before).abs().mean().item()
            layer.weight -= 0.05
    assert moved["mapping"] < moved["style"] / 5


# -- progressive -------------------------------------------------------------------------------------------------------


def test_each_level_has_twice_the_share_of_the_one_before_and_fades_in_its_first_half():
    at = lambda fifteenths: progressive.level_at(fifteenths / 15, 4)
    assert [at(p) for p in (0, 0.9, 1, 1.5, 2, 2.9, 3, 4, 5, 6.9, 7, 9, 11, 14.9, 15, 16)] == pytest.approx(
        [0, 0, 0, 0.5, 1, 1, 1, 1.5, 2, 2, 2, 2.5, 3, 3, 3, 3]
    )


def test_images_are_blocks_at_first_and_blend_into_the_next_size():
    G = progressive.Generator(SPEC)
    z, y = torch.randn(2, 8), torch.arange(2)
    blocks = lambda x, k: F.interpolate(F.avg_pool2d(x, k), scale_factor=float(k))
    with torch.no_grad():
        fresh = G(z, y)
        G.growth.at(1.0)
        assert torch.equal(fresh, G(z, y)) and not torch.allclose(fresh, blocks(fresh, 2), atol=1e-3)
        drawn = {}
        for level, progress in ((0, 0.0), (0.5, 0.1), (1, 0.15)):
            G.growth.at(progress)
            drawn[level] = G(z, y)
            assert drawn[level].shape == (2, 1, 32, 32)
        assert torch.allclose(drawn[0], blocks(drawn[0], 8), atol=1e-5)
        assert torch.allclose(drawn[1], blocks(drawn[1], 4), atol=1e-5)
        assert not torch.allclose(drawn[1], blocks(drawn[1], 8), atol=1e-3)
        assert torch.allclose(drawn[0.5], (drawn[0] + drawn[1]) / 2, atol=1e-5)
        G.eval()
        assert torch.allclose(drawn[1], G(z, y), atol=1e-5)  # at rest the buffer says how far it has grown


def test_d_sees_only_what_is_as_coarse_as_its_level():
    D = progressive.Discriminator(SPEC)
    x, y = torch.randn(4, 1, 32, 32), torch.arange(4) % 3
    fine = x + 0.5 * torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(16, 16)  # no 2 x 2 block changes its mean
    with torch.no_grad():
        assert not torch.allclose(D(x, y), D(fine, y), atol=1e-4)
        D.growth.at(0.4)
        assert torch.allclose(D(x, y), D(fine, y), atol=1e-4)
