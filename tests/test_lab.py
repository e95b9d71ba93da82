"""lab.py and its verb: a toy GAN finds the modes, is the same again with the same seed, and its modes are counted exactly."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core.errors import UserError
from gan_core.evaluation.mode_counting import gaussian_modes
from gan_core.lab import FIELD, POINTS, TOYS, Settings, Toy, look, picture, play
from gan_core.training.losses import LOSSES

FOUR = Toy("4 Gaussians", np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]), 0.2)
QUICK = Settings(gamma=0.1, width=32, z_dim=8, batch=64, average_points=6400)


def last(toy, settings, steps, **more):
    *_, tick = play(toy, settings, steps=steps, **more)
    return tick


def test_it_finds_four_modes_and_tells_how_it_got_there():
    ticks = list(play(FOUR, QUICK, steps=300, every=100))
    assert [tick.step for tick in ticks] == [100, 200, 300]
    assert [tick.seconds for tick in ticks] == sorted(tick.seconds for tick in ticks)
    end = ticks[-1]
    assert end.recovered and end.modes["found"] == end.modes["of"] == 4 and end.modes["kl"] < 0.3
    assert end.points.shape == (POINTS, 2) and end.field.shape == (FIELD, FIELD)
    assert 0 < end.d_fake < 1 and 0 < end.d_real < 1 and np.isfinite([end.loss_d, end.loss_g]).all()


def test_the_field_is_what_d_says_with_y_upwards():
    D = lambda points: points[:, 0] + 10 * points[:, 1]
    tick = look(FOUR, torch.nn.Identity(), D, torch.tensor([[1.0, -1.0]]), 7, 0.0, 1.0, 2.0, 0.5, 0.5)
    axis = np.linspace(-2, 2, FIELD)
    assert tick.field == pytest.approx(axis[None] + 10 * axis[:, None], abs=1e-4)
    assert tick.step == 7 and tick.modes["found"] == 1 and tick.modes["counts"] == {"1": 1}


def test_one_seed_one_game_and_torch_keeps_its_numbers():
    before = torch.random.get_rng_state()
    a, b, c = (last(FOUR, QUICK, 40, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert (a.points == b.points).all() and (a.field == b.field).all() and a.loss_g == b.loss_g
    assert not (a.points == c.points).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_every_loss_plays_with_and_without_the_penalty(loss, gamma):
    tick = last(FOUR, replace(QUICK, loss=loss, gamma=gamma), 20)
    assert tick.step == 20 and np.isfinite(tick.points).all()


def test_the_penalty_holds_the_slope_of_d():
    free, held = (last(FOUR, replace(QUICK, gamma=gamma), 100).field for gamma in (0.0, 100.0))
    assert np.ptp(held) < 0.2 * np.ptp(free)


@pytest.mark.parametrize("name", TOYS)
def test_real_points_of_a_toy_show_all_its_modes(name):
    toy = TOYS[name]
    points = toy.draw(POINTS, torch.Generator().manual_seed(0)).numpy()
    found = gaussian_modes(points, toy.centres, toy.std)
    assert found["found"] == found["of"] == len(toy.centres) and found["quality"] > 0.97 and found["kl"] < 0.05
    assert np.abs(points).max() < toy.reach
    assert len(TOYS["gaussians"].centres) == 25 and len(TOYS["ring"].centres) == 8


def test_dust_over_the_whole_plane_is_not_recovery():
    tick = next(play(TOYS["ring"], QUICK, steps=1))
    dust = np.random.default_rng(0).uniform(-3, 3, (POINTS, 2))
    modes = gaussian_modes(dust, TOYS["ring"].centres, TOYS["ring"].std)
    dusty = replace(tick, modes=modes)
    assert modes["found"] == 8 and dusty.learnt == 0 and not dusty.recovered
    real = TOYS["ring"].draw(POINTS, torch.Generator().manual_seed(0)).numpy()
    real[real[:, 0] > 1.9] = real[0]  # the mode at the right is lost
    modes = gaussian_modes(real, TOYS["ring"].centres, TOYS["ring"].std)
    assert replace(tick, modes=modes).learnt == 7


def test_time_can_be_the_limit_and_a_caller_may_walk_away():
    assert last(FOUR, QUICK, 10_000, seconds=0.0).step == 1
    assert [tick.step for tick in itertools.islice(play(FOUR, QUICK, steps=10_000, every=5), 2)] == [5, 10]


def test_a_game_that_diverges_says_so():
    with pytest.raises(UserError) as caught:
        last(FOUR, replace(QUICK, loss="wasserstein", gamma=0.0, lr=1e9), 300)
    assert caught.value.code == "diverged"


def test_the_picture_has_points_and_rings_where_they_are():
    tick = last(FOUR, QUICK, 5)
    image = np.asarray(picture(FOUR, replace(tick, points=np.array([[1.0, 1.0]])), side=200))
    assert image.shape == (200, 200, 3)
    blue = np.argwhere((image == (0, 114, 178)).all(axis=2)).mean(axis=0)
    assert np.abs(blue - [50, 150]).max() < 1.5  # row, column: above and right of the middle


def test_the_verb_tells_and_writes(ganvas, tmp_path):
    words = ("--toy", "ring", "--steps", 30, "--seed", 1)
    code, told, _ = ganvas("lab", *words, "--out", tmp_path / "points.json", "--json")
    assert code == 0 and told["of"] == 8 and told["steps"] == 30 and 0 <= told["quality"] <= 1
    kept = json.loads((tmp_path / "points.json").read_text())
    modes = gaussian_modes(np.array(kept["points"]), TOYS["ring"].centres, TOYS["ring"].std)
    assert (modes["found"], modes["quality"]) == (told["found"], told["quality"])
    code, text, _ = ganvas("lab", *words, "--gamma", 0, "--loss", "nonsaturating", "--out", tmp_path / "points.png")
    assert code == 0 and "of 8 modes found" in text and Image.open(tmp_path / "points.png").size == (512, 512)


@pytest.mark.parametrize(
    "words, said",
    [
        (("--toy", "swirl"), "ring"),
        (("--loss", "best"), "hinge"),
        (("--gamma", "nan"), "strength"),
        (("--gamma", "-1"), "strength"),
        (("--seed", "-1"), "seed"),
        (("--out", "points.gif"), ".png"),
        (("--out", "no/such/points.png"), "folder"),
    ],
)
def test_what_the_verb_refuses(ganvas, words, said):
    code, text, err = ganvas("lab", *words, "--steps", 1)
    assert code == 2 and not text and said in err and "Traceback" not in err
