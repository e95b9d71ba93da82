"""Several processes do what one does on the same global batch."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp

from gan_core.errors import UserError
from gan_core.models import FAMILIES, Spec
from gan_core.settings.families import TRAITS, inner_size
from gan_core.settings.recipes import RECIPES
from gan_core.settings.schema import build
from gan_core.training import checkpoint, distributed, global_batch, step
from gan_core.training.batches import BatchSampler, TrainingSet
from tests.builders.toy_images import toy_images

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
SMALL = {"width": 16, "z_dim": 8, "batch": 16, "device": "cpu", "precision": "fp32", "augment": "color+translation"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def steps(changes: dict, count: int = 20) -> step.State:
    """Batch norm in G, augmentation, flips and LeCam's running means: all that looks across the batch."""
    config = build(
        {**RECIPES["quick"].config.model_dump(), **SMALL, "flip": True, "lecam": 0.1, "guide": False, **changes}
    )
    images, labels = toy_images(96, 32, 1, 3)
    state = step.new_state(config, size=32, channels=1, num_classes=3, device=CPU)
    distributed.sync_batch_norm(state.G)
    distributed.sync_batch_norm(state.D)
    sampler = BatchSampler(TrainingSet(images, labels, ["a", "b", "c"]), config, CPU)
    for _ in range(count):
        step.train_step(state, *sampler(), config)
    return state


def in_doubles() -> None:
    """Double precision throughout: in single precision Adam turns the rounding of a gradient that is nought into a whole step."""
    torch.set_default_dtype(torch.float64)
    torch.Tensor.float = torch.Tensor.double


def one_of(rank: int, world: int, port: int, changes: dict, out: str) -> None:
    """A process of its own, alone or beside another: what it has learnt goes into <out>/<world>-<rank>.pt."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": str(world)}
    torch.set_num_threads(1)
    in_doubles()
    with distributed.process_group():
        assert global_batch.world() == (rank, world)
        state = steps(changes)
        torch.save({"G": state.G.state_dict(), "D": state.D.state_dict(), "G_ema": state.G_ema.state_dict(),
                    "memory": state.memory, "seen": state.images_seen}, f"{out}/{world}-{rank}.pt")  # fmt: skip


@pytest.mark.parametrize("changes", [{}, {"loss": "hinge", "penalty": "r1", "d_steps": 2, "lecam": 0.0}])
def test_two_processes_equal_one_over_twenty_steps(tmp_path, changes):
    for world in (1, 2):
        mp.spawn(one_of, (world, free_port(), changes, str(tmp_path)), nprocs=world)
    alone = torch.load(tmp_path / "1-0.pt", weights_only=True)
    for rank in range(2):
        both = torch.load(tmp_path / f"2-{rank}.pt", weights_only=True)
        assert both["seen"] == alone["seen"] == 320
        for name in ("G", "D", "G_ema"):
            for key, value in alone[name].items():
                assert value.dtype in (torch.float64, torch.int64)
                assert torch.allclose(both[name][key], value, rtol=1e-4, atol=1e-4), (name, key)
        assert torch.allclose(both["memory"]["anchors"], alone["memory"]["anchors"], atol=1e-4)


def test_the_parts_of_a_draw_make_the_whole(monkeypatch):
    torch.manual_seed(0)
    whole = global_batch.randn(8, 3, device=CPU)
    parts = []
    for rank in range(2):
        monkeypatch.setattr(global_batch, "world", lambda rank=rank: (rank, 2))
        torch.manual_seed(0)
        parts.append(global_batch.randn(4, 3, device=CPU))
    assert torch.equal(torch.cat(parts), whole)


def test_a_batch_that_cannot_be_shared_evenly_is_refused(monkeypatch, tiny):
    monkeypatch.setattr(distributed, "world", lambda: (0, 3))
    with pytest.raises(UserError, check=lambda error: error.code == "bad_batch" and "multiple of 3" in error.todo):
        distributed.check_batch(tiny(batch=16))


def test_a_part_that_is_too_small_to_compare_is_refused(monkeypatch, tiny):
    monkeypatch.setattr(distributed, "world", lambda: (0, 4))
    too_small = lambda error: error.code == "bad_batch" and "8 or more" in error.todo
    with pytest.raises(UserError, check=too_small):
        distributed.check_batch(tiny(family="cyclegan", batch=4))
    with pytest.raises(UserError, check=too_small):
        distributed.check_batch(tiny(family="stylegan2-lite", batch=4, minibatch_std=True))
    distributed.check_batch(tiny(batch=4))  # batch norm counts over all parts


@pytest.mark.parametrize("family", [name for name, facts in TRAITS.items() if facts.batch_norm])
def test_every_batch_norm_is_shared(monkeypatch, family):
    monkeypatch.setattr(distributed, "world", lambda: (0, 2))
    spec = Spec(
        inner_size(family, TRAITS[family].sizes[0]), 1, 3, z_dim=8, width=16, condition=TRAITS[family].conditions[0]
    )
    nets = [net(spec) for net in (FAMILIES[family].Generator, FAMILIES[family].Discriminator)]
    norms = []
    for net in nets:
        if isinstance(net, torch.nn.Module):
            distributed.sync_batch_norm(net)
            norms += [m for m in net.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    assert norms and all(isinstance(norm, distributed.SyncBatchNorm2d) for norm in norms)


def test_the_command_under_torchrun_trains_what_one_process_trains(toy_dataset, workspace, tmp_path):
    """Through the door a user takes: same command, one writer, same checkpoints."""
    command = ["-m", "gan_core", "--workspace", str(workspace.root), "train", toy_dataset, "--images", "48", "--json"]
    for setting in ("width=16", "z_dim=8", "batch=16", "precision=fp32", "device=cpu"):
        command += ["--set", setting]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GANVAS_THREADS": "1"}
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port())]
    for before in ([], torchrun):
        done = subprocess.run(
            [sys.executable, *before, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stderr[-2000:]
    runs = sorted((workspace.root / "runs").iterdir(), key=lambda folder: (folder / "config.json").stat().st_mtime)
    assert len(runs) == 2
    one, two = (checkpoint.newest(folder / "checkpoints")[0] for folder in runs)
    assert one["images_seen"] == two["images_seen"] == 48
    assert torch.equal(one["D"]["trunk.0.weight"], two["D"]["trunk.0.weight"])  # the leader's guide, told to the other
    apart = [(value.float() - two["G"][key].float()).abs().mean() for key, value in one["G"].items()]
    assert max(apart) < 1e-4  # a step is five times that; single elements may differ more, see in_doubles
    lines = [(folder / "samples" / "index.jsonl").read_text().count("\n") for folder in runs]
    assert lines[0] == lines[1]
    assert np.isfinite(two["elapsed_seconds"])


def test_a_constant_channel_has_no_variance_below_zero():
    """The difference of two rounded means may be negative, and its root is then not a number."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        norm = distributed.SyncBatchNorm2d(64)
        x = (1000 + 7 * torch.rand(1, 64, 1, 1)).expand(8, 64, 4, 4).clone().requires_grad_()
        out = norm(x)
        out.sum().backward()
        assert torch.isfinite(out).all() and torch.isfinite(x.grad).all() and (norm.running_var >= 0).all()
    finally:
        torch.distributed.destroy_process_group()
