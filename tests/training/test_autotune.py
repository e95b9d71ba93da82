"""The choice of how to compute: the fastest way that works, remembered, and a notice for one that fails."""

import pytest
import torch

from gan_core.training import autotune, step

CUDA, CPU = torch.device("cuda"), torch.device("cpu")
never = lambda: False


def test_a_cpu_has_nothing_to_choose(tiny, tmp_path):
    assert autotune.choose_mode(tiny(), tmp_path, None, None, CPU, print, never) is None
    assert not list(tmp_path.iterdir())


def test_a_given_precision_is_not_tried_otherwise(tiny):
    assert {way.bf16 for way in autotune.candidate_modes(tiny(precision="bf16"), CUDA)} == {True}
    assert {way.bf16 for way in autotune.candidate_modes(tiny(precision="auto"), CUDA)} == {True, False}


def test_the_fastest_that_works_is_taken_and_a_failure_is_told(tiny):
    candidates, said = autotune.candidate_modes(tiny(precision="auto"), CUDA), []

    def seconds(way):
        if way.compiled:
            raise RuntimeError("no compiler here\nand a long story")
        return 1.0 if way.bf16 and way.channels_last else 2.0

    assert autotune.fastest(candidates, seconds, said.append, never) == autotune.ComputeMode(True, True, False)
    assert sum("no compiler here" in line for line in said) == 4 and "long story" not in " ".join(said)
    assert "bfloat16, channels last" in said[-1] and "fastest of 4" in said[-1]


def test_where_nothing_works_the_safe_way_is_left(tiny):
    candidates = autotune.candidate_modes(tiny(precision="auto"), CUDA)

    def broken(way):
        raise RuntimeError("out of order")

    assert autotune.fastest(candidates, broken, lambda text: None, never) == autotune.ComputeMode(False, True, False)
    assert autotune.fastest(candidates, lambda way: 1.0, lambda text: None, lambda: True) == candidates[0]


@pytest.mark.parametrize("way", [autotune.ComputeMode(True, False, False), autotune.ComputeMode(False, True, False)])
def test_a_way_is_what_the_steps_are_taken_with(tiny, way):
    config = tiny()
    state = step.new_state(config, size=32, channels=1, num_classes=3, device=CPU)
    told = autotune.apply(way, state, config)
    assert told.precision == ("bf16" if way.bf16 else "fp32")
    weight = state.G.blocks[1].conv.weight
    assert weight.is_contiguous(memory_format=torch.channels_last) is way.channels_last
    step.train_step(state, torch.rand(16, 1, 32, 32), torch.arange(16) % 3, told)
