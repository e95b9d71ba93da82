"""ADA's parts: resampling as in the paper, frequency bands, noise and cutout."""

import math

import pytest
import torch

from gan_core.training import step
from gan_core.training.augment import ada, ada_geometry
from gan_core.training.augment.ada_corruption import cutout, frequency_bands, noise
from gan_core.training.augment.ada_geometry import Sample, filtered

ALL = "bgcfnc"


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("transforms", ["blit", "bg", "bgc", "bgcf", "bgcfn", ALL])
@pytest.mark.parametrize("resampling", ["bilinear", "wavelet"])
def test_every_choice_keeps_the_shape_and_does_nothing_without_chance(transforms, resampling):
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    out = ada.pipe(x, torch.ones([]), transforms, resampling)
    assert out.shape == x.shape and torch.isfinite(out).all() and (out - x).abs().amax([1, 2, 3]).min() > 1e-2
    assert torch.allclose(ada.pipe(x, torch.zeros([]), transforms, resampling), x, atol=1e-5)


def test_letters_choose_the_parts(monkeypatch):
    called = []
    for name in ("color", "frequency_bands", "noise", "cutout"):
        monkeypatch.setattr(ada, name, lambda x, p, name=name: (called.append(name), x)[1])
    for transforms, expected in (
        ("blit", []),
        ("bg", []),
        ("bgc", ["color"]),
        ("bgcf", ["color", "frequency_bands"]),
        ("bgcfn", ["color", "frequency_bands", "noise"]),
        (ALL, ["color", "frequency_bands", "noise", "cutout"]),
    ):
        called.clear()
        ada.pipe(torch.zeros(1, 1, 32, 32), 1.0, transforms)
        assert called == expected


