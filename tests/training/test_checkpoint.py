"""Checkpoints are whole or absent, and sampling loads the averaged generator alone."""

import errno
import hashlib
import math
import os
import pickle
from pathlib import Path

import pytest
import torch

from gan_core.errors import UserError
from gan_core.generation import sampling
from gan_core.storage import checkpoints
from gan_core.storage.workspace import write_json
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
    assert checkpoint.to_resume(tmp_path).values["images_seen"] == 10
    assert {p.name for p in (tmp_path / "bad").iterdir()} == {path.name, path.with_suffix(".json").name}


def test_a_checkpoint_of_other_networks_is_refused_and_stays(tiny, tmp_path):
    checkpoint.save(tmp_path, fresh(tiny()), {})
    values, _ = checkpoint.newest(tmp_path)
    with pytest.raises(UserError, check=has_code("other_networks")):
        checkpoint.restore(fresh(tiny(width=32)), values)
    with pytest.raises(UserError, check=has_code("other_networks")):
        sampling.load_generator(tiny(width=32), values["G_ema"], size=32, channels=1, num_classes=3, device=CPU)
    assert checkpoint.to_resume(tmp_path) is not None
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


def spoil(state, where, value):
    """Put one value into a tensor of the state."""
    tensors = {
        "a weight of G": next(state.G.parameters()),
        "a weight of D": next(state.D.parameters()),
        "a weight of the averaged G": next(state.G_ema.parameters()),
        "a buffer of G": next(b for b in state.G.buffers() if b.is_floating_point()),
        "a buffer of the averaged G": next(b for b in state.G_ema.buffers() if b.is_floating_point()),
        "a moment of Adam": next(iter(state.opt_G.state.values()))["exp_avg_sq"],
    }
    with torch.no_grad():
        tensors[where].view(-1)[0] = value


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "where",
    [
        "a weight of G",
        "a weight of D",
        "a weight of the averaged G",
        "a buffer of G",
        "a buffer of the averaged G",
        "a moment of Adam",
    ],
)
def test_a_number_that_is_not_finite_is_never_saved(tiny, tmp_path, where, value):
    config = tiny()
    state = fresh(config)
    step.train_step(state, torch.rand(4, 1, 32, 32) * 2 - 1, torch.arange(4) % 3, config)
    checkpoint.save(tmp_path, state, {})
    state.images_seen += 4
    spoil(state, where, value)
    with pytest.raises(FloatingPointError):
        checkpoint.save(tmp_path, state, {})
    assert len(list(tmp_path.glob("*.pt"))) == 1


def as_folder(path):
    path.unlink()
    path.mkdir()


def as_pickle(path):
    """A file that torch refuses to load, with a manifest that fits."""
    path.write_bytes(pickle.dumps(Path))
    as_if_saved(path)


def as_other_values(path):
    """A file that torch loads, of something that is no checkpoint."""
    torch.save({"weights": torch.zeros(2)}, path)
    as_if_saved(path)


def as_if_saved(path):
    content = path.read_bytes()
    write_json(path.with_suffix(".json"), {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)})


SPOILED = {
    "a folder": as_folder,
    "a pickle": as_pickle,
    "other values": as_other_values,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "gone": lambda path: path.unlink(),
    "a manifest of something else": lambda path: path.with_suffix(".json").write_text("[1]"),
    "a manifest that is no JSON": lambda path: path.with_suffix(".json").write_text("{"),
    "a manifest that is no text": lambda path: path.with_suffix(".json").write_bytes(bytes([0xFF, 0xFE, 0x00])),
    "a manifest that is a folder": lambda path: as_folder(path.with_suffix(".json")),
}


@pytest.mark.parametrize("how", SPOILED)
def test_every_reader_passes_over_a_checkpoint_that_cannot_be_read(tiny, tmp_path, how):
    state = fresh(tiny())
    for seen in (10, 20):
        state.images_seen = seen
        path = checkpoint.save(tmp_path, state, {})
    SPOILED[how](path)
    assert checkpoint.newest(tmp_path)[0]["images_seen"] == 10
    assert checkpoint.generator_weights(tmp_path)[1] == 10
    found = checkpoint.to_resume(tmp_path)
    assert found.values["images_seen"] == 10 and found.passed_over == [20]
    assert checkpoints.manifests(tmp_path) == [checkpoints.manifest(tmp_path, 10)] and not path.exists()
    assert list((tmp_path / "bad").iterdir())


@pytest.mark.parametrize("how", [how for how in SPOILED if how != "gone" and "manifest" not in how])
def test_a_resume_without_a_usable_checkpoint_is_refused_and_leaves_all_as_it_is(tiny, tmp_path, how):
    state = fresh(tiny())
    paths = []
    for seen in (10, 20):
        state.images_seen = seen
        paths.append(checkpoint.save(tmp_path, state, {}))
    for path in paths:
        SPOILED[how](path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, check=has_code("damaged_checkpoints")):
        checkpoint.to_resume(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("how", [how for how in SPOILED if "manifest" in how] + ["no manifest"])
def test_values_that_are_whole_are_used_although_no_manifest_can_be_read(tiny, tmp_path, how):
    """As where a run is killed between the two files of its first checkpoint."""
    state = fresh(tiny())
    for seen in (10, 20):
        state.images_seen = seen
        path = checkpoint.save(tmp_path, state, {})
        (SPOILED.get(how) or (lambda path: path.with_suffix(".json").unlink()))(path)
    assert checkpoint.newest(tmp_path) is None
    assert checkpoint.to_resume(tmp_path).values["images_seen"] == 20
    assert checkpoint.newest(tmp_path)[0]["images_seen"] == 20


def test_values_with_a_changed_bit_are_not_salvaged(tiny, tmp_path):
    path = checkpoint.save(tmp_path, fresh(tiny()), {})
    path.with_suffix(".json").unlink()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, check=has_code("damaged_checkpoints")):
        checkpoint.to_resume(tmp_path)
    assert path.exists()


