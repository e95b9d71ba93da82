"""Objects cut out and pasted: found on plain and on cluttered ground, moved, and never with a seam of their old background."""

import json
import zipfile

import numpy as np
import pytest

from gan_core import actions
from gan_core.data.dataset import DatasetInfo, ImageSet, write_info
from gan_core.dataset_health.foreground import alpha, background
from gan_core.errors import Stopped
from gan_core.evaluation.inputs import Labeled, RealImages
from gan_core.export.fill.composite import Composite
from gan_core.jobs import worker
from gan_core.jobs.handlers import utility
from gan_core.jobs.queue import Watch
from gan_core.requests import ExportRequest, Policy, UtilityRequest
from gan_core.storage.workspace import new_id

RED, GREEN, BLUE = (200, 40, 40), (40, 160, 60), (50, 60, 190)


def disc(side=64, ground=BLUE, colour=RED, radius=0.25, centre=(0.5, 0.5), noise=0, channels=3, seed=0):
    """(picture of a disc, its true mask)."""
    y, x = np.mgrid[:side, :side] / (side - 1)
    mask = np.hypot(x - centre[0], y - centre[1]) < radius
    picture = np.where(mask[..., None], colour, ground).astype(float)
    picture += np.random.default_rng(seed).normal(0, noise, picture.shape)
    picture = picture.clip(0, 255).astype(np.uint8)
    return (picture if channels == 3 else picture[..., :1]), mask


def overlap(found: np.ndarray, true: np.ndarray) -> float:
    """Intersection over union."""
    return float((found & true).sum() / (found | true).sum())