def moved_by(monkeypatch, x: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    monkeypatch.setattr(ada_geometry, "sources", lambda *args, **names: where.to(x.dtype).expand(len(x), 3, 3))
    return filtered(x, 1.0)


def test_filtered_resampling_is_exact_where_pixels_fall_on_pixels(monkeypatch):
    x = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    one = torch.ones(1)
    shifted = moved_by(monkeypatch, x, ada_geometry.shift(3 * 2 / 32 * one, -5 * 2 / 32 * one))
    assert torch.allclose(shifted[..., 5:, :29], x[..., :-5, 3:], atol=1e-6)
    assert torch.allclose(
        shifted[..., 5:, 29:], x.flip(3)[..., :-5, 1:4], atol=1e-6
    )  # reflected without the border itself
    mirrored = moved_by(monkeypatch, x, ada_geometry.stretch(-one, one))
    assert torch.allclose(mirrored.mean(), x.mean(), atol=1e-3)
    line = torch.linspace(-1, 1, 32, dtype=torch.float64).sin().expand(1, 1, 32, 32)
    turned = moved_by(monkeypatch, line, ada_geometry.rotation(math.pi / 2 * one))
    assert torch.allclose(turned[0, 0, :, 9], line[0, 0, 0].flip(0), atol=0.02)


def test_filtering_leaves_less_of_what_a_smaller_image_cannot_hold(monkeypatch):
    """A chessboard of single pixels, drawn at 3/5 of its size: interpolation alone makes waves of it."""
    board = (torch.arange(64)[:, None] + torch.arange(64)) % 2 * 2.0 - 1
    board = board.expand(1, 1, 64, 64)
    where = ada_geometry.stretch(torch.full([1], 5 / 3), torch.full([1], 5 / 3))
    out = moved_by(monkeypatch, board, where)[..., 20:44, 20:44]
    plain = torch.nn.functional.grid_sample(
        board, torch.nn.functional.affine_grid(where[:, :2], [1, 1, 64, 64], align_corners=False), align_corners=False
    )[..., 20:44, 20:44]
    assert out.square().mean() < 0.25 * plain.square().mean()


def test_sampling_has_a_first_and_a_second_gradient():
    x = torch.rand(2, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    grid = torch.rand(2, 3, 4, 2, dtype=torch.float64) * 2.4 - 1.2
    look = lambda x: Sample.apply(x, grid)
    assert torch.equal(look(x), torch.nn.functional.grid_sample(x, grid, align_corners=False))
    assert torch.autograd.gradcheck(look, x) and torch.autograd.gradgradcheck(look, x)


def test_both_axes_are_shifted_by_one_chance():
    luck = ada_geometry.Luck(4000, 0.5, torch.device("cpu"), torch.float32)
    x, y = ada_geometry.sources(luck, 32, general=False, axes_apart=False)[:, :2, 2].unbind(1)
    still = (x == 0) & (y == 0)
    assert still.float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_bands_keep_flat_images_and_about_the_power():
    flat = torch.full([6, 3, 32, 32], 0.4)
    levels = frequency_bands(flat, 1.0)
    assert (levels - levels[:, :, :1, :1]).abs().max() < 1e-5  # the lowest band alone
    x = torch.randn(2, 1, 64, 64).expand(2, 3, 64, 64)
    out = frequency_bands(x, 1.0)
    assert torch.allclose(out[:, 0], out[:, 1]) and not torch.allclose(out[0] / x[0], out[1] / x[1], atol=0.1)
    assert 0.05 < (out.square().mean() / x.square().mean()).item() < 20


def test_noise_has_a_strength_for_each_image_and_cutout_is_one_square():
    zeros = torch.zeros(400, 1, 16, 16)
    deviations = noise(zeros, 1.0).std([1, 2, 3])
    assert deviations.mean().item() == pytest.approx(0.1 * math.sqrt(2 / math.pi), rel=0.15) and deviations.std() > 0.03
    holes = 1 - cutout(torch.ones(400, 1, 16, 16), 1.0)
    assert set(holes.unique().tolist()) == {0.0, 1.0}
    rows, columns = holes.amax(3).sum(2), holes.amax(2).sum(2)
    assert torch.equal((rows * columns).flatten(), holes.sum([1, 2, 3])) and rows.max() == 8 and columns.max() == 8
    assert torch.equal(cutout(torch.ones(4, 1, 16, 16), 0.0), torch.ones(4, 1, 16, 16))


@pytest.mark.parametrize("resampling, before", [("wavelet", True), ("bilinear", False)])
def test_r1_is_taken_at_the_images_before_ada_where_it_can_be_differentiated_twice(
    tiny, monkeypatch, resampling, before
):
    """An ADA that halves all images makes the gradient at the images before it half as long."""
    config = tiny(augment="ada", penalty="r1", ada_resampling=resampling)
    found = {}
    for factor in (1.0, 0.5):
        monkeypatch.setattr(ada, "pipe", lambda x, *args, factor=factor: factor * x)
        state = step.new_state(config, size=32, channels=1, num_classes=3, device=torch.device("cpu"))
        with torch.no_grad():
            state.D.blocks[0].weight /= factor  # D sees the same numbers behind its first convolution
        torch.manual_seed(1)
        stats = step.train_step(state, torch.rand(16, 1, 32, 32) * 2 - 1, torch.arange(16) % 3, config)
        found[factor] = stats["penalty"].item()
    assert found[0.5] == pytest.approx(found[1.0] if before else 4 * found[1.0], rel=1e-3)


def test_a_step_with_the_papers_ada_is_finite(tiny):
    config = tiny(augment="ada", penalty="r1", ada_resampling="wavelet", ada_transforms=ALL, batch=4)
    state = step.new_state(config, size=32, channels=3, num_classes=3, device=torch.device("cpu"))
    state.memory["ada"][0] = 0.8
    stats = step.train_step(state, torch.rand(4, 3, 32, 32) * 2 - 1, torch.arange(4) % 3, config)
    assert all(torch.isfinite(value) for value in stats.values()) and stats["penalty"] > 0