def test_a_run_that_never_saved_anything_starts(tmp_path):
    assert checkpoint.to_resume(tmp_path / "checkpoints") is None


def test_what_a_killed_save_left_is_removed_by_the_next_resume(tiny, tmp_path):
    state = fresh(tiny())
    path = checkpoint.save(tmp_path, state, {})
    left = tmp_path / f"{path.name}.tmp-1-abcdef"
    left.write_bytes(b"half")
    assert checkpoint.to_resume(tmp_path).values["images_seen"] == 0
    assert not left.exists() and path.exists()


def test_a_checkpoint_that_does_not_fit_says_how_much_room_it_needs(tiny, tmp_path, monkeypatch):
    state = fresh(tiny())
    state.images_seen = 10
    kept = checkpoint.save(tmp_path, state, {})

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    state.images_seen = 20
    with pytest.raises(checkpoint.NotSaved) as refused:
        checkpoint.save(tmp_path, state, {})
    assert refused.value.bytes == pytest.approx(kept.stat().st_size, rel=0.01)
    assert refused.value.error.errno == errno.ENOSPC
    monkeypatch.undo()
    assert checkpoint.newest(tmp_path)[0]["images_seen"] == 10
    assert [path.name for path in tmp_path.glob("*.tmp-*")] == []


def test_a_checkpoint_counts_although_an_older_one_cannot_be_deleted(tiny, tmp_path, monkeypatch):
    state = fresh(tiny())
    for seen in range(1, 4):
        state.images_seen = seen
        checkpoint.save(tmp_path, state, {})

    def denied(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "unlink", denied)
    state.images_seen = 4
    checkpoint.save(tmp_path, state, {})
    assert checkpoint.newest(tmp_path)[0]["images_seen"] == 4


def resident_bytes(path) -> int:
    """Bytes of a mapped file that this process holds in memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    return sum(
        1024 * int(next(row for row in lines if row.startswith("Rss:")).split()[1])
        for line in lines
        if line.endswith(str(path))
    )


@pytest.mark.slow
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


LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def in_layout(state, layout):
    for net in (state.G, state.D, state.G_ema):
        net.to(memory_format=LAYOUTS[layout])
    return state


@pytest.mark.parametrize("resumed", LAYOUTS)
@pytest.mark.parametrize("saved", LAYOUTS)
def test_a_run_that_is_resumed_in_another_memory_layout_goes_on_as_it_would_have(tiny, tmp_path, saved, resumed):
    config, labels = tiny(), torch.arange(8) % 3
    real = torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    state = in_layout(fresh(config), saved)
    for _ in range(3):
        step.train_step(state, real, labels, config)
    checkpoint.save(tmp_path, state, {})
    other = in_layout(fresh(config), resumed)
    checkpoint.restore(other, checkpoint.newest(tmp_path)[0])
    for net, optimizer in ((other.G, other.opt_G), (other.D, other.opt_D)):
        for weight in net.parameters():
            moments = [value for value in optimizer.state[weight].values() if value.shape == weight.shape]
            assert all(value.stride() == weight.stride() for value in moments)
    random = torch.get_rng_state()
    step.train_step(state, real, labels, config)
    torch.set_rng_state(random)
    step.train_step(other, real, labels, config)
    for name, weight in state.D.state_dict().items():
        apart = (weight - other.D.state_dict()[name]).abs()
        assert (apart > config.lr_D / 2).double().mean() < 0.01, name  # Adam enlarges the rounding of a tiny gradient


def test_the_optimizer_keeps_its_own_way_of_computing_and_takes_only_the_moments(tiny, tmp_path):
    """As where a run of a GPU, whose optimizer is capturable, is resumed on a CPU, where that is refused."""
    state = fresh(tiny())
    checkpoint.save(tmp_path, state, {})
    values = checkpoint.newest(tmp_path)[0]
    for name in ("opt_G", "opt_D"):
        for group in values[name]["param_groups"]:
            group |= {"capturable": True, "fused": None, "foreach": True}
    other = fresh(tiny())
    checkpoint.restore(other, values)
    for optimizer in (other.opt_G, other.opt_D):
        group = optimizer.param_groups[0]
        assert group["fused"] and not group["capturable"] and not group["foreach"]


def test_every_process_goes_on_with_the_random_numbers_of_the_gpu_of_rank_0(monkeypatch):
    """Every process draws the whole batch, so all of them need one state, whatever the number of their GPU is."""
    given = []
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: given.append((state, device)))
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: torch.tensor([7, device.index or 0]))
    values = {"rng": torch.get_rng_state(), "cuda_rng": [torch.tensor([5]), torch.tensor([6])]}  # of an older version
    checkpoint.restore_random(values, torch.device("cuda", 1))
    assert given == [(torch.tensor([5]), torch.device("cuda", 1))]
    assert [state.tolist() for state in checkpoint.random_state(torch.device("cuda", 1))["cuda_rng"]] == [[7, 1]]
    given.clear()
    checkpoint.restore_random(values, CPU)
    checkpoint.restore_random(values | {"cuda_rng": []}, torch.device("cuda"))  # saved by a run of a CPU
    assert not given and checkpoint.random_state(CPU)["cuda_rng"] == []
