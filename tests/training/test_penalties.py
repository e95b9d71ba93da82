"""Each gradient penalty equals its formula."""

import pytest
import torch

from gan_core.training import penalties


def test_the_gradient_penalty_of_a_linear_d_is_its_squared_slope():
    x = torch.randn(5, 3, 4, 4, requires_grad=True)
    slope = torch.randn(3, 4, 4)
    values = penalties.r1_penalty(x, (x * slope).sum([1, 2, 3]))
    assert torch.allclose(values, slope.square().sum().expand(5))


def test_the_penalty_between_real_and_fake_is_nought_for_a_slope_of_one():
    slope = torch.randn(1, 4, 4)
    slope /= slope.norm()
    D = lambda x, y: (x * slope).sum([1, 2, 3])
    real, fake, y = torch.randn(8, 1, 4, 4), torch.randn(8, 1, 4, 4), torch.zeros(8)
    assert penalties.gradient_penalty(D, real, fake, y).max() < 1e-6
    assert penalties.gradient_penalty(lambda x, y: 3 * D(x, y), real, fake, y).mean().item() == pytest.approx(
        4.0, rel=1e-4
    )


def test_lecam_pulls_reals_to_the_running_mean_of_fakes_and_the_other_way():
    anchors = torch.tensor([2.0, -1.0])
    value = penalties.lecam(torch.full((4,), 3.0), torch.full((4,), 0.0), anchors)
    # anchors move one part in a hundred towards the means 3 and 0 first
    assert anchors.tolist() == pytest.approx([2.01, -0.99])
    assert value.item() == pytest.approx((3 + 0.99) ** 2 + (0 - 2.01) ** 2, rel=1e-5)
