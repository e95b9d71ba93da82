import json
import math
import time

import numpy as np
import pytest
import torch

from gan_core.errors import UserError
from gan_core.generation import sampling
from gan_core.settings.families import TRAITS, inner_size
from gan_core.training import checkpoint, ema, loop, recorder, step
from gan_core.training.augment import diffaugment
from gan_core.training.losses import LOSSES, label_smoothing_term, probabilities
from gan_core.training.penalties import r1_penalty
from gan_core.views import run_events
from tests.builders.toy_images import toy_images

CPU = torch.device("cpu")
never = lambda: False


def fresh(config, classes=3, size=None, channels=1):
    return step.new_state(
        config, size=size or TRAITS[config.family].sizes[0], channels=channels, num_classes=classes, device=CPU
    )


# -- the step ----------------------------------------------------------------------------------------------------------


TONES = {  # family: steps at most, images a step, changes; all others 300 steps of 18
    "cyclegan": (120, 6, {"lr_G": 2e-3}),  # three passes of a deep G
    "egan": (200, 9, {}),  # four steps of G in one
    "fastgan": (100, 9, {"width": 4}),  # 4 is of 64 channels at 4 px: the unit of the others is narrower
    "projected": (80, 9, {"width": 8, "lr_G": 5e-4, "lr_D": 5e-4}),  # 128 px whatever the size; higher rates forget
    "garbage128": (80, 6, {"lr_G": 2e-3, "lr_D": 2e-3}),  # 128 px: a step of 18 takes a second
    "sngan-projection": (140, 9, {"lr_G": 2e-3, "lr_D": 2e-3, "width": 32}),
    "stylegan2-lite": (200, 8, {"lr_G": 5e-3, "lr_D": 5e-3}),
}
TONE_SIZES = {"stylegan2-lite": 8}  # px; that family's blocks are the same at every size


@pytest.mark.parametrize(
    "family, loss", [(f, l) for f, facts in TRAITS.items() for l in facts.losses or ("nonsaturating",)]
)
def test_it_learns_the_tone_of_each_class(tiny, family, loss):
    """Dark, grey and bright: after a few hundred small steps the averaged G draws each class in its own tone."""
    steps, images, changes = TONES.get(family, (300, 18, {}))
    apart = 0.1 if family == "projected" else 0.2  # of 0.7; at 9 images a step its D soon knows all fakes
    size = TONE_SIZES.get(family, TRAITS[family].sizes[0])
    inner = inner_size(family, size)
    config = tiny(
        family=family,
        loss=loss,
        beta1=0.0,
        beta2=0.99,
        gamma=0.1,
        ema_images=200,
        **{"lr_G": 1e-3, "lr_D": 1e-3, **changes},
    )
    state = fresh(config, size=size)
    labels = torch.arange(images) % 3
    real = ((labels - 1) * 0.7)[:, None, None, None].expand(-1, 1, inner, inner)
    for number in range(1, steps + 1):
        step.train_step(state, real + 0.02 * torch.randn_like(real), labels, config)
        if number >= 50 and number % 10 == 0:  # no longer than it takes, yet 50 steps at least
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                fake = state.G_ema(torch.randn(60, config.z_dim), torch.arange(60) % 3).mean([1, 2, 3])
            dark, grey, bright = (fake[torch.arange(60) % 3 == c].mean().item() for c in range(3))
            if dark < grey - apart and grey < bright - apart:
                return
    raise AssertionError((dark, grey, bright))


def test_the_step_reports_finite_numbers_and_counts_images(tiny):
    config = tiny()
    state = fresh(config)
    stats = step.train_step(state, torch.rand(16, 1, 32, 32) * 2 - 1, torch.arange(16) % 3, config)
    assert set(stats) == {"loss_d", "loss_g", "penalty", "d_real", "d_fake"}
    assert all(value.ndim == 0 and math.isfinite(value) for value in stats.values())
    assert state.images_seen == 16


