"""The running average of G."""

import pytest
import torch

from gan_core.training import ema


def test_ema_is_a_half_life_in_images():
    average, net = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(average.weight), torch.nn.init.ones_(net.weight)
    share = torch.tensor(ema.share(half_life_images=100, images_seen=10**9, batch=10))
    for _ in range(10):
        ema.update(ema.pairs(average, net), share)
    assert average.weight.item() == pytest.approx(0.5)
    ema.update(ema.pairs(average, net), None)
    assert average.weight.item() == 1.0 == ema.share(half_life_images=0, images_seen=10**9, batch=10)


def test_the_average_ramps_up_so_that_a_short_run_has_one():
    assert ema.share(half_life_images=10_000, images_seen=200, batch=10) == pytest.approx(
        0.5
    )  # half-life 10: 5 % of 200


def test_the_statistics_of_every_dtype_are_those_of_the_net():
    average, net = torch.nn.BatchNorm2d(3), torch.nn.BatchNorm2d(3)
    found = ema.pairs(average, net)
    for _ in range(2):
        net(torch.randn(4, 3, 2, 2) + 5)
    ema.update(found, torch.tensor(0.5))
    assert average.num_batches_tracked == 2 and torch.equal(average.running_mean, net.running_mean)
