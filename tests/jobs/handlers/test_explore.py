"""The jobs `explore`, `walk` and `timelapse` on a run that was trained for seconds."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_core import actions
from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.generation import animation
from gan_core.generation.png_metadata import read_notes
from gan_core.jobs import worker
from gan_core.jobs.queue import Watch
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests import ExploreRequest, TimelapseRequest, WalkEnd, WalkRequest
from gan_core.storage import drawn_images

pytestmark = pytest.mark.slow

CLASSES = ["dark", "grey", "bright"]


@pytest.fixture
def done(context):
    """Carry a job out in this process; returns it as it ended."""

    def do(job):
        worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
        return context.store.job(job.id)

    return do


@pytest.fixture
def trained(context, done, toy_dataset, tiny):
    return lambda **changes: done(actions.train(context, toy_dataset, tiny(epochs=1.0, **changes))).subject


def test_an_exploration_holds_images_their_settings_and_their_nearest_real_ones(context, trained, done):
    run = trained()
    job = done(actions.explore(context, run, ExploreRequest(seed=3, truncation=0.5)))
    assert job.state == "finished", job.error
    folder = context.workspace.run(run) / "explore" / job.id
    found = drawn_images.read(folder)
    assert len(found.images) == 3 * 8 and [one["label"] for one in found.images[::8]] == [0, 1, 2]
    one = found.images[9]
    drawn = RunSampler(context.store.run(run), context.workspace).draw([1] * 8, seed=4, truncation=0.5)
    kept = np.asarray(Image.open(folder / one["file"]))
    assert np.abs(kept.astype(int) - drawn[1, ..., 0]).max() <= 1
    notes = read_notes(folder / one["file"])
    assert (notes["run"], notes["dataset"], notes["class"], notes["number"]) == (run, "Tones", "grey", 1)
    assert (notes["seed"], notes["noise_scale"], notes["images_seen"]) == (3, 0.5, found.images_seen)
    assert read_notes(folder / "grid.png")["class"] == "all classes"
    distances = [real["distance"] for real in one["near"]]  # 1 less a correlation, see registration.py
    assert len(distances) == drawn_images.NEIGHBOURS and distances == sorted(distances)
    assert distances[0] >= 0 and distances[-1] <= 2 and 0 < found.usual <= 2
    assert all((folder / f"real-{real['row']:07d}.webp").is_file() for real in one["near"])


def test_of_a_large_training_set_a_random_part_is_searched(context, trained, done, monkeypatch):
    run = trained()
    train = dataset_folder.load(context.workspace.dataset(context.store.run(run).dataset_id), "train").images
    monkeypatch.setattr("gan_core.jobs.handlers.explore.MOST_BYTES", 20 * train[0].size)
    job = done(actions.explore(context, run, ExploreRequest(class_name="dark")))
    folder = context.workspace.run(run) / "explore" / job.id
    found = drawn_images.read(folder)
    assert (found.looked_at, found.train_images) == (20, len(train)) and len(train) > 20
    searched = set(np.random.default_rng(0).permutation(len(train))[:20].tolist())
    assert {real["row"] for one in found.images for real in one["near"]} <= searched
    assert all((folder / f"real-{real['row']:07d}.webp").is_file() for one in found.images for real in one["near"])


def test_one_class_fills_the_grid_and_a_run_without_labels_has_one(context, trained, done):
    run = trained(conditional=False)
    job = done(actions.explore(context, run))
    found = drawn_images.read(context.workspace.run(run) / "explore" / job.id)
    assert found.classes == ["all"] and found.train_classes == CLASSES and len(found.images) == drawn_images.ONE_CLASS
    with pytest.raises(UserError, match="no class 'grey'"):
        actions.explore(context, run, ExploreRequest(class_name="grey"))


@pytest.mark.parametrize("count", [1, 2, 12, 13, 40, 96, 500])
def test_a_grid_of_all_classes_is_never_too_large(count):
    rows, columns = drawn_images.rows_and_columns(count)
    assert rows * columns <= drawn_images.MOST_IMAGES and columns >= 1 and rows <= count


def test_only_the_newest_stay(context, trained, done, monkeypatch):
    run, prune = trained(), drawn_images.prune
    monkeypatch.setattr(drawn_images, "prune", lambda folder, kind: prune(folder, kind, 2))
    made = [done(actions.explore(context, run, ExploreRequest(class_name="dark", seed=seed))).id for seed in range(3)]
    assert [path.name for path in drawn_images.folders(context.workspace.run(run), "explore")] == made[:0:-1]


def test_a_walk_starts_at_an_image_of_the_exploration_and_ends_at_another(context, trained, done):
    run = trained()
    job = done(actions.explore(context, run, ExploreRequest(seed=1)))
    explored = context.workspace.run(run) / "explore" / job.id
    job = done(actions.walk(context, run, between(("dark", 0), ("bright", 5), seed=1, frames=5)))
    assert job.state == "finished", job.error
    folder = context.workspace.run(run) / "walks" / job.id
    assert drawn_images.read_walk(folder)["to"] == {"class": "bright", "number": 5}
    strip = np.asarray(Image.open(folder / "strip.png").convert("L")).astype(int)
    cell = strip.shape[0]
    scale = cell // 32
    for at, file in ((0, "image-0000.png"), (4, "image-0021.png")):
        drawn = np.asarray(Image.open(explored / file)).astype(int)
        stripe = strip[:, at * (cell + 2) : at * (cell + 2) + cell]
        assert np.abs(stripe[::scale, ::scale] - drawn).max() <= 1
    assert read_notes(folder / "strip.png")["from"] == {"class": "dark", "number": 0}
    for format in ("webp", "gif"):
        with Image.open(folder / f"walk.{format}") as film:
            assert 2 <= film.n_frames <= 9 and film.width == 320


def between(start: tuple[str, int], end: tuple[str, int], **more: Any) -> WalkRequest:
    ends = [WalkEnd(class_name=name, number=number) for name, number in (start, end)]
    return WalkRequest(start=ends[0], end=ends[1], **more)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"end": ("dark", 0)}, "same image"),
        ({"end": ("dark", 1), "same_noise": True}, "same image"),
        ({"end": ("purple", 1)}, "no class"),
        ({"end": ("grey", -1)}, "at least 0"),
        ({"end": ("grey", 1), "frames": 2}, "at least 3"),
        ({"end": ("grey", 1), "truncation": 1.6}, "at most 1.5"),
        ({"end": ("grey", 1), "truncation": float("nan")}, "finite"),
        ({"end": ("grey", 1), "seed": -1}, "at least 0"),
        ({"end": ("grey", 1), "at": 5}, "no checkpoint at 5"),
    ],
)
def test_nonsense_is_refused_before_anything_is_queued(context, trained, asked, why):
    run = trained()
    with pytest.raises(UserError, match=why):
        actions.walk(context, run, between(("dark", 0), asked.pop("end"), **asked))
    assert not context.store.jobs(kind="walk")


def test_k_means_explores_but_does_not_walk(context, trained, done):
    run = trained(family="kmeans")
    assert done(actions.explore(context, run, ExploreRequest(class_name="dark"))).state == "finished"
    with pytest.raises(UserError, match="no images between"):
        actions.walk(context, run, between(("dark", 0), ("grey", 0)))


def test_grids_hold_their_settings(context, trained):
    folder = context.workspace.run(trained()) / "samples"
    grids = sorted(folder.glob("fakes-*.png"))
    notes = [read_notes(path) for path in grids]
    assert [one["images_seen"] for one in notes] == [int(path.stem[-9:]) for path in grids] and len(grids) >= 2
    assert {(one["run"], one["dataset"]) for one in notes} == {(folder.parent.name, "Tones")}
    assert notes[0]["settings"]["z_dim"] == 8


def test_the_command_line_walks_and_films(context, trained, ganvas, tmp_path):
    run = trained()
    code, said, _ = ganvas("walk", run, "--to-class", "bright", "--frames", 4, "--out", tmp_path / "w.gif", "--json")
    assert code == 0 and said["same_noise"] and said["from"]["class"] == "dark"
    with Image.open(tmp_path / "w.gif") as film:
        assert film.n_frames >= 2
    assert ganvas("walk", run, "--frames", 4, "--out", tmp_path / "w.png")[0] == 0
    assert read_notes(tmp_path / "w.png")["to"] == {"class": "dark", "number": 1}
    code, said, _ = ganvas("timelapse", run, "--format", "gif", "--out", tmp_path / "t.bin", "--json")
    assert code == 0 and said["frames"] == said["grids"] >= 2
    with Image.open(tmp_path / "t.bin") as film:
        assert (film.format, film.n_frames) == ("GIF", said["frames"])
    code, _, err = ganvas("timelapse", run, "--out", tmp_path / "t.avi")
    assert code == 2 and "no format 'avi'" in err and not (tmp_path / "t.avi").exists()
    code, said, _ = ganvas("sample", run, "--per-class", 2, "--seed", 4, "--truncation", 0.7, "--out", tmp_path / "s")
    notes = read_notes(tmp_path / "s" / "grey" / "000001.png")
    assert (notes["class"], notes["number"], notes["seed"], notes["noise_scale"]) == ("grey", 1, 4, 0.7)


def test_without_pyav_an_mp4_is_refused_at_once(context, trained, monkeypatch):
    run = trained()
    monkeypatch.setattr(animation, "can_write", lambda format: format != "mp4")
    with pytest.raises(UserError, match="pip install av"):
        actions.timelapse(context, run, TimelapseRequest(format="mp4"))
