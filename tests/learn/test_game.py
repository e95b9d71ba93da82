"""The laboratory's game: gradients are those of torch, the same settings give the same frames, numbers say what is seen."""

import os
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from gan_core.errors import UserError
from gan_core.learn import data, frame_cache, frames, game, losses, moves, networks
from gan_core.learn.frame_process import FrameMaker
from gan_core.learn.frames import Viewer, unpack
from gan_core.learn.game import Game, play
from gan_core.learn.settings import OFFERED, Settings, build
from gan_core.training.losses import LOSSES, level
from gan_core.training.penalties import r1_penalty

RNG = np.random.default_rng(0)
EXPLODES = Settings(loss="wasserstein", lr_d=1.0, lr_g=1.0)


def tensors(net):
    return [torch.from_numpy(w.astype(np.float64)).requires_grad_() for w in net]


def by_torch(net, x):
    h = torch.nn.functional.leaky_relu(x @ net[0] + net[1], networks.SLOPE)
    h = torch.nn.functional.leaky_relu(h @ net[2] + net[3], networks.SLOPE)
    return h @ net[4] + net[5]


def test_the_way_back_through_a_network_is_that_of_torch():
    net = networks.new(3, 16, 2, RNG)
    x, slope = RNG.standard_normal((7, 3)).astype(np.float32), RNG.standard_normal((7, 2)).astype(np.float32)
    out, seen = networks.forward(net, x)
    by_weights, by_input = networks.backward(net, seen, slope)
    theirs, tx = tensors(net), torch.from_numpy(x.astype(np.float64)).requires_grad_()
    expected = by_torch(theirs, tx)
    expected.backward(torch.from_numpy(slope.astype(np.float64)))
    assert out == pytest.approx(expected.detach().numpy(), abs=1e-5)
    for mine, their in zip([*by_weights, by_input], [*theirs, tx], strict=True):
        assert mine == pytest.approx(their.grad.numpy(), abs=1e-4)


def test_the_penalty_is_r1_and_r2_of_real_runs():
    net = networks.new(2, 16, 1, RNG)
    x = RNG.standard_normal((9, 2)).astype(np.float32)
    _, seen = networks.forward(net, x)
    value, by_weights = networks.gradient_penalty(net, seen, 0.7)
    theirs, images = tensors(net), torch.from_numpy(x.astype(np.float64)).view(9, 2, 1, 1).requires_grad_()
    total = 0.7 * r1_penalty(images, by_torch(theirs, images.view(9, 2))[:, 0]).sum()
    total.backward()
    assert value == pytest.approx(total.item(), rel=1e-4)
    for number in (0, 2, 4):  # the biases do not bend the slope
        assert by_weights[number] == pytest.approx(theirs[number].grad.numpy(), abs=1e-3)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_that_of_real_runs(name):
    assert list(losses.LOSSES) and set(losses.LOSSES) == set(LOSSES)
    real, fake = RNG.standard_normal(11) * 2, RNG.standard_normal(11) * 2
    for mine, theirs in ((losses.LOSSES[name].d, LOSSES[name].d), (losses.LOSSES[name].g, LOSSES[name].g)):
        t_real, t_fake = (torch.from_numpy(x.copy()).requires_grad_() for x in (real, fake))
        expected = theirs(t_real, t_fake)
        expected.backward()
        value, by_real, by_fake = mine(real, fake)
        assert value == pytest.approx(expected.item(), abs=1e-6)
        assert by_fake == pytest.approx(t_fake.grad.numpy(), abs=1e-6)
        assert by_real == pytest.approx(np.zeros(11) if t_real.grad is None else t_real.grad.numpy(), abs=1e-6)
    middle = level(name)
    assert losses.LOSSES[name].relative == (middle is None)
    undecided = losses.answers(losses.LOSSES[name], np.array([0.3 if middle is None else middle]), 0.3)
    assert undecided[0] == pytest.approx(0.5)


def test_how_crowded_it_is_pushes_points_apart():
    x = RNG.standard_normal((6, 2))
    weight = RNG.standard_normal(6)
    tx = torch.from_numpy(x.copy()).requires_grad_()
    near = torch.exp(-(tx[:, None] - tx[None]).square().sum(2) / game.NEAR**2).mean(1)
    (near @ torch.from_numpy(weight)).backward()
    assert game.crowding(x, x) == pytest.approx(near.detach().numpy(), abs=1e-5)
    assert game.crowding_slope(x, weight) == pytest.approx(tx.grad.numpy(), abs=1e-5)


