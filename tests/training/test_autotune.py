"""The choice of how a GPU computes: the fastest mode that works, remembered for this GPU and torch alone."""

import json

import pytest
import torch

from gan_core.errors import Stopped
from gan_core.training import autotune, step
from gan_core.training.autotune import ComputeMode, Remembered, Trial
from gan_core.training.batches import BatchSampler, TrainingSet
from gan_core.training.hooks import Hooks
from tests.builders import recorded_step
from tests.builders.toy_images import toy_images

CUDA, CPU = torch.device("cuda"), torch.device("cpu")
SAFE, GRAPH, BF16 = ComputeMode(False, True, False), ComputeMode(False, True, True), ComputeMode(True, True, True)
quiet = lambda text: None


def trial(tiny, should_stop=lambda: False, **changes):
    config = tiny(batch=4, **changes)
    images, labels = toy_images(24, 28, 1, 3)
    sampler = BatchSampler(TrainingSet(images, labels, ["a", "b", "c"]), config, CPU)
    fresh = lambda: step.new_state(config, size=28, channels=1, num_classes=3, device=CPU)
    return Trial(fresh, sampler, config, should_stop, recorded_step.capture)


def remembered(tmp_path, config, gpu="cuda: one", run="run.json"):
    return Remembered(tmp_path / run, tmp_path / "cache" / "modes.json", config, (28, 1, 3), gpu)


def test_a_cpu_has_nothing_to_choose(tiny, tmp_path):
    assert autotune.choose_mode(trial(tiny), remembered(tmp_path, tiny()), Hooks()) is None
    assert not list(tmp_path.iterdir())


def test_a_given_precision_is_not_tried_otherwise(tiny):
    assert {mode.bf16 for mode in autotune.candidate_modes(tiny(precision="bf16"), CUDA)} == {True}
    assert {mode.bf16 for mode in autotune.candidate_modes(tiny(precision="auto"), CUDA)} == {True, False}
    assert autotune.candidate_modes(tiny(precision="auto"), CUDA)[0] == SAFE


def test_the_fastest_that_works_is_taken_progress_is_told_and_so_is_a_failure(tiny):
    candidates, said, told = autotune.candidate_modes(tiny(precision="auto"), CUDA), [], []

    def seconds(mode):
        if not mode.channels_last:
            raise RuntimeError("no such layout\nand a long story")
        return 0.2 if mode.bf16 else 1.0 if mode.graph else 2.0

    best = autotune.fastest(candidates, seconds, said.append, lambda share, text: told.append(share))
    assert best == BF16
    assert sum("no such layout" in line for line in said) == 2 and "long story" not in " ".join(said)
    assert told == sorted(told) and len(told) == len(candidates) and told[0] >= 0 and told[-1] < 1


def test_bfloat16_is_taken_only_where_it_is_a_tenth_faster():
    choose = lambda of_bf16: autotune.fastest([GRAPH, BF16], {GRAPH: 1.0, BF16: of_bf16}.get, quiet)
    assert choose(0.95) == GRAPH and choose(0.85) == BF16


def test_where_nothing_works_the_safe_mode_is_left(tiny):
    def broken(mode):
        raise RuntimeError("out of order")

    assert autotune.fastest(autotune.candidate_modes(tiny(precision="auto"), CUDA), broken, quiet) == SAFE


def test_no_other_mode_is_tried_once_the_time_is_over(monkeypatch):
    monkeypatch.setattr(autotune, "ALL_SECONDS", -1.0)
    said = []
    assert autotune.fastest([SAFE, GRAPH], lambda mode: 0.1 if mode.graph else 1.0, said.append) == SAFE
    assert "Not tried" in said[0]


@pytest.mark.slow
def test_a_mode_is_timed_for_long_enough_and_can_be_stopped_within(tiny, monkeypatch):
    monkeypatch.setattr(autotune, "TIMED_SECONDS", 0.05)
    monkeypatch.setattr(autotune, "MODE_SECONDS", 600.0)
    one = trial(tiny)
    steps = one.steps(GRAPH)
    assert one.timed(steps) > 0 and len(steps.replays) == 1
    asked = iter([False, False, True])
    with pytest.raises(Stopped):
        trial(tiny, should_stop=lambda: next(asked)).seconds(SAFE)


def test_a_mode_is_remembered_for_these_settings_on_this_gpu_alone(tiny, tmp_path):
    config = tiny(batch=8)
    remembered(tmp_path, config).write(BF16, chosen=True)
    other_run = lambda config, gpu="cuda: one": remembered(tmp_path, config, gpu, run="other.json").read()
    assert other_run(config) == BF16 == other_run(config.model_copy(update={"seed": 7, "epochs": 2.0}))
    assert other_run(config.model_copy(update={"batch": 16})) is None
    assert other_run(config, "cuda: two") is None is remembered(tmp_path, config, "cuda: two").read()
    remembered(tmp_path, config).write(SAFE, chosen=False)
    assert other_run(config) is None and remembered(tmp_path, config).read() == SAFE


@pytest.mark.parametrize("content", ['{"bf16": true, "channels_last": true, "compiled": true}', "half a fi", "[1]"])
def test_a_file_of_an_older_version_or_a_damaged_one_is_not_trusted(tiny, tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    assert remembered(tmp_path, tiny()).read() is None


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    monkeypatch.setattr(autotune, "candidate_modes", lambda config, device: [SAFE, GRAPH])


@pytest.mark.slow
def test_what_is_remembered_is_used_without_another_trial(tiny, tmp_path, as_on_a_gpu, monkeypatch):
    one = trial(tiny)
    monkeypatch.setattr(autotune, "fastest", lambda *_: pytest.fail("a trial"))
    known = remembered(tmp_path, one.config)
    known.write(GRAPH, chosen=True)
    assert autotune.choose_mode(one, known, Hooks(log=quiet)) == GRAPH


def test_a_remembered_mode_that_fails_gives_way_to_the_safe_one_and_is_forgotten(tiny, tmp_path, as_on_a_gpu):
    def fails():
        raise RuntimeError("no kernel image is available")

    one, said = trial(tiny), []
    known = remembered(tmp_path, one.config)
    known.write(GRAPH, chosen=True)
    assert autotune.choose_mode(one._replace(fresh=fails), known, Hooks(log=said.append)) == SAFE
    assert "no kernel image" in said[0] and json.loads((tmp_path / "cache" / "modes.json").read_text()) == {}


def test_a_choice_that_is_stopped_is_not_remembered(tiny, tmp_path, as_on_a_gpu):
    one = trial(tiny, should_stop=lambda: True)
    assert autotune.choose_mode(one, remembered(tmp_path, one.config), Hooks(log=quiet)) == SAFE
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize("mode", [ComputeMode(True, False, False), SAFE])
def test_a_mode_is_what_the_steps_are_taken_with(tiny, mode):
    config = tiny()
    state = step.new_state(config, size=32, channels=1, num_classes=3, device=CPU)
    told = autotune.apply(mode, state, config)
    assert told.precision == ("bf16" if mode.bf16 else "fp32")
    weight = state.G.blocks[1].conv.weight
    assert weight.is_contiguous(memory_format=torch.channels_last) is mode.channels_last
    step.train_step(state, torch.rand(16, 1, 32, 32), torch.arange(16) % 3, told)
