"""Path length regularization: the formula on a G whose lengths are known, its running mean, and when a step has it."""

import pytest
import torch

from gan_core.training import path_length, step
from tests.training.test_step import fresh

BATCH = torch.arange(8) % 3


def test_the_length_of_a_linear_g_is_that_of_its_matrix():
    """images = sum of the layers' styles times a matrix; noise is the same for both images."""
    torch.manual_seed(0)
    matrix = torch.randn(5, 1 * 4 * 4)
    styles = torch.randn(2, 3, 5, requires_grad=True)
    images = (styles.sum(1) @ matrix).view(2, 1, 4, 4)
    noise = torch.randn(1, 1, 4, 4).expand(2, -1, -1, -1)
    length = (matrix @ noise[0].flatten()).norm() / 4  # the root mean square of three equal layers; sqrt(4 * 4) = 4
    mean = torch.tensor(2.0)
    found = path_length.squared_deviations(images, styles, noise, mean)
    moved = 2 + 0.01 * (length - 2)
    assert mean.item() == pytest.approx(moved.item(), rel=1e-5)
    assert torch.allclose(found, (length - moved).square().expand(2), rtol=1e-4)


def test_an_update_of_g_has_it_every_fourth_time_and_it_changes_the_update(tiny, monkeypatch):
    config = tiny(family="stylegan2-lite", batch=8, width=4, minibatch_std=True, path_length=2.0, penalty="none")
    state, seen, original = fresh(config), [], path_length.regularization
    monkeypatch.setattr(
        path_length,
        "regularization",
        lambda G, labels, *rest: (seen.append(len(labels)), original(G, labels, *rest))[1],
    )
    real = torch.rand(8, 1, 32, 32) * 2 - 1
    due = []
    for _ in range(5):
        before = len(seen)
        stats = step.train_step(state, real, BATCH, config)
        due.append(len(seen) > before)
        assert all(torch.isfinite(value) for value in stats.values())
    assert due == [True, False, False, False, True] and state.memory["path_length"] > 0
    assert all(torch.isfinite(p).all() for p in state.G.parameters())


def test_it_uses_half_the_batch_and_counts_weight_times_interval(tiny, monkeypatch):
    config = tiny(family="stylegan2-lite", path_length=2.0, path_length_every=8)
    G, sizes = fresh(config).G, []
    monkeypatch.setattr(
        path_length,
        "squared_deviations",
        lambda images, styles, noise, mean: (sizes.append((len(images), styles.shape, noise.shape)), torch.ones(4))[1],
    )
    assert path_length.regularization(G, BATCH, config, torch.zeros([])).item() == 16
    assert sizes == [(4, (4, 8, 8), (4, 1, 32, 32))]


@pytest.mark.slow
def test_it_makes_lengths_more_alike(tiny):
    """A few updates by the regularization alone bring the lengths nearer to their running mean."""
    torch.manual_seed(0)
    config = tiny(family="stylegan2-lite", path_length=1.0, path_length_every=1, mixing=0.0, width=8)
    state = fresh(config)
    G, mean = state.G, torch.tensor(0.2)
    optimizer = torch.optim.Adam(G.parameters(), lr=1e-3)
    history = []
    for _ in range(25):
        loss = path_length.regularization(G, BATCH, config, mean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert sum(history[-5:]) < 0.5 * sum(history[:5])
