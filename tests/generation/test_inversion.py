"""Inversion finds an image again that G can draw, and a variant is as far from it as the strength says."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gan_core import actions
from gan_core.errors import FieldErrors, Stopped, UserError
from gan_core.generation import inversion, sampling
from gan_core.jobs import worker
from gan_core.jobs.handlers import variants
from gan_core.jobs.queue import Watch
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.models import FAMILIES, Spec
from gan_core.requests import VariantsRequest


class Blobs(nn.Module):
    """z [N, 4] -> [N, 1, 16, 16]: a spot whose place, width and tone the noise sets; its weight is only a place to live."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1), requires_grad=False)

    def forward(self, z, y):
        row, column = torch.meshgrid(torch.linspace(-2, 2, 16), torch.linspace(-2, 2, 16), indexing="ij")
        far = (row - z[:, 0, None, None]).square() + (column - z[:, 1, None, None]).square()
        spot = (-far / (0.5 + z[:, 2, None, None].square())).exp()
        return (2 * spot * torch.sigmoid(z[:, 3, None, None] + 2) - 1)[:, None]


def draws(n=6, seed=3):
    z = np.random.default_rng(seed).standard_normal((n, 4)).astype(np.float32)
    return z, sampling.generate(Blobs(), z, np.zeros(n, np.int64), 16)


def test_what_g_can_draw_is_found_again():
    _, images = draws()
    found = inversion.invert(Blobs(), images, np.zeros(6, np.int64), z_dim=4, inner=16, seed=0)
    assert found.z.shape == (6, 4) and found.z.dtype == np.float32
    assert found.error.mean() < 0.02 < 0.05 < found.error_at_random
    again = sampling.generate(Blobs(), found.z, np.zeros(6, np.int64), 16)
    measured = np.abs(again.astype(float) - images).mean((1, 2, 3)) / 255
    assert np.allclose(measured, found.error, atol=1e-6)


@pytest.mark.slow
def test_the_batch_does_not_change_what_is_found(monkeypatch):
    _, images = draws()
    whole = inversion.invert(Blobs(), images, np.zeros(6, np.int64), z_dim=4, inner=16, seed=0)
    monkeypatch.setattr(inversion, "BATCH", 8)
    parts = inversion.invert(Blobs(), images, np.zeros(6, np.int64), z_dim=4, inner=16, seed=0)
    assert np.allclose(whole.error, parts.error, atol=0.01)


def test_a_variant_keeps_the_length_of_its_code_and_goes_as_far_as_the_strength():
    z = np.random.default_rng(0).standard_normal((500, 64)).astype(np.float32)
    assert np.array_equal(inversion.vary(z, 0.0, 1), z)
    far = [np.corrcoef(z.ravel(), inversion.vary(z, s, 1).ravel())[0, 1] for s in (0.3, 0.8, 1.0)]
    assert far == pytest.approx([np.sqrt(1 - 0.09), 0.6, 0.0], abs=0.02)
    assert all(inversion.vary(z, s, 1).std() == pytest.approx(1, abs=0.02) for s in (0.3, 0.8, 1.0))
    assert np.array_equal(inversion.vary(z, 0.5, 1)[7:], inversion.vary(z[7:], 0.5, 1, start=7))
    assert not np.array_equal(inversion.vary(z, 0.5, 1), inversion.vary(z, 0.5, 2))


def test_encoding_can_be_stopped():
    _, images = draws()
    with pytest.raises(Stopped):
        inversion.invert(Blobs(), images, np.zeros(6), z_dim=4, inner=16, seed=0, should_stop=lambda: True)


def test_clusters_are_no_place_to_search_in():
    G = FAMILIES["kmeans"].Generator(Spec(32, 1, 2, 8, 4)).eval()
    with pytest.raises(UserError, check=lambda error: error.code == "not_smooth"):
        inversion.invert(G, np.zeros((2, 32, 32, 1), np.uint8), np.zeros(2, np.int64), z_dim=8, inner=32, seed=0)


@pytest.fixture
def trained(context, toy_dataset, tiny, monkeypatch):
    monkeypatch.setattr(inversion, "STEPS", 10)

    def make(**changes):
        job = actions.train(context, toy_dataset, tiny(epochs=1.0, **changes))
        worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
        return job.subject

    return make


@pytest.mark.slow
def test_the_job_leaves_a_sheet_of_real_drawn_and_variants(context, trained):
    run = trained()
    job = actions.variants(context, run, VariantsRequest(class_name="grey"))
    worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
    job = context.store.job(job.id)
    assert job.state == "finished", job.error
    assert job.result["images"] == 8 and 0 < job.result["error"] <= job.result["error_at_random"]
    sheet = Image.open(context.workspace.run(run) / "fusions" / job.result["file"]).convert("L")
    cells = np.asarray(sheet)[: sheet.height // 8 * 8]
    first = cells[: sheet.height // 8, : sheet.width // 8 - 2]
    assert abs(float(np.median(first)) - 120) < 15  # the real image: the class's own tone is 120


@pytest.mark.slow
def test_files_are_variants_of_real_images_in_turn(context, trained, tmp_path):
    generator = RunSampler(context.store.run(trained()), context.workspace)
    written = variants.write(generator, context.workspace, tmp_path, 25, "dark", 0, 0.3)
    files = sorted((tmp_path / "dark").iterdir())
    assert written["files"] == len(files) == 25 and written["classes"]["dark"]["images"] == 20
    assert not (tmp_path / "grey").exists()
    first, again = (np.asarray(Image.open(files[number])) for number in (0, 20))
    assert first.shape == (32, 32) and not np.array_equal(first, again)  # the same real image, other noise


def test_a_run_that_ignored_labels_is_one_class(context, trained, tmp_path):
    run = trained(conditional=False)
    written = variants.write(
        RunSampler(context.store.run(run), context.workspace), context.workspace, tmp_path, 3, None, 0, 0.5
    )
    assert list(written["classes"]) == ["all"]
    with pytest.raises(UserError, match="no class 'grey'"):
        actions.variants(context, run, VariantsRequest(class_name="grey"))


def test_nonsense_is_refused(context, trained):
    run = trained()
    for strength in (-0.1, 1.5, float("nan")):
        with pytest.raises(FieldErrors) as refused:
            VariantsRequest(class_name="grey", strength=strength)
        assert list(refused.value.fields) == ["strength"]
    with pytest.raises(UserError, match="no class"):
        actions.variants(context, run, VariantsRequest(class_name="purple"))
