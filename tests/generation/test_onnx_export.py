"""A generator taken away draws what it drew here: as ONNX without torch, and as safetensors."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core import actions
from gan_core.errors import UserError
from gan_core.generation import onnx_export
from gan_core.jobs import worker
from gan_core.jobs.queue import Watch
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.models import FAMILIES, Spec
from gan_core.requests import ExportModelRequest
from gan_core.settings.families import TRAITS
from gan_core.settings.schema import TrainConfig
from tests.builders.zips import unpack

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
torch.set_num_threads(1)


def fresh(family: str, channels: int = 3):
    """(an untrained G, its size)."""
    torch.manual_seed(0)
    size = TRAITS[family].sizes[0]
    config = TrainConfig(family=family, width=16, z_dim=8)
    return FAMILIES[family].Generator(Spec.of(config, size=size, channels=channels, num_classes=3)).eval(), size


@pytest.mark.parametrize("family", ["r3lite", "cgan28", "progressive", "vae", "cyclegan", "kmeans", "stylegan2-lite"])
def test_onnx_draws_what_torch_draws(tmp_path, family):
    import onnxruntime

    G, size = fresh(family)
    if family == "progressive":
        G.growth.at(0.6)
    path = tmp_path / "generator.onnx"
    assert onnx_export.write_onnx(G, path, z_dim=8, size=size, classes=3) <= 1
    noise, label = torch.randn(5, 8), torch.tensor([2, 0, 1, 1, 2])
    session = onnxruntime.InferenceSession(str(path))
    drawn = session.run(None, {"noise": noise.numpy(), "label": label.numpy()})[0]
    wanted = onnx_export.PixelGenerator(G, size)(noise, label).detach().numpy()
    assert drawn.dtype == np.uint8 and drawn.shape == (5, size, size, 3)
    assert np.abs(drawn.astype(int) - wanted.astype(int)).max() <= 1
    assert str(ROOT).encode() not in path.read_bytes()


def test_a_graph_that_draws_something_else_is_refused(tmp_path):
    class Restless(torch.nn.Module):
        def forward(self, z, y):
            return torch.rand(len(z), 1, 8, 8) * 2 - 1

    with pytest.raises(UserError, match="as ONNX"):
        onnx_export.write_onnx(Restless(), tmp_path / "generator.onnx", z_dim=4, size=8, classes=2)
    assert not list(tmp_path.iterdir())


def test_the_zip_draws_by_both_of_its_scripts(context, toy_dataset, tiny, tmp_path):
    trained = actions.train(context, toy_dataset, tiny(epochs=2.0), name="A `run`/../x")
    worker.carry_out(context.store, context.workspace, trained, Watch(context.store, trained))
    job = actions.export_model(context, ExportModelRequest(run=trained.subject))
    worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
    result = context.store.job(job.id).result
    assert result["onnx"] == "written" and "/" not in result["file"]
    path = context.workspace.export(job.subject) / result["file"]
    unpack(path, tmp_path)
    with zipfile.ZipFile(path) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
    facts = json.loads((tmp_path / "generator.json").read_text())
    name, label = facts["classes"][1], 1
    wanted = RunSampler(context.store.run(trained.subject), context.workspace).draw([label] * 3, seed=7 + label)
    for script in ("draw.py", "draw_torch.py"):
        done = subprocess.run(
            [sys.executable, tmp_path / script, name, "3", "7"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        for i in range(3):
            path = tmp_path / f"{label}-{i:06d}.png"
            drawn = np.asarray(Image.open(path)).astype(int)
            assert np.abs(drawn - wanted[i].squeeze().astype(int)).max() <= 1
            path.unlink()


def test_a_run_that_learnt_nothing_yet_cannot_be_shared(context, toy_dataset, tiny):
    run = actions.train(context, toy_dataset, tiny()).subject
    with pytest.raises(UserError, match="no checkpoint"):
        actions.export_model(context, ExportModelRequest(run=run))
