"""The contract of models/__init__.py, for every family, size, colour and class count it offers."""

import itertools

import pytest
import torch

from gan_core.config import FAMILY_SIZES
from gan_core.models import FAMILIES

CASES = [
    (family, size, channels, classes)
    for family in FAMILIES
    for size, channels, classes in itertools.product(FAMILY_SIZES[family], (1, 3), (1, 200))
]


@pytest.mark.parametrize("family, size, channels, classes", CASES)
def test_shapes_and_range(family, size, channels, classes):
    torch.manual_seed(0)
    inner = FAMILIES[family].inner_size(size)
    G = FAMILIES[family].Generator(size, channels, classes, 8, 16)
    D = FAMILIES[family].Discriminator(size, channels, classes, 16)
    y = torch.arange(4) % classes
    images = G(torch.randn(4, 8), y)
    assert images.shape == (4, channels, inner, inner) and inner >= size
    assert images.abs().max() <= 1
    assert D(images, y).shape == (4,)


@pytest.mark.parametrize("family", FAMILIES)
def test_noise_and_label_both_reach_the_image_and_the_logit(family):
    torch.manual_seed(0)
    size = FAMILY_SIZES[family][0]
    G = FAMILIES[family].Generator(size, 1, 3, 8, 16).eval()
    D = FAMILIES[family].Discriminator(size, 1, 3, 16).eval()
    for p in D.embed.parameters():
        torch.nn.init.normal_(p)  # dcgan28 starts its label head at zero
    z, y = torch.randn(2, 8), torch.tensor([0, 1])
    a = G(z, y)
    assert (a - G(z + 1, y)).abs().max() > 1e-3
    assert (a - G(z, y + 1)).abs().max() > 1e-3
    assert (D(a, y) - D(a, y + 1)).abs().min() > 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_a_logit_depends_on_its_own_image_alone(family):
    """What R1 and R2 stand on: no batch norm in D."""
    torch.manual_seed(0)
    size = FAMILY_SIZES[family][0]
    inner = FAMILIES[family].inner_size(size)
    D = FAMILIES[family].Discriminator(size, 1, 3, 16).eval()
    x, y = torch.randn(4, 1, inner, inner), torch.tensor([0, 1, 2, 0])
    changed = x.clone()
    changed[1:] = torch.randn(3, 1, inner, inner)
    assert torch.allclose(D(x, y)[0], D(changed, y)[0], atol=1e-6)
