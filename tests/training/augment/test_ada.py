"""ADA: p follows how sure D is, the changes come as often as p says, and a step with them stays finite."""

import pytest
import torch

from gan_core.settings.families import inner_size
from gan_core.training import step
from gan_core.training.augment import ada
from gan_core.training.losses import undecided

CPU = torch.device("cpu")
SURE, UNSURE = torch.ones(8), torch.tensor([1.0, -1.0] * 4)


def run(memory: torch.Tensor, sure: torch.Tensor, steps: int, batch: int = 64) -> float:
    for k in range(steps):
        p = ada.adapt(memory, sure, k, batch, target=0.6)
    return p.item()


def test_p_goes_up_while_d_is_sure_and_down_while_it_is_not_at_the_papers_rate():
    memory = torch.zeros(3)
    assert run(memory, SURE, 3) == 0  # only every fourth step
    memory.zero_()
    assert run(memory, SURE, 400) == pytest.approx(400 * 64 / 500_000)
    assert run(memory, UNSURE, 200) == pytest.approx(200 * 64 / 500_000)
    assert run(memory, -SURE, 8, batch=50_000) == 0  # no lower
    assert run(memory, SURE, 16, batch=50_000) == 1  # no higher


def test_one_step_of_four_counts_as_a_quarter():
    """Means of signs 1, 1, 1 and -0.4: 0.65, above the target; with -1: 0.5, below it."""
    for last, way in ((torch.tensor([-1.0] * 7 + [1.0] * 3), 1), (-SURE, -1)):
        memory = torch.tensor([0.5, 0.0, 0.0])
        for k, sure in enumerate([SURE, SURE, SURE, last]):
            p = ada.adapt(memory, sure, k, 64, target=0.6)
        assert p.item() == pytest.approx(0.5 + way * 4 * 64 / 500_000)
        assert memory[1:].tolist() == [0, 0]


def test_a_d_without_a_level_is_sure_where_reals_stand_apart_from_fakes():
    real, fake = torch.full([8], 101.0), torch.full([8], 99.0)
    assert undecided("relativistic", real, fake) == 100
    assert undecided("least-squares", real, fake) == 0.5 and undecided("hinge", real, fake) == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_without_chance_nothing_changes_and_with_it_everything(channels):
    torch.manual_seed(0)
    x = torch.rand(64, channels, 32, 32) * 2 - 1
    assert torch.equal(ada.pipe(x, torch.zeros([])), x)
    out = ada.pipe(x, torch.ones([]))
    assert out.shape == x.shape and torch.isfinite(out).all()
    assert ((out - x).abs().amax([1, 2, 3]) > 1e-3).all()


def test_each_image_has_its_own_luck():
    torch.manual_seed(0)
    x = torch.rand(4000, 1, 4, 4) * 2 - 1
    still = (ada.pipe(x, torch.tensor(0.05)) == x).flatten(1).all(1).float().mean().item()
    # Mirror and turns by a quarter may be drawn as none; luma, too; hue and saturation do nothing to greys. What is left: whole
    # shift, two scales, two turns, a shift in between, brightness, contrast, and those halves.
    expected = 0.95**6 * 0.95 * 0.975 * (1 - 0.05 * 0.75) * 0.975
    assert still == pytest.approx(expected, abs=0.04)


def test_black_and_white_stay_in_a_sane_range_and_hue_leaves_grey_alone():
    torch.manual_seed(0)
    for tone in (-1.0, 1.0):
        out = ada.pipe(torch.full([500, 3, 8, 8], tone))
        assert out.abs().median() < 2 and out.abs().max() < 20
        assert (out.max(1).values - out.min(1).values).max() < 1e-4 * out.abs().max()  # still grey
        assert (out - out[:, :, :1, :1]).abs().max() < 1e-4  # no border comes in


def test_geometry_moves_pixels_and_keeps_what_is_in_the_middle():
    """A turn and a stretch keep a centred disc a blob: the mean brightness stays near, pixel by pixel it does not."""
    torch.manual_seed(0)
    line = torch.linspace(-1, 1, 32)
    disc = ((line[:, None] ** 2 + line[None] ** 2) < 0.25).float().expand(200, 1, 32, 32)
    out = ada.bilinear(disc, torch.tensor(0.5))
    assert out.min() >= 0 and out.max() <= 1 + 1e-5
    assert out.mean().item() == pytest.approx(disc.mean().item(), rel=0.25)


def test_the_gradient_flows_through_every_change():
    torch.manual_seed(0)
    x = (torch.rand(8, 3, 16, 16) * 2 - 1).requires_grad_()
    ada.pipe(x, torch.tensor(0.8)).square().sum().backward()
    assert torch.isfinite(x.grad).all() and (x.grad.abs().amax([1, 2, 3]) > 0).all()


@pytest.mark.parametrize("family, penalty", [("r3lite", "r1+r2"), ("r3lite", "gp"), ("dcgan28", "none")])
def test_a_step_with_ada_is_finite_and_tells_p(tiny, family, penalty):
    loss = "nonsaturating" if penalty != "gp" else "wasserstein"
    config = tiny(family=family, loss=loss, penalty=penalty, gamma=1.0, augment="ada")
    state = step.new_state(config, size=28, channels=1, num_classes=3, device=CPU)
    state.memory["ada"][0] = 0.8
    side = inner_size(family, 28)
    for _ in range(4):
        stats = step.train_step(state, torch.rand(16, 1, side, side) * 2 - 1, torch.arange(16) % 3, config)
    assert all(torch.isfinite(value) for value in stats.values())
    assert penalty == "none" or stats["penalty"] > 0
    assert stats["ada_p"].item() in (pytest.approx(0.8 + 4 * 16 / 500_000), pytest.approx(0.8 - 4 * 16 / 500_000))
    assert all(torch.isfinite(p).all() for p in state.G.parameters())


def test_a_leak_is_told_once_and_only_where_it_lasts():
    watch = ada.LeakWatch()
    assert watch(None, 0) is None and watch(0.9, 0) is None
    assert watch(0.7, 10_000) is None and watch(0.9, 20_000) is None and watch(0.9, 39_000) is None
    assert "p = 0.90" in (watch(0.9, 40_000) or "")
    assert watch(0.9, 100_000) is None
