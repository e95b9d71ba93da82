"""The steps of every recipe can be CUDA graphs: nothing in them waits, or depends on a number of the host, or changes its shape.

No GPU is needed: tests/builders/recorded_step.py repeats on a CPU what a step dispatched, as a graph does on a GPU.
"""

import numpy as np
import pytest
import torch

from gan_core.settings.families import TRAITS
from gan_core.settings.recipes import RECIPES
from gan_core.training import cuda_graph, optimizers, step
from gan_core.training.batches import BatchSampler, TrainingSet
from gan_core.training.cuda_graph import TrainSteps
from tests.builders import recorded_step
from tests.builders.recorded_step import Refused, recorded
from tests.builders.toy_images import toy_images
from tests.conftest import FAMILY_OF_EVERY_CHECK, NARROWER

CPU = torch.device("cpu")
EVERY = [
    pytest.param(name, marks=pytest.mark.slow) if recipe.config.family != FAMILY_OF_EVERY_CHECK else name
    for name, recipe in RECIPES.items()
]


def begin(tiny, recipe, **changes):
    """(settings, a fresh state, its sampler) of a recipe at its smallest size, with every kind of step in four steps."""
    own = RECIPES[recipe].config
    seldom = {name: 2 for name in ("penalty_every", "path_length_every") if getattr(own, name) > 2}
    narrow = NARROWER.get(own.family, {})
    config = tiny(
        recipe, **{"batch": 4, "guide": own.guide, "d_steps": min(2, own.d_steps), **narrow, **seldom, **changes}
    )
    size = min(RECIPES[recipe].sizes)
    images, labels = toy_images(24, size, 1, 3)
    data = TrainingSet(np.asarray(images), np.asarray(labels), ["a", "b", "c"])
    state = step.new_state(config, size=size, channels=1, num_classes=3, device=CPU)
    return config, state, BatchSampler(data, config, CPU)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", EVERY)
def test_a_step_neither_waits_nor_depends_on_the_host(tiny, recipe):
    """Steps of one kind dispatch the same operations with the same numbers and shapes, whatever the progress."""
    config, state, sampler = begin(tiny, recipe)
    seen, count = {}, 0
    for number in range(12):
        kind = step.prepare(state, config, 0.3 + 0.01 * number, config.batch)
        work = lambda kind=kind: step.carry_out(state, *sampler(), config, kind)
        if number < 4:  # optimizers make their state
            work()
            continue
        words = recorded(work)[0].words
        if kind in seen:
            for before, now in zip(seen[kind], words, strict=True):
                assert before == now
            count += 1
        seen[kind] = words
    assert count >= len(seen) > 0


@pytest.mark.slow
@pytest.mark.parametrize("recipe", EVERY)
def test_repeated_steps_are_eager_ones_bit_for_bit(tiny, recipe, monkeypatch):
    monkeypatch.setattr(cuda_graph, "EAGER_OF_A_KIND", 1)
    config, eager, sampler = begin(tiny, recipe)
    steps = TrainSteps(eager, sampler, config, pytest.fail)
    rows = [step_of(steps, number) for number in range(12)]
    config, repeated, sampler = begin(tiny, recipe)
    steps = TrainSteps(repeated, sampler, config, pytest.fail, recorded_step.capture, eager_first=2)
    again = [step_of(steps, number) for number in range(12)]
    assert steps.replays and steps.eager_steps <= 5
    assert rows == again
    assert same_weights(eager, repeated)


def step_of(steps, number):
    return {name: value.item() for name, value in steps(0.3 + 0.01 * number).items()}


def same_weights(one, other):
    nets = zip((one.G, one.D, one.G_ema), (other.G, other.D, other.G_ema), strict=True)
    pairs = [
        (a, b)
        for mine, theirs in nets
        for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True)
    ]
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.slow
def test_a_size_that_comes_in_is_captured_anew(tiny, monkeypatch):
    monkeypatch.setattr(cuda_graph, "EAGER_OF_A_KIND", 1)
    changes = {"family": "progressive", "minibatch_std": False}
    growing = [0.0, 0.0, 0.0, 0.1, 0.11, 0.12, 0.13, 0.5, 0.51, 0.52]
    rows = []
    for capture in (None, recorded_step.capture):
        config, state, sampler = begin(tiny, "quick", **changes)
        steps = TrainSteps(state, sampler, config, pytest.fail, capture, eager_first=1)
        rows.append([{k: v.item() for k, v in steps(progress).items()} for progress in growing])
    assert rows[0] == rows[1] and len(steps.replays) == 1 and steps.eager_steps == 3


@pytest.mark.slow
def test_a_capture_that_fails_is_told_once_and_the_step_is_taken_eagerly(tiny):
    said = []

    def fails(work, pool):
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    config, eager, sampler = begin(tiny, "quick")
    rows = [step_of(TrainSteps(eager, sampler, config, pytest.fail), number) for number in range(5)]
    config, state, sampler = begin(tiny, "quick")
    steps = TrainSteps(state, sampler, config, said.append, fails, eager_first=2)
    assert [step_of(steps, number) for number in range(5)] == rows and same_weights(eager, state)
    assert len(said) == 1 and "not permitted" in said[0] and "and more" not in said[0]


def test_every_family_without_gradients_is_walked_too():
    """None is exempt: each game has a recipe."""
    assert {TRAITS[recipe.config.family].game for recipe in RECIPES.values()} == set(step.GAMES)


BREAKS = {
    "asks for a value": lambda x: x * x.sum().item(),
    "asks whether": lambda x: x if x.sum() > 0 else -x,
    "asks for a list": lambda x: x * x.tolist()[0],
    "goes to numpy": lambda x: x * float(x.numpy()[0]),
    "makes a tensor of numbers": lambda x: x + torch.tensor([1.0, 2.0, 3.0, 4.0]),
    "brings an array": lambda x: x + torch.from_numpy(np.ones(4, np.float32)),
    "takes what a mask says": lambda x: x[x > 0],
    "repeats by a tensor": lambda x: x.repeat_interleave((x > 0).long()),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_what_a_graph_cannot_repeat_is_refused(broken):
    x = torch.ones(4)
    with pytest.raises(Refused):
        recorded(lambda: BREAKS[broken](x))


@pytest.mark.parametrize("broken", ["number", "shape"])
def test_a_number_of_the_host_and_a_shape_that_changes_are_seen(tiny, broken, monkeypatch):
    """The break is in the step itself: a learning rate as a number, a part of the batch."""
    config, state, sampler = begin(tiny, "quick", schedule="linear", lr_end=0.1)
    words = []
    for number in range(5):
        kind = step.prepare(state, config, 0.1 * number, config.batch)
        if broken == "number":
            for group in state.opt_G.param_groups:
                group["lr"] = 1e-3 / (number + 1)
        part = slice(0, 4 - number % 2 if broken == "shape" else 4)
        work = lambda kind=kind, part=part: step.carry_out(state, *(t[part] for t in sampler()), config, kind)
        words.append(recorded(work)[0].words if number > 2 else work() and [])
    assert words[3] != words[4]


def test_a_learning_rate_in_a_checkpoint_is_a_number_and_loading_leaves_it_to_the_step(tiny):
    config, state, _ = begin(tiny, "quick")
    values = state.opt_G.state_dict()
    assert values["param_groups"][0]["lr"] == pytest.approx(config.lr_G)
    state.opt_G.load_state_dict(values)
    assert state.opt_G.param_groups[0]["lr"] is state.values.lr_G
    assert isinstance(optimizers.make(state.G, 1e-3, config).param_groups[0]["lr"], float)