WAYS = some.lists(some.tuples(some.sampled_from("rdg"), some.integers(1, 30)), max_size=6)


@given(WAYS)
def test_one_way_has_one_text(parts):
    told = moves.parse("".join(f"{letter}{count}" for letter, count in parts))
    letters = "".join(("dg" if letter == "r" else letter) * count for letter, count in parts)
    assert moves.letters(told) == letters and moves.turns(told) == len(letters)
    again: moves.Moves = ()
    for letter in letters:  # one at a time, as the buttons do
        again = moves.add(again, letter, 1)
    assert again == told == moves.parse(moves.text(told))
    assert "dg" not in "".join(letter for letter, _ in told)


@pytest.mark.parametrize("spoilt", ["r", "x3", "r5 ", "r99999", "r4001", "d1g1" * 50 + "g", "r-1", "r1;d1"])
def test_a_way_that_is_none_is_refused(spoilt):
    with pytest.raises(UserError):
        moves.parse(spoilt)


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(labels=True, crowd=True, gamma=0.3, blur=0.1, d_steps=2, loss="relativistic")]
)
def test_the_same_settings_give_the_same_game_however_it_is_cut(settings):
    whole = play(settings, "r12d2g1")
    part = Game.restored(settings, play(settings, "r7").kept())
    part.take("dg" * 5 + "ddg")
    assert all((a == b).all() for a, b in zip([*whole.G, *whole.D], [*part.G, *part.D], strict=True))
    other = play(replace(settings, seed=2), "r12d2g1")
    assert not (whole.G[0] == other.G[0]).all()


@pytest.mark.slow
def test_every_address_of_one_moment_shows_the_same_picture(tmp_path):
    settings = Settings(lr_g=0.01)
    for order in (
        (("fast", "r50"), ("slow", "r60"), ("one", "r65")),
        (("one", "r65"), ("slow", "r60"), ("fast", "r50")),
    ):
        root = tmp_path / order[0][0]
        player, seen = FrameMaker(root), []
        for kind, way in order:
            player.make(settings, kind, way)
            told, pictures = unpack((frame_cache.folder(root, settings) / f"{kind}-{way}.bin").read_bytes())
            seen += [
                (row, picture) for row, picture in zip(told["frames"], pictures, strict=True) if row["moves"] == "r65"
            ]
        assert len(seen) == 3 and all(one == seen[0] for one in seen)
        if order[0][0] == "fast":
            first = seen[0]
    assert seen[0] == first


def test_a_chunk_has_what_the_player_draws(tmp_path):
    settings = Settings(labels=True)
    FrameMaker(tmp_path).make(settings, "slow", "")
    told, pictures = unpack((frame_cache.folder(tmp_path, settings) / "slow-.bin").read_bytes())
    assert [row["moves"] for row in told["frames"]][:4] == ["", "d1", "r1", "r1d1"] and len(pictures) == 20
    size = 2 * frames.FIELD**2 + 2 * 2 * (frames.SHOWN + 2 * frames.LINES**2) + 2 * 2 * frames.ARROWS
    assert {len(picture) for picture in pictures} == {size} and not told["exploded"]
    assert len(told["real"]) == frames.SHOWN and set(told["classes"]) == {0, 1} and told["views"] == 2
    places = [np.frombuffer(picture, "<i2", 2 * frames.SHOWN, 2 * frames.FIELD**2) for picture in pictures[:3]]
    assert (places[0] == places[1]).all() and (
        places[1] != places[2]
    ).any()  # D's turn leaves G's points where they are
    field = lambda at: np.frombuffer(pictures[at], np.uint8, frames.FIELD**2)
    assert (field(0) != field(1)).any() and (field(1) == field(2)).all()  # unless D has no level of its own
    row = told["frames"][-1]
    assert (
        row["of"] == 8 and 0 <= row["modes"] <= 8 and 0 <= row["js"] <= 1 and row["kl"] >= 0 and 0 <= row["right"] <= 1
    )


