"""data/findings.py: what single pictures and counts say, an even sample, means, and a file that may be torn."""

import dataclasses
import json

import numpy as np
import pytest

from gan_core.data.dataset import ImageSet, load, read_info
from gan_core.data.dataset_files import write_items
from gan_core.data.split_names import SPLITS
from gan_core.dataset_health import describe, findings, image_stats
from gan_core.dataset_health.findings import Finding, Health, Picture


def sets_of(folder):
    return [load(folder, split) for split in SPLITS]


@pytest.fixture
def folder(workspace, toy_dataset):
    """The toy dataset with an item for each picture: 32 px and more, one long, one small."""
    folder = workspace.dataset(toy_dataset)
    items = [
        {"split": split, "row": row, "label": 0, "name": f"a/{split}{row}.png", "sha256": f"{split}{row}"}
        | {"width": 40, "height": 40, "mode": "L"}
        for split, count in (("train", 60), ("validation", 12), ("test", 12))
        for row in range(count)
    ]
    items[5] |= {"width": 400}
    items[73] |= {"height": 20}
    write_items(folder, items)
    return folder


def by_kind(found):
    return {one.kind: one for one in found}


def test_what_pictures_say_on_their_own(folder):
    info = read_info(folder)
    images = np.load(folder / "train_images.npy")
    images[7] = 120
    np.save(folder / "train_images.npy", images)
    found = by_kind(describe.of_pixels(image_stats.gather(folder, sets_of(folder)), info))
    assert set(found) == {"blank", "extreme_aspect", "enlarged"}
    assert found["blank"].rows == [("train", 7)] and found["blank"].action == "exclude"
    long = found["extreme_aspect"]
    assert long.rows == [("train", 5)] and long.action == "import_again" and "Pad" in long.hint
    assert long.shown[0][0] == Picture("train", 5, "a/train5.png", "dark", "400 × 40 px")
    assert found["enlarged"].rows == [("test", 1)] and found["enlarged"].total == 1
    padded = dataclasses.replace(info, fit="pad")
    assert (
        by_kind(describe.of_pixels(image_stats.gather(folder, sets_of(folder)), padded))["extreme_aspect"].action
        == "exclude"
    )


def test_most_pictures_enlarged_is_a_matter_of_size(folder):
    items = [{"split": "train", "row": row, "label": 0, "name": "", "width": 30, "height": 28} for row in range(60)]
    write_items(folder, items)
    found = by_kind(describe.of_pixels(image_stats.gather(folder, sets_of(folder)), read_info(folder)))
    assert found["enlarged"].action == "import_again" and "at 28 px" in found["enlarged"].hint


def test_without_items_sizes_and_names_are_not_known_and_nothing_breaks(workspace, toy_dataset):
    folder = workspace.dataset(toy_dataset)
    facts = image_stats.gather(folder, sets_of(folder))
    assert not facts.sides.any() and not any(facts.names) and describe.of_pixels(facts, read_info(folder)) == []
    (folder / "items.jsonl").write_text('{"split": "train", "row": 0, "name": "x", "width": 9, "height": 8}\n{"spl')
    assert image_stats.gather(folder, sets_of(folder)).names[:2] == ["x", ""]


def test_grey_among_colours(workspace, toy_dataset):
    folder = workspace.dataset(toy_dataset)
    rng = np.random.default_rng(0)
    for split, count in (("train", 60), ("validation", 12), ("test", 12)):
        images = rng.integers(0, 256, (count, 32, 32, 3), np.uint8)
        images[::4] = images[::4, ..., :1]
        np.save(folder / f"{split}_images.npy", images)
    info = dataclasses.replace(read_info(folder), mode="RGB")
    found = by_kind(describe.of_pixels(image_stats.gather(folder, sets_of(folder)), info))
    assert found["grey"].total == 21 and found["grey"].action == "import_again" and "Grey" in found["grey"].hint


def test_what_the_counts_say(folder):
    info = dataclasses.replace(
        read_info(folder),
        train_counts=[4, 50, 500],
        health={
            "images": 554,
            "imbalance": 125.0,
            "rejected": 40,
            "duplicates": 1,
            "conflicts": 2,
            "source_modes": {"RGB": 3, "L": 551},
        },
    )
    found = by_kind(describe.of_info(info))
    assert set(found) == {"few", "small", "imbalance", "rejected", "duplicates", "conflicts", "colour_lost"}
    assert "dark (4)" in found["few"].title and "grey (50)" in found["small"].title
    assert found["few"].level == found["conflicts"].level == "high" and found["imbalance"].level == "medium"
    assert found["duplicates"].title.startswith("1 exact copy was") and found["colour_lost"].action == "import_again"
    calm = dataclasses.replace(info, train_counts=[500] * 3, health={"imbalance": 1.0})
    assert describe.of_info(calm) == []


def test_an_even_sample_takes_small_classes_whole():
    labels = np.repeat([0, 1, 2], [1000, 30, 500])
    rows = image_stats.even_sample(labels, 330, seed=0)
    assert np.bincount(labels[rows]).tolist() == [150, 30, 150] and (np.diff(rows) > 0).all()
    assert np.array_equal(rows, image_stats.even_sample(labels, 330, seed=0))
    assert not np.array_equal(rows, image_stats.even_sample(labels, 330, seed=1))
    assert len(image_stats.even_sample(labels, 5000, seed=0)) == 1530


def test_mean_pictures():
    images = np.concatenate([np.full((3, 4, 4, 1), 10, np.uint8), np.full((1, 4, 4, 1), 255, np.uint8)])
    means = image_stats.class_means(ImageSet(images, np.array([0, 0, 0, 0]), ["a", "b"]))
    assert means.shape == (2, 4, 4, 1) and (means[0] == round((30 + 255) / 4)).all() and not means[1].any()


def test_the_same_file_in_two_classes(folder):
    facts = image_stats.gather(folder, sets_of(folder))
    facts.sha256[1] = facts.sha256[2] = facts.sha256[30] = "same"
    assert image_stats.same_bytes(facts).tolist() == [[1, 30]]


def test_what_was_found_is_read_again_and_a_torn_or_foreign_file_is_none(tmp_path):
    one = Finding(
        "blank",
        "medium",
        "1 picture",
        1,
        "exclude",
        [("train", 3)],
        [[Picture("train", 3, "<b>", "cat", "n")]],
        "Hint.",
    )
    two = Finding("leaks", "high", "2 pictures", 2)
    findings.write(tmp_path, Health(5, 9, [one, two]), 0, "efficientnet-lite0")
    health = findings.read(tmp_path)
    assert health == Health(5, 9, [two._replace(rows=[], shown=[]), one])  # the gravest first
    whole = (tmp_path / "health.json").read_text()
    for text in (
        "",
        whole[:100],
        "[]",
        "7",
        json.dumps(json.loads(whole) | {"schema": 0}),
        json.dumps(json.loads(whole) | {"findings": [{"kind": "blank"}]}),
        whole.replace('"blank"', '"unheard-of"'),
    ):
        (tmp_path / "health.json").write_text(text)
        assert findings.read(tmp_path) is None
    (tmp_path / "health.json").unlink()
    assert findings.read(tmp_path) is None


def test_every_kind_has_an_effect_and_what_leaves_out_has_a_name():
    assert all(text.endswith(".") for text in findings.EFFECTS.values())
    assert set(findings.NAMES) - {"chosen"} <= set(findings.EFFECTS)