def test_g_step_leaves_d_alone(tiny):
    """With D's rate at (nearly) zero, a step must not move D, and must move G."""
    config = tiny(lr_D=1e-30)
    state = fresh(config)
    before_D, before_G = [p.clone() for p in state.D.parameters()], [p.clone() for p in state.G.parameters()]
    step.train_step(state, torch.rand(16, 1, 32, 32) * 2 - 1, torch.arange(16) % 3, config)
    assert all(torch.equal(a, b) for a, b in zip(before_D, state.D.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(before_G, state.G.parameters(), strict=True))


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


def test_the_gradient_penalty_of_a_linear_d_is_its_squared_slope():
    x = torch.randn(5, 3, 4, 4, requires_grad=True)
    slope = torch.randn(3, 4, 4)
    values = r1_penalty(x, (x * slope).sum([1, 2, 3]))
    assert torch.allclose(values, slope.square().sum().expand(5))


def test_the_gradient_penalty_is_differentiable_through_every_augmentation(tiny):
    config = tiny(augment="color+translation+cutout", gamma=1.0)
    stats = step.train_step(
        fresh(config, channels=3, size=32), torch.rand(16, 3, 32, 32) * 2 - 1, torch.arange(16) % 3, config
    )
    assert stats["penalty"] > 0


@pytest.mark.parametrize("name", diffaugment.AUGMENTS)
def test_augmentation_keeps_shape_and_gradient_and_each_image_gets_its_own(name):
    torch.manual_seed(0)
    x = torch.rand(1, 3, 16, 16).expand(8, -1, -1, -1).clone().requires_grad_()
    out = diffaugment.augment(name, x)
    out.sum().backward()
    assert out.shape == x.shape and torch.isfinite(x.grad).all()
    assert (name == "none") == torch.allclose(out[0], out[1])


def test_translation_moves_pixels_and_invents_none():
    torch.manual_seed(0)
    x = torch.zeros(64, 1, 16, 16)
    x[:, :, 8, 8] = 1
    out = diffaugment.translation(x)
    assert torch.equal(out.sum([1, 2, 3]), torch.ones(64))  # the dot is still there, once
    places = out.flatten(1).argmax(1)
    rows, columns = places // 16, places % 16
    assert rows.min() == columns.min() == 6 and rows.max() == columns.max() == 10


def test_ema_is_a_half_life_in_images(tiny):
    average, net = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(average.weight), torch.nn.init.ones_(net.weight)
    for _ in range(10):
        ema.update(average, net, half_life_images=100, images_seen=10**9, batch=10)
    assert average.weight.item() == pytest.approx(0.5)
    ema.update(average, net, half_life_images=0, images_seen=10**9, batch=10)
    assert average.weight.item() == 1.0


# -- the loop ----------------------------------------------------------------------------------------------------------


def run(config, folder, images=48, stop_after=None, on_tick=lambda status: None):
    folder.mkdir(exist_ok=True)
    pictures, labels = toy_images(images, TRAITS[config.family].sizes[0], 1, 3)
    calls = [0]

    def should_stop():
        calls[0] += 1
        return stop_after is not None and calls[0] > stop_after

    return loop.train(config, pictures, labels, ["a", "b", "c"], folder, on_tick, should_stop, lambda text: None)


def weights(folder):
    values, _ = checkpoint.newest(folder / "checkpoints")
    return values


def same(a, b):
    """Equal bit for bit, whatever is nested."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


WITH_MEMORY = {  # settings whose state lives outside networks and optimisers
    "ada": {"augment": "ada", "loss": "nonsaturating", "penalty": "none"},
    "lecam": {"loss": "hinge", "penalty": "none", "lecam": 0.3},
    "lazy": {"d_steps": 2, "penalty_every": 3, "schedule": "cosine", "lr_end": 0.1},
}


@pytest.mark.parametrize("family", [*TRAITS, *WITH_MEMORY])
def test_a_stopped_and_resumed_run_equals_the_whole_one_bit_for_bit(tiny, tmp_path, family):
    changes = {"augment": "color+translation", "flip": True, **WITH_MEMORY.get(family, {"family": family})}
    config = tiny(epochs=4.0, ema_images=100, **changes)
    whole = run(config, tmp_path / "whole")
    assert whole["phase"] == "finished" and whole["images_seen"] == 192
    first = run(config, tmp_path / "parts", stop_after=5)
    assert first["phase"] == "stopped" and 0 < first["images_seen"] < 192
    torch.manual_seed(999)  # whatever happens in between must not matter
    run(config, tmp_path / "parts")
    for name in ("G", "D", "G_ema", "opt_G", "opt_D", "rng", "images_seen", "memory"):
        assert same(weights(tmp_path / "whole")[name], weights(tmp_path / "parts")[name]), name


def test_the_folder_holds_what_the_pages_read(tiny, tmp_path):
    seen = []
    status = run(tiny(epochs=3.0), tmp_path, on_tick=seen.append)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows and rows[-1]["images_seen"] == 144 and rows[-1]["epoch"] == 3
    assert {"loss_d", "loss_g", "d_real", "d_fake", "images_per_second", "memory_bytes"} <= set(rows[0])
    grids = [json.loads(line) for line in (tmp_path / "samples" / "index.jsonl").read_text().splitlines()]
    assert [g["epoch"] for g in grids] == [0, 1, 2, 3]
    assert (
        all((tmp_path / "samples" / g["file"]).exists() for g in grids)
        and (tmp_path / "samples" / "reals.png").exists()
    )
    assert json.loads((tmp_path / "status.json").read_text()) == status == seen[-1]
    assert status["latest_grid"] == grids[-1]["file"] and status["progress"] == 1


def test_what_happened_to_a_run_is_recorded_where_it_happened(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "PAUSE_SECONDS", 0.2)
    config = tiny(epochs=4.0)
    held = []

    def should_stop():
        held.append(1)
        if len(held) == 3:
            time.sleep(0.3)  # as jobs.Watch holds while the wish is to pause
        return len(held) > 5

    pictures, labels = toy_images(48, TRAITS[config.family].sizes[0], 1, 3)
    train = lambda: loop.train(
        config, pictures, labels, ["a", "b", "c"], tmp_path, print, should_stop, lambda text: None
    )
    stopped = train()["images_seen"]
    told = lambda: [(one.images_seen, one.kind) for one in run_events.recorded(tmp_path)]
    assert told() == [(32, "pause"), (stopped, "end")] and stopped == 80
    run(config, tmp_path)
    assert told() == [(32, "pause"), (80, "end"), (80, "resumed"), (192, "end")]
    (tmp_path / "checkpoints" / "ck-000000000192.json").unlink()  # killed before its last checkpoint
    run(config, tmp_path)
    assert told()[2:] == [(80, "resumed"), (80, "resumed"), (192, "end")]


def test_a_time_limit_ends_the_run_and_leaves_a_checkpoint(tiny, tmp_path):
    status = run(tiny(epochs=1e6, minutes=0.02), tmp_path)
    assert status["phase"] == "finished" and status["elapsed_seconds"] < 5
    assert weights(tmp_path)["images_seen"] == status["images_seen"] > 0


def test_divergence_stops_the_run_and_keeps_the_last_good_checkpoint(tiny, tmp_path, monkeypatch):
    run(tiny(epochs=2.0), tmp_path)
    good = weights(tmp_path)

    def poisoned(state, real, labels, config, progress):
        state.images_seen += len(real)
        return {"loss_d": torch.tensor(math.nan), "loss_g": torch.tensor(0.0)}

    monkeypatch.setattr(loop, "train_step", poisoned)
    with pytest.raises(UserError, match="stopped being finite"):
        run(tiny(epochs=4.0), tmp_path)
    assert same(weights(tmp_path), good)


def test_rows_after_the_checkpoint_and_torn_lines_are_dropped_on_resume(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"images_seen": 10}\n{"images_seen": 20}\n{"images_seen": 30}\n{"images_se')
    recorder.keep_until(path, 20)
    assert path.read_text() == '{"images_seen": 10}\n{"images_seen": 20}\n'


def test_balanced_sampling_shows_a_rare_class_as_often(tiny):
    images, _ = toy_images(100, 28, 1, 2)
    labels = np.array([0] * 95 + [1] * 5)
    torch.manual_seed(0)
    shares = {}
    for balance in (True, False):
        sampler = loop.Sampler(images, labels, tiny(balance_classes=balance, batch=64), 32, CPU)
        drawn = torch.cat([sampler()[1] for _ in range(40)])
        shares[balance] = (drawn == 1).float().mean().item()
    assert shares[True] == pytest.approx(0.5, abs=0.05) and shares[False] == pytest.approx(0.05, abs=0.02)


def test_a_batch_carries_the_label_of_its_image_and_is_padded(tiny):
    images, labels = toy_images(90, 28, 1, 3)
    shuffled = np.random.default_rng(0).permutation(90)
    sampler = loop.Sampler(images[shuffled], labels[shuffled], tiny(batch=60), 32, CPU)
    real, y = sampler()
    assert real.shape == (60, 1, 32, 32) and real.abs().max() <= 1
    tone = ((real.mean([1, 2, 3]) + 1) * 127.5 - 40) / 80  # 0, 1, 2 by class
    assert torch.equal(tone.round().long(), y)


def test_grids_stay_few_and_come_early(tiny):
    assert recorder.grid_every(tiny(epochs=10.0), 1000) == 1000
    assert recorder.grid_every(tiny(epochs=10.0), 60_000) == 10_000
    assert 10_000 * 50 / recorder.grid_every(tiny(epochs=10_000.0), 50) <= recorder.MOST_GRIDS


# -- checkpoints -------------------------------------------------------------------------------------------------------


def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_used(tiny, tmp_path):
    state = fresh(tiny())
    for seen in (10, 20):
        state.images_seen = seen
        path = checkpoint.save(tmp_path, state, {})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # one flipped bit, which torch.load would accept
    path.write_bytes(content)
    assert checkpoint.newest(tmp_path)[0]["images_seen"] == 10
    assert path.exists()  # a reader changes nothing
    values, _ = checkpoint.newest(tmp_path, set_aside=True)
    assert values["images_seen"] == 10
    assert {p.name for p in (tmp_path / "bad").iterdir()} == {path.name, path.with_suffix(".json").name}


def test_a_checkpoint_of_other_networks_is_refused_and_stays(tiny, tmp_path):
    checkpoint.save(tmp_path, fresh(tiny()), {})
    values, _ = checkpoint.newest(tmp_path)
    with pytest.raises(UserError, match="another version of Ganvas"):
        checkpoint.restore(fresh(tiny(width=32)), values)
    with pytest.raises(UserError, match="another version of Ganvas"):
        sampling.load_generator(tiny(width=32), values["G_ema"], size=32, channels=1, num_classes=3, device=CPU)
    assert checkpoint.newest(tmp_path, set_aside=True) is not None
    with pytest.raises(UserError, match="another version of Ganvas"):
        checkpoint.restore(fresh(tiny()), values | {"memory": {"unheard-of": torch.zeros(1)}})


def test_no_memory_for_a_checkpoint_is_not_told_as_another_version():
    with pytest.raises(torch.OutOfMemoryError), sampling.weights_fit():
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_file_without_its_manifest_does_not_exist(tiny, tmp_path):
    state = fresh(tiny())
    path = checkpoint.save(tmp_path, state, {})
    path.with_suffix(".json").unlink()
    assert checkpoint.newest(tmp_path) is None


def test_only_the_newest_checkpoints_stay(tiny, tmp_path):
    state = fresh(tiny())
    for seen in range(1, 7):
        state.images_seen = seen
        checkpoint.save(tmp_path, state, {})
    assert len(list(tmp_path.glob("ck-*.pt"))) == len(list(tmp_path.glob("ck-*.json"))) == checkpoint.CHECKPOINTS_KEPT


def test_weights_that_are_not_finite_are_never_saved(tiny, tmp_path):
    state = fresh(tiny())
    with torch.no_grad():
        next(state.G.parameters()).fill_(math.nan)
    with pytest.raises(FloatingPointError):
        checkpoint.save(tmp_path, state, {})
    assert not list(tmp_path.glob("*.pt"))


# -- what a review found -----------------------------------------------------------------------------------------------


def test_the_penalty_is_half_gamma_times_r1_plus_r2_of_the_images_before_augmentation(tiny):
    """Against the definition, written out: with a vanishing learning rate the gradients of D must be those of the whole loss."""
    config = tiny(gamma=3.0, lr_D=1e-30, lr_G=1e-30)
    torch.manual_seed(5)
    real, y = torch.rand(16, 1, 32, 32) * 2 - 1, torch.arange(16) % 3
    state = fresh(config)
    torch.manual_seed(7)
    stats = step.train_step(state, real, y, config)
    fresh_again = fresh(config)
    torch.manual_seed(7)
    with torch.no_grad():
        fake = fresh_again.G(torch.randn(16, config.z_dim), y)
    penalties = []
    for images in (real, fake):
        x = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(fresh_again.D(x, y).sum(), x)
        penalties.append(gradient.square().sum([1, 2, 3]).mean())
    assert stats["penalty"].item() == pytest.approx(sum(penalties).item(), rel=1e-4)
    # D's gradients at that step: those of loss + gamma / 2 * penalty
    D = fresh_again.D
    x = torch.cat([real, fake]).requires_grad_()
    logits = D(x, torch.cat([y, y]))
    whole = LOSSES["relativistic"].d(logits[:16], logits[16:]) + 1.5 * r1_penalty(x, logits).sum() / 16
    whole.backward()
    caught = []
    original = step.update
    step.update = lambda optimizer, loss, clip_value: (
        original(optimizer, loss, clip_value),
        caught.append([p.grad.clone() for p in optimizer.param_groups[0]["params"] if p.grad is not None]),
    )
    try:
        again = fresh(config)
        torch.manual_seed(7)
        step.train_step(again, real, y, config)
    finally:
        step.update = original
    for mine, theirs in zip([p.grad for p in D.parameters()], caught[0], strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-3, atol=1e-6)


def test_the_average_ramps_up_so_that_a_short_run_has_one():
    average, net = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(average.weight), torch.nn.init.ones_(net.weight)
    ema.update(average, net, half_life_images=10_000, images_seen=200, batch=10)  # half-life 10: 5 % of 200
    assert average.weight.item() == pytest.approx(0.5)


def test_the_average_of_a_size_that_has_just_come_in_is_not_its_first_weights(tiny):
    """With the ramp of the whole run its layers would be seen as they began for thousands of images."""
    config = tiny(family="progressive", ema_images=20_000)
    state = step.new_state(config, size=32, channels=1, num_classes=2, device=torch.device("cpu"))
    real, labels = torch.rand(4, 1, 32, 32) * 2 - 1, torch.arange(4) % 2
    new = lambda net: net.blocks[0].conv1.weight
    began = new(state.G).detach().clone()
    state.images_seen = 100_000
    step.train_step(state, real, labels, config, progress=0.0)
    assert torch.equal(new(state.G), began) and state.memory["grown"].tolist() == [0, 0]
    for _ in range(3):
        step.train_step(state, real, labels, config, progress=0.12)
    assert state.memory["grown"].tolist() == [1, 100_004]
    assert not torch.allclose(new(state.G), began) and torch.allclose(new(state.G_ema), new(state.G), atol=1e-5)


def test_a_time_limit_does_not_make_it_tick_at_every_step(tiny, tmp_path):
    """With a limit of ten hours the next grid is 90 s away; until then a line a second is enough."""
    status = run(tiny(epochs=60.0, minutes=600.0), tmp_path)
    lines = len((tmp_path / "metrics.jsonl").read_text().splitlines())
    assert status["images_seen"] == 2880 and lines <= 3 + status["elapsed_seconds"] / recorder.TICK_SECONDS


def test_a_full_disk_is_tolerated_twice(tiny, tmp_path, monkeypatch):
    calls = []

    def full(*_):
        calls.append(1)
        if len(calls) <= 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder, "save_png", full)
    monkeypatch.setattr(recorder, "GRID_IMAGES", 10**9)
    (tmp_path / "samples").mkdir()
    state_config = tiny(epochs=4.0)
    monkeypatch.setattr(recorder.Recorder, "begin", lambda self, images, labels: setattr(self, "next_grid", self.every))
    assert run(state_config, tmp_path)["phase"] == "finished" and len(calls) > 2


def test_a_broken_run_says_so_in_its_status(tiny, tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(loop, "train_step", broken)
    with pytest.raises(RuntimeError):
        run(tiny(), tmp_path)
    assert json.loads((tmp_path / "status.json").read_text())["phase"] == "failed"


def test_the_probe_measures_and_leaves_nothing(tiny):
    images, labels = toy_images(48, 28, 1, 3)
    data = type("Data", (), {"images": images, "labels": labels, "classes": ["a", "b", "c"]})
    found = loop.probe(tiny(), data, 0.3, never)
    assert found["images_per_second"] > 0 and found["memory_bytes"] > 1e7 and found["checkpoint_bytes"] > 1e4
