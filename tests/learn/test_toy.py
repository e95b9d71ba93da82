"""A toy GAN finds its modes, plays the same game again with the same seed, and its modes are counted exactly."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gan_core.errors import UserError
from gan_core.learn.data import encode, source
from gan_core.learn.frames import FIELD
from gan_core.learn.losses import LOSSES
from gan_core.learn.settings import Settings
from gan_core.learn.toy import POINTS, RATE, TOYS, count_modes, picture, play

FOUR = encode(np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]))
QUICK = Settings(shape="drawn", drawing=FOUR, loss="relativistic", gamma=0.1, lr_d=RATE, lr_g=RATE)


def last(settings, steps, **more):
    *_, tick = play(settings, steps=steps, **more)
    return tick


@pytest.mark.slow
def test_it_finds_four_modes_and_tells_how_it_got_there():
    ticks = list(play(QUICK, steps=900, every=300))
    assert [tick.step for tick in ticks] == [300, 600, 900]
    assert [tick.seconds for tick in ticks] == sorted(tick.seconds for tick in ticks)
    end = ticks[-1]
    assert end.recovered and end.modes["found"] == end.modes["of"] == 4 and end.modes["kl"] < 0.3
    assert end.points.shape == (POINTS, 2) and end.field.shape == (FIELD, FIELD)
    assert 0 < end.d_fake < 1 and 0 < end.d_real < 1


def test_one_seed_one_game():
    a, b, c = (last(replace(QUICK, seed=seed), 40) for seed in (3, 3, 4))
    assert (a.points == b.points).all() and (a.field == b.field).all()
    assert not (a.points == c.points).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_every_loss_plays_with_and_without_the_penalty(loss, gamma):
    tick = last(Settings(loss=loss, gamma=gamma), 20)
    assert tick.step == 20 and np.isfinite(tick.points).all()


@pytest.mark.parametrize("shape", TOYS.values())
def test_real_points_of_a_toy_show_all_its_modes(shape):
    real = source(shape)
    points, _ = real.draw(POINTS, np.random.default_rng(0))
    found = count_modes(points, real)
    assert found["learnt"] == found["found"] == found["of"] == len(real.centers) and found["quality"] > 0.97
    assert found["kl"] < 0.05 or shape == "moons"  # whose blobs overlap
    assert len(source("grid").centers) == 25 and len(source("ring").centers) == 8


def test_dust_over_the_whole_plane_is_not_recovery():
    ring, rng = source("ring"), np.random.default_rng(0)
    dust = count_modes(rng.uniform(-3, 3, (POINTS, 2)), ring)
    assert dust["found"] == 8 and dust["learnt"] == 0
    real, _ = ring.draw(POINTS, rng)
    real[real[:, 0] > 1.9] = real[0]  # the mode at the right is lost
    assert count_modes(real, ring)["learnt"] == 7


def test_a_mode_reaches_three_standard_deviations():
    ring = source("ring")
    right = ring.centers[0]
    near, far = (right + np.array([times * ring.std, 0]) for times in (2.9, 3.1))
    found = count_modes(np.stack([near, far, [0, 0]]), ring)
    assert found["found"] == 1 and found["quality"] == pytest.approx(1 / 3) and found["counts"] == {"0": 1}


def test_time_can_be_the_limit():
    assert last(QUICK, 10_000, seconds=0.0).step == 1


def test_a_game_that_diverges_says_so():
    with pytest.raises(UserError) as caught:
        last(Settings(loss="wasserstein", lr_d=1.0, lr_g=1.0), 300)
    assert caught.value.code == "diverged"


def test_the_picture_has_points_where_they_are():
    tick = last(QUICK, 5)._replace(points=np.array([[1.5, 1.5]]))
    image = np.asarray(picture(source("ring"), tick, side=200))
    blue = np.argwhere((image == (0, 114, 178)).all(axis=2)).mean(axis=0)
    assert (
        image.shape == (200, 200, 3) and np.abs(blue - [50, 150]).max() < 1.5
    )  # row, column: above and right of the middle


def test_the_verb_tells_and_writes(ganvas, tmp_path):
    words = ("--toy", "ring", "--steps", 30, "--seed", 1)
    code, told, _ = ganvas("lab", *words, "--out", tmp_path / "points.json", "--json")
    assert code == 0 and told["of"] == 8 and told["steps"] == 30 and 0 <= told["quality"] <= 1
    kept = json.loads((tmp_path / "points.json").read_text())
    modes = count_modes(np.array(kept["points"], np.float32), source("ring"))
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
