"""Each setting that makes StyleGAN2-lite what its papers' code computes, and that the defaults are as before."""

import pytest
import torch
from torch.nn import functional as F

from gan_core.models import Spec, stylegan2
from gan_core.models.equalized import EqualLinear
from gan_core.models.resample import Filter
from gan_core.settings.rules import check_family, without_effect

PLAIN = Spec(32, 1, 3, z_dim=8, width=16, minibatch_std=True)
PAPER = Spec(
    32,
    1,
    3,
    z_dim=8,
    width=16,
    condition="mapped",
    minibatch_std=True,
    mapping_layers=8,
    normalize_z=True,
    image_border="zero",
)
Y = torch.arange(4) % 3


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_normalised_latents_make_the_length_of_z_meaningless():
    z = torch.randn(4, 8)
    for spec, same in ((PLAIN, False), (PAPER, True)):
        mapping = stylegan2.Mapping(spec)
        assert torch.allclose(mapping(z, Y), mapping(3 * z, Y), atol=1e-5) is same
    with torch.no_grad():
        other = mapping(z, Y)
        mapping.embed.weight *= 3
    assert torch.allclose(mapping(z, Y), other, atol=1e-5)
    mapping.embed.share.fill_(0.0)
    assert torch.allclose(mapping(z, Y), mapping(z, (Y + 1) % 3), atol=1e-6)  # label warm-up still counts


def test_the_mapping_has_as_many_layers_as_set_and_no_class_without_labels():
    dense = lambda net: [module for module in net.modules() if isinstance(module, EqualLinear)]
    assert [len(dense(stylegan2.Mapping(spec))) for spec in (PLAIN, PAPER)] == [2, 8]
    alone = stylegan2.Mapping(Spec(32, 1, 1, z_dim=8, normalize_z=True))
    assert alone.embed is None and alone.first.weight.shape == (8, 8)
    keys = set(stylegan2.Generator(PLAIN).state_dict())
    assert {"mapping.embed.weight", "mapping.first.weight", "mapping.second.bias"} <= keys
    assert not any("mapping.more" in key or "doubled" in key for key in keys)  # checkpoints from before fit


def test_a_doubled_image_has_zeros_beyond_its_border_or_its_border_again():
    x = torch.rand(2, 3, 8, 8)
    zero, repeat = stylegan2.DoubledImage("zero")(x), stylegan2.DoubledImage("repeat")(x)
    assert zero.shape == (2, 3, 16, 16) and torch.allclose(zero[..., 1:-1, 1:-1], repeat[..., 1:-1, 1:-1], atol=1e-6)
    assert torch.allclose(zero[..., 0, 1:-1], 0.75 * repeat[..., 0, 1:-1], atol=1e-6)
    spread = F.conv_transpose2d(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 1, 1), stride=2, output_padding=1)
    assert torch.allclose(
        Filter(padding=2, gain=4.0)(spread)[..., :-1, :-1],
        stylegan2.DoubledImage("zero")(torch.ones(1, 1, 8, 8)),
        atol=1e-6,
    )


@pytest.mark.parametrize("mixing, shares", [(0.0, (0, 0)), (1.0, (1, 1)), (0.5, (0.35, 0.65))])
def test_mixing_is_the_share_of_images_with_two_styles(mixing, shares):
    G = stylegan2.Generator(Spec(32, 1, 3, z_dim=8, width=4, mixing=mixing))
    with torch.no_grad():
        styles = G.styles(torch.randn(300, 8), torch.arange(300) % 3)
    assert styles.shape == (300, 8, 8)
    mixed = (styles[:, :1] != styles).any(2)  # [N, layers]
    assert shares[0] <= mixed.any(1).float().mean() <= shares[1]
    assert not mixed[:, 0].any() and (mixed.int().diff(dim=1) >= 0).all()  # from some layer on


def test_the_mapped_class_is_a_scaled_inner_product():
    D = stylegan2.Discriminator(PAPER)
    h = torch.randn(4, 16)
    with torch.no_grad():
        assert torch.allclose(D.logit(h, Y), (D.head(h) * D.mapped(Y)).sum(1) / 4, atol=1e-5)
        assert not torch.allclose(D.logit(h, Y), D.logit(h, (Y + 1) % 3), atol=1e-3)
        alone = stylegan2.Discriminator(Spec(32, 1, 1, z_dim=8, width=16, condition="mapped"))
        assert alone.mapped is None and torch.equal(alone.logit(h, Y), alone.head(h)[:, 0])


def test_other_families_refuse_or_grey_out_what_belongs_to_styles(tiny):
    assert set(check_family(tiny(path_length=2.0))) == {"path_length"}
    assert not check_family(tiny(family="stylegan2-lite", path_length=2.0))
    named = {"mapping_layers", "normalize_z", "mixing", "image_border", "path_length_every", "path_length"}
    assert named <= set(without_effect({"family": "r3lite"}))
    assert set(without_effect({"family": "stylegan2-lite"})) & named == {"path_length_every"}
