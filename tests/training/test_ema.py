"""The running average of G."""

import pytest
import torch

from gan_core.training import ema


def test_ema_is_a_half_life_in_images(tiny):
    average, net = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(average.weight), torch.nn.init.ones_(net.weight)
    for _ in range(10):
        ema.update(average, net, half_life_images=100, images_seen=10**9, batch=10)
    assert average.weight.item() == pytest.approx(0.5)
    ema.update(average, net, half_life_images=0, images_seen=10**9, batch=10)
    assert average.weight.item() == 1.0


def test_the_average_ramps_up_so_that_a_short_run_has_one():
    average, net = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(average.weight), torch.nn.init.ones_(net.weight)
    ema.update(average, net, half_life_images=10_000, images_seen=200, batch=10)  # half-life 10: 5 % of 200
    assert average.weight.item() == pytest.approx(0.5)
