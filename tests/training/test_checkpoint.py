"""Checkpoints are whole or absent, and sampling loads the averaged generator alone."""

import math
from pathlib import Path

import pytest
import torch

from gan_core.errors import UserError
from gan_core.generation import sampling
from gan_core.training import checkpoint, step

CPU = torch.device("cpu")


def has_code(code):
    return lambda error: error.code == code


def fresh(config):
    return step.new_state(config, size=32, channels=1, num_classes=3, device=CPU)


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
    with pytest.raises(UserError, check=has_code("other_networks")):
        checkpoint.restore(fresh(tiny(width=32)), values)
    with pytest.raises(UserError, check=has_code("other_networks")):
        sampling.load_generator(tiny(width=32), values["G_ema"], size=32, channels=1, num_classes=3, device=CPU)
    assert checkpoint.newest(tmp_path, set_aside=True) is not None
    with pytest.raises(UserError, check=has_code("other_networks")):
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


def resident_bytes(path) -> int:
    """Bytes of a mapped file that this process holds in memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    return sum(
        1024 * int(next(row for row in lines if row.startswith("Rss:")).split()[1])
        for line in lines
        if line.endswith(str(path))
    )


def test_sampling_loads_the_averaged_generator_alone(tiny, tmp_path):
    config = tiny(width=512)
    state = fresh(config)
    step.train_step(state, torch.rand(4, 1, 32, 32) * 2 - 1, torch.arange(4) % 3, config)  # Adam has its moments
    path = checkpoint.save(tmp_path, state, {})
    weights, _, _ = checkpoint.generator_weights(tmp_path)
    G = sampling.load_generator(config, weights, size=32, channels=1, num_classes=3, device=CPU)
    assert all(torch.equal(value, state.G_ema.state_dict()[name]) for name, value in G.state_dict().items())
    wanted = sum(value.nbytes for value in weights.values())
    near = 2 * 2**21  # the system maps up to 2 MB around a page that is read
    assert wanted / 2 < resident_bytes(path) <= wanted + near < path.stat().st_size / 2


def test_a_restored_state_keeps_nothing_of_the_file(tiny, tmp_path):
    config = tiny()
    state = fresh(config)
    step.train_step(state, torch.rand(4, 1, 32, 32) * 2 - 1, torch.arange(4) % 3, config)
    path = checkpoint.save(tmp_path, state, {})
    other = fresh(config)
    checkpoint.restore(other, checkpoint.newest(tmp_path)[0])
    assert resident_bytes(path) == 0
    mine, theirs = (one.opt_G.state_dict()["state"] for one in (state, other))
    assert all(torch.equal(mine[at][key], theirs[at][key]) for at in mine for key in mine[at])
