"""The second stage of a run that trains at a smaller size."""

import pytest
import torch

from gan_core.data.dataset import ImageSet
from gan_core.settings.schema import TrainConfig
from gan_core.training import checkpoint, loop, step
from gan_core.training.hooks import Hooks
from gan_core.training.refiner_step import refine
from tests.builders.recorded_step import recorded
from tests.builders.toy_images import toy_images

CONFIG = TrainConfig(family="r3lite", width=16, z_dim=8, batch=16, train_size=16, epochs=4.0, precision="fp32")
CPU = torch.device("cpu")


def run(folder, images, labels, config=CONFIG, stop_after=None):
    folder.mkdir(exist_ok=True)
    calls = [0]

    def should_stop():
        calls[0] += 1
        return stop_after is not None and calls[0] > stop_after

    return loop.train(
        config, ImageSet(images, labels, ["a", "b", "c"]), folder, Hooks(should_stop=should_stop, log=lambda text: None)
    )


def equal(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


@pytest.mark.slow
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path):
    images, labels = toy_images(48, 32, 1, 3)
    run(tmp_path / "whole", images, labels)
    run(tmp_path / "parts", images, labels, stop_after=5)
    run(tmp_path / "parts", images, labels)
    whole, parts = (checkpoint.newest(tmp_path / name / "checkpoints")[0] for name in ("whole", "parts"))
    assert whole["images_seen"] == parts["images_seen"] == 192
    assert all(equal(whole[name], parts[name]) for name in ("G", "D", "G_ema", "opt_G", "opt_D", "opt_refiner", "rng"))
    assert whole["opt_refiner"]["state"]


def test_each_network_is_moved_by_its_own_optimizer():
    state = step.new_state(CONFIG, size=32, channels=1, num_classes=3, device=CPU)
    real, y = torch.rand(16, 1, 32, 32) * 2 - 1, torch.arange(16) % 3
    before = {name: [p.clone() for p in net.parameters()] for name, net in parts(state).items()}
    refine(state, real, y, CONFIG)
    moved = {name: changed(before[name], net) for name, net in parts(state).items()}
    assert moved == {"small": False, "D": False, "refiner": True}
    step.train_step(state, real, y, CONFIG)
    assert all(changed(before[name], net) for name, net in parts(state).items())
    assert len(state.opt_G.param_groups[0]["params"]) == len(list(state.G.small.parameters()))


def parts(state):
    return {"small": state.G.small, "D": state.D, "refiner": state.G.refiner}


def changed(before, net):
    return any(not torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_a_step_with_a_refiner_can_be_a_cuda_graph():
    state = step.new_state(CONFIG, size=32, channels=1, num_classes=3, device=CPU)
    real, y = torch.rand(16, 1, 32, 32) * 2 - 1, torch.arange(16) % 3
    kind = step.prepare(state, CONFIG, 0.0, 16)
    step.carry_out(state, real, y, CONFIG, kind)  # makes the optimizers' moments
    recorder, stats = recorded(lambda: step.carry_out(state, real, y, CONFIG, kind))
    assert "refiner_error" in stats and any("upsample_bicubic2d" in words for words in recorder.words)


@pytest.mark.slow
def test_the_refiner_learns_the_edges_that_interpolation_blurs():
    """Images of uniform squares of two pixels lose nothing when they are shrunk, and interpolation cannot bring them back."""
    torch.manual_seed(0)
    state = step.new_state(CONFIG, size=32, channels=1, num_classes=3, device=CPU)
    errors = []
    for _ in range(150):
        small, y = torch.rand(16, 1, 16, 16) * 2 - 1, torch.randint(3, (16,))
        real = torch.nn.functional.interpolate(small, scale_factor=2.0)
        errors.append(refine(state, real, y, CONFIG)["refiner_error"].item())
    assert sum(errors[-10:]) / 10 < 0.7 * errors[0]


@pytest.mark.slow
def test_the_noise_has_the_strength_of_the_texture_of_each_class():
    """Grain of 0.05 in class 1, none in class 0: no small image tells it, the class does."""
    torch.manual_seed(0)
    state = step.new_state(CONFIG, size=32, channels=1, num_classes=2, device=CPU)
    for _ in range(400):
        y = torch.randint(2, (16,))
        refine(state, 0.05 * y[:, None, None, None] * torch.randn(16, 1, 32, 32), y, CONFIG)
    with torch.no_grad():
        _, strength = state.G.refiner(torch.zeros(2, 1, 16, 16), torch.tensor([0, 1]))
    quiet, grained = strength.exp().mean((1, 2, 3)).tolist()
    assert grained == pytest.approx(0.05, rel=0.4) and quiet < 0.5 * grained


@pytest.mark.slow
def test_uniform_images_leave_every_number_finite():
    """Nothing is lost of a uniform image, so that the most likely noise would be none at all."""
    torch.manual_seed(0)
    state = step.new_state(CONFIG, size=32, channels=1, num_classes=2, device=CPU)
    for _ in range(400):
        stats = refine(state, torch.zeros(16, 1, 32, 32), torch.zeros(16, dtype=torch.int64), CONFIG)
    assert stats["refiner_error"].isfinite() and all(p.isfinite().all() for p in state.G.refiner.parameters())
    with torch.no_grad():
        _, strength = state.G.refiner(torch.zeros(1, 1, 16, 16), torch.tensor([0]))
    assert strength.min() > -10


def test_the_dataset_of_the_size_of_training_has_no_refiner():
    state = step.new_state(CONFIG.model_copy(update={"train_size": 0}), size=32, channels=1, num_classes=3, device=CPU)
    assert state.opt_refiner is None and not hasattr(state.G, "refiner")
