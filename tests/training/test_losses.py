"""The losses have their known values."""

import math

import pytest
import torch

from gan_core.training.losses import LOSSES, label_smoothing_term, probabilities

KNOWN = {  # (d, g) of logits zero and zero; (d, g) of real 2 and fake -1
    "nonsaturating": (
        2 * math.log(2),
        math.log(2),
        math.log1p(math.exp(-2)) + math.log1p(math.exp(-1)),
        math.log1p(math.e),
    ),
    "minimax": (
        2 * math.log(2),
        -math.log(2),
        math.log1p(math.exp(-2)) + math.log1p(math.exp(-1)),
        -math.log1p(1 / math.e),
    ),
    "hinge": (2.0, 0.0, 0.0, 1.0),
    "least-squares": (0.5, 0.5, 1.0, 2.0),
    "wasserstein": (0.0, 0.0, -3.0, 1.0),
    "relativistic": (math.log(2), math.log(2), math.log1p(math.exp(-3)), math.log1p(math.exp(3))),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_have_their_known_values(name):
    loss, zero = LOSSES[name], torch.zeros(4)
    found = [f(real, fake).item() for real, fake in ((zero, zero), (zero + 2, zero - 1)) for f in (loss.d, loss.g)]
    assert found == pytest.approx(KNOWN[name], rel=1e-6)
    assert loss.g(zero, zero - 1) > loss.g(zero, zero + 0.5)
    assert (loss.d(zero + 5, zero + 4) == loss.d(zero + 1, zero)).item() == loss.relativistic  # only differences count?
    d_real, d_fake = probabilities(loss, zero + 2, zero - 2)
    assert 0.5 < d_real <= 1 and 0 <= d_fake < 0.5


def test_soft_targets_are_the_cross_entropy_with_those_targets():
    real, fake, t_real, t_fake = torch.randn(9), torch.randn(9), torch.rand(9), torch.rand(9)
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    whole = LOSSES["nonsaturating"].d(real, fake) + label_smoothing_term(real, fake, t_real, t_fake)
    assert whole.item() == pytest.approx((bce(real, t_real) + bce(fake, t_fake)).item(), rel=1e-5)