@pytest.mark.parametrize("side", [28, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_object_on_a_plain_ground_is_found(side, channels):
    picture, true = disc(side, channels=channels, centre=(0.4, 0.6), noise=4)
    found = alpha(picture)
    assert found.dtype == np.float32 and found.shape == (side, side) and found.min() >= 0 and found.max() <= 1
    assert overlap(found > 0.5, true) > 0.9


def test_an_object_on_a_cluttered_ground_is_found():
    rng = np.random.default_rng(0)
    tiles = rng.choice([GREEN, BLUE, (90, 200, 90), (60, 90, 240)], (8, 8))
    ground = np.kron(tiles, np.ones((8, 8, 1))).astype(float)
    picture, true = disc(64, ground=ground, colour=(230, 60, 30), noise=8)
    assert overlap(alpha(picture) > 0.5, true) > 0.8


def test_where_there_is_no_object_none_is_found():
    assert alpha(np.full((64, 64, 3), 80, np.uint8)) is None
    assert alpha(np.full((28, 28, 1), 0, np.uint8)) is None


def test_the_ground_behind_an_object_is_painted_in():
    picture, _ = disc(64, noise=0)
    painted = background(picture, alpha(picture))
    assert np.abs(painted.astype(int) - BLUE).max() <= 8  # of the 150 that the object lies apart
    assert background(picture, None) is picture


def composite(seed=0, policy=None, n=12):
    grounds = [BLUE if i < n // 2 else GREEN for i in range(n)]
    objects = [disc(64, grounds[i], RED, centre=(0.3 + 0.03 * i, 0.5), seed=i)[0] for i in range(n)]
    others = [disc(64, GREEN, (240, 240, 60), radius=0.2, seed=i)[0] for i in range(n)]
    images = np.stack([*objects, *others])
    return Composite(ImageSet(images, np.repeat([0, 1], n), ["red", "yellow"]), seed, policy or Policy())


def test_objects_are_pasted_on_other_grounds_in_other_places_and_sizes():
    make = composite()
    images = make(0, 24, 0)
    assert images.shape == (24, 64, 64, 3) and images.dtype == np.uint8
    assert np.array_equal(np.concatenate([make(0, 4, 0), make(0, 20, 4)]), images)
    assert not np.array_equal(composite(seed=1)(0, 24, 0), images)
    red = np.abs(images.astype(int) - RED).sum(-1) < 60
    assert (red.sum((1, 2)) > 150).all()  # the object of its class is in every picture
    sizes, places = red.sum((1, 2)), [np.argwhere(one).mean(0)[1] for one in red]
    assert np.ptp(sizes) > 150 and np.ptp(places) > 10
    rows = [(entry["source_row"], entry["background_row"]) for entry in (make.entry(0, number) for number in range(24))]
    assert all(max(row) < 12 for row in rows)  # of its class, and so is the ground: nothing belies the label
    assert {behind // 6 for _, behind in rows} == {0, 1}
    crossed = [(image, row // 6) for image, (row, behind) in zip(images, rows, strict=True) if row // 6 != behind // 6]
    assert len(crossed) > 5
    left = [(np.abs(image.astype(int) - (BLUE, GREEN)[own]).sum(-1) < 60).mean() for image, own in crossed]
    assert max(left) < 0.01  # no seam of the old ground


def discs(workspace, store):
    """(id of a dataset of 28 training images, 14 in each class, and what pastes their objects)."""
    id = new_id("dataset")
    folder = workspace.dataset(id)
    folder.mkdir()
    make = composite(n=14)
    for split, rows in (("train", slice(None, None)), ("test", slice(None, None, 7))):
        np.save(folder / f"{split}_images.npy", make.train.images[rows])
        np.save(folder / f"{split}_labels.npy", make.train.labels[rows])
    names = ["red", "yellow"]
    facts = {"size": 64, "mode": "RGB", "fit": "crop", "train_counts": [14, 14], "test_counts": [2, 2]}
    rest = {"source": {"kind": "zip"}, "seed": 0, "health": {}, "rejected": [], "notices": []}
    write_info(folder, DatasetInfo(name="Discs", classes=names, **facts, **rest))
    store.add_dataset(id, "Discs")
    return id, make


def test_utility_of_a_few_training_images_pastes_objects_of_those_alone(workspace, store):
    id, make = discs(workspace, store)
    folder, request = workspace.dataset(id), UtilityRequest(shots=10, methods={"composite": 1.0})
    train = Labeled(make.train.images, make.train.labels)
    real = RealImages(train, train, train, make.train.classes)
    cut = utility.few(real, 10, request.seed)
    asked = utility.Asked(request, workspace, lambda *_: None, lambda: False)
    made = utility.source_of(None, folder, cut, asked).made
    alone = Composite(ImageSet(cut.train.images, cut.train.labels, cut.classes), request.seed, request.policy)
    assert len(cut.train.labels) == 20
    assert np.array_equal(made.by_method["composite"](0, 8, 0), alone(0, 8, 0))


def test_an_export_of_pasted_objects_says_what_each_is_made_of_and_is_the_same_twice(context, workspace, store):
    id, _ = discs(workspace, store)
    digests = set()
    for _ in range(2):
        job = actions.export(
            context,
            ExportRequest(dataset=id, balance=24, methods={"composite": 1.0}, policy=Policy(flips=True)),
        )
        worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
        result = context.store.job(job.id).result
        digests.add(result["sha256"])
    assert (
        len(digests) == 1 and result["methods"] == {"gan": 0, "classical": 0, "composite": 20} and not result["notes"]
    )
    with zipfile.ZipFile(context.workspace.export(job.subject) / result["file"]) as archive:
        entries = json.loads(archive.read("manifest.json"))["synthetic_files"]
        assert "20 show objects of real training images" in archive.read("README.md").decode()
        assert archive.read("train/metadata.csv").decode().count(",composite,-,0") == 20
        assert {"train/red/composite_000001.png", "train/yellow/composite_000010.png"} <= set(archive.namelist())
    assert all(entry["method"] == "composite" and entry["background_row"] is not None for entry in entries)
    assert all((entry["source_row"] < 14) == (entry["class"] == "red") for entry in entries)


def test_stop_is_heard_between_two_cuts():
    make = composite()
    make.should_stop = lambda: True
    with pytest.raises(Stopped):
        make.can(0)


def test_where_no_object_turns_up_it_is_a_changed_copy_and_not_the_picture_itself():
    flat = np.full((8, 64, 64, 3), 90, np.uint8)
    make = Composite(ImageSet(flat, np.zeros(8, np.int64), ["flat"]), 0, Policy())
    assert not make.can(0) and make.entry(0, 0)["background_row"] is None
    assert not any(np.array_equal(image, flat[0]) for image in make(0, 5, 0))


def test_a_class_without_objects_gets_changed_copies_and_is_named(context, toy_dataset):
    job = actions.export(context, ExportRequest(dataset=toy_dataset, balance=25, methods={"composite": 1.0}))
    worker.carry_out(context.store, context.workspace, job, Watch(context.store, job))
    ended = context.store.job(job.id)
    assert ended.state == "finished", ended.error
    assert ended.result["without_object"] == ["dark", "grey", "bright"]
    assert ended.result["notes"][0].endswith("changed copies instead: dark, grey, bright.")
    assert ended.result["methods"] == {"gan": 0, "classical": 15, "composite": 0}
    with zipfile.ZipFile(context.workspace.export(job.subject) / ended.result["file"]) as archive:
        assert {row["method"] for row in json.loads(archive.read("manifest.json"))["synthetic_files"]} == {"classical"}