def test_modes_and_distances_are_counted_right():
    ring = Game(Settings())
    viewer = Viewer(ring)
    real, _ = ring.source.draw(800, np.random.default_rng(1))
    found = viewer.modes(ring, real)
    assert found["modes"] == found["of"] == 8 and found["on"] > 0.97
    collapsed = np.repeat(ring.source.centers[:1], 800, axis=0)
    assert viewer.modes(ring, collapsed)["modes"] == 1
    share = frames.histogram
    same, apart = frames.distances(share(real), share(real)), frames.distances(share(real), share(collapsed))
    assert same == {"kl": 0.0, "js": 0.0} and apart["js"] > 0.6 and apart["kl"] > 1
    assert Viewer(Game(Settings(shape="spiral"))).frame(Game(Settings(shape="spiral")), "")[0].get("of") is None


def test_arrows_point_where_d_says_real():
    settings = Settings()
    played = play(settings, "d60")  # D alone has learnt where the ring is
    told, picture = Viewer(played).frame(played, "d60")
    places = np.frombuffer(picture, "<i2", 2 * frames.SHOWN, frames.FIELD**2).reshape(-1, 2) / 32767 * 2 * data.REACH
    arrows = np.frombuffer(picture[-4 * frames.ARROWS :], "<i2").reshape(-1, 2).astype(float)
    at = places[: frames.ARROWS].astype(np.float32)
    step = (arrows / np.maximum(np.hypot(*arrows.T), 1)[:, None] * 0.02).astype(np.float32)
    before, after = (networks.forward(played.D, x)[0][:, 0] for x in (at, at + step))
    assert (after > before - 1e-4).mean() > 0.95 and told["d_real"] > told["d_fake"] + 0.2


@pytest.mark.slow
def test_it_finds_the_blobs():
    played = play(Settings(), "r600")
    assert Viewer(played).frame(played, "")[0]["modes"] >= 6


def test_a_game_that_explodes_says_so_and_goes_no_further(tmp_path):
    player = FrameMaker(tmp_path)
    for way in ("", "r50"):
        player.make(EXPLODES, "fast", way)
    told, _ = unpack((frame_cache.folder(tmp_path, EXPLODES) / "fast-.bin").read_bytes())
    after, pictures = unpack((frame_cache.folder(tmp_path, EXPLODES) / "fast-r50.bin").read_bytes())
    assert told["exploded"] and 1 <= len(told["frames"]) < 10
    assert after["exploded"] and after["frames"] == [] and pictures == []


@pytest.mark.parametrize(
    ("kind", "way"), [("fast", "r7"), ("slow", "r15"), ("all", ""), ("../one", ""), ("fast", "r3d1r20")]
)
def test_only_whole_chunks_have_an_address(kind, way):
    with pytest.raises(UserError):
        frame_cache.address(kind, way)


def test_settings_come_back_from_a_link_and_nothing_else_does():
    settings = Settings(shape="drawn", drawing=data.encode(RNG.uniform(-3, 3, (5, 2))), loss="hinge", seed=7)
    assert build(asdict(settings) | {"more": 1}) == settings and settings.key != Settings().key
    for wrong in (
        {"lr_g": 0.02},
        {"shape": "drawn"},
        {"drawing": "AA"},
        {"shape": ["ring"]},
        {"seed": -1},
        {"seed": "1"},
    ):
        with pytest.raises(UserError):
            build(wrong)
    for drawing in ("A", "A!", "AA" * (data.MOST_DRAWN + 1), 7, None):
        with pytest.raises(UserError):
            build({"shape": "drawn", "drawing": drawing})
    assert all(getattr(Settings(), name) in offered for name, offered in OFFERED.items())


def test_a_drawing_is_kept_to_the_nearest_place():
    points = RNG.uniform(-2.9, 2.9, (20, 2))
    assert np.abs(data.decode(data.encode(points)) - points).max() <= data.REACH / data.SIDE + 1e-9


def test_the_games_that_nobody_plays_go_first(tmp_path):
    player, games = FrameMaker(tmp_path), [Settings(seed=seed) for seed in range(4)]
    for number, settings in enumerate(games):
        player.make(settings, "one", "")
        os.utime(frame_cache.folder(tmp_path, settings), (number, number))
    size = sum(file.stat().st_size for file in frame_cache.folder(tmp_path, games[0]).iterdir())
    frame_cache.clean(tmp_path, most_bytes=2 * size + size // 2, keep=games[0].key)
    assert [frame_cache.folder(tmp_path, settings).exists() for settings in games] == [True, False, False, True]
