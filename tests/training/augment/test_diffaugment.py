"""DiffAugment keeps shapes and gradients."""

import pytest
import torch

from gan_core.training.augment import diffaugment


@pytest.mark.parametrize("name", diffaugment.AUGMENTS)
def test_augmentation_keeps_shape_and_gradient_and_each_image_gets_its_own(name):
    torch.manual_seed(0)
    x = torch.rand(1, 3, 16, 16).expand(8, -1, -1, -1).clone().requires_grad_()
    out = diffaugment.augment(name, x)
    out.sum().backward()
    assert out.shape == x.shape and torch.isfinite(x.grad).all()
    assert (name == "none") == torch.allclose(out[0], out[1])


def test_translation_moves_pixels_and_invents_none():
    torch.manual_seed(0)
    x = torch.zeros(64, 1, 16, 16)
    x[:, :, 8, 8] = 1
    out = diffaugment.translation(x)
    assert torch.equal(out.sum([1, 2, 3]), torch.ones(64))  # the dot is still there, once
    places = out.flatten(1).argmax(1)
    rows, columns = places // 16, places % 16
    assert rows.min() == columns.min() == 6 and rows.max() == columns.max() == 10
