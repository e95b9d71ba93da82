"""older_dataset.py: a validation split beside the files of an older dataset, which stay as they are."""

import dataclasses
import threading

import numpy as np
import pytest

from gan_core.data import older_dataset
from gan_core.data.dataset import DatasetInfo, load, read_info
from gan_core.data.dataset_files import read_items, write_items, write_split
from gan_core.data.older_dataset import cut_validation, is_older, saw_validation
from gan_core.data.split_names import SPLITS
from gan_core.dataset_health import exclusions, findings
from gan_core.dataset_health.findings import Finding, Health, Picture
from gan_core.errors import UserError
from gan_core.storage.workspace import read_json, write_json

COUNTS = {"train": [30, 6], "test": [6, 1]}


@pytest.fixture
def folder(tmp_path):
    """A dataset as version 0.1 wrote it: 30 and 6 training images of noise, two of them near duplicates, 6 and 1 test images."""
    rng, items = np.random.default_rng(0), []
    for split, counts in COUNTS.items():
        images = rng.integers(0, 256, (sum(counts), 32, 32, 1), np.uint8)
        if split == "train":
            images[1] = images[0]
            images[1, 0, 0] += 1
        labels = np.repeat([0, 1], counts)
        write_split(tmp_path, split, [images], (32, 32, 1), labels.tolist())
        items += [
            {"split": split, "row": row, "label": int(label), "name": f"{split}/{row}.png", "sha256": f"{split}{row}"}
            for row, label in enumerate(labels)
        ]
    write_items(tmp_path, items)
    facts = {
        "size": 32,
        "mode": "L",
        "fit": "crop",
        "classes": ["a", "b"],
        "source": {"kind": "zip", "test_split": "cut"},
    }
    info = DatasetInfo(
        name="Old",
        train_counts=COUNTS["train"],
        test_counts=COUNTS["test"],
        seed=0,
        health={},
        rejected=[],
        notices=[],
        **facts,
    )
    value = dataclasses.asdict(info)
    del value["validation_counts"]
    write_json(tmp_path / "dataset.json", {"schema": 1, **value})
    return tmp_path


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_split_is_cut_once_beside_files_that_stay(folder):
    before, whole = files(folder), load(folder, "train", whole=True)
    assert is_older(folder) and read_info(folder).counts == {"train": [30, 6], "validation": [0, 0], "test": [6, 1]}
    sets = {split: load(folder, split) for split in SPLITS}
    info = read_info(folder)
    assert info.counts == {"train": [26, 6], "validation": [4, 0], "test": [6, 1]}  # of 7 images none is taken
    assert info.source["validation_split"] == "cut later" and info.source["test_split"] == "cut"
    assert files(folder) == before and is_older(folder) and cut_validation(folder) == {}
    assert np.array_equal(load(folder, "train", whole=True).images, whole.images)
    for item in read_items(folder):
        here = sets[item["split"]]
        split, row = item["name"].removesuffix(".png").split("/")
        there = whole if split == "train" else sets["test"]
        assert (
            np.array_equal(here.images[item["row"]], there.images[int(row)])
            and here.labels[item["row"]] == item["label"]
        )
    assert [item["split"] for item in read_items(folder)] == ["train"] * 32 + ["validation"] * 4 + ["test"] * 7
    sides = {item["name"]: item["split"] for item in read_items(folder)}
    assert sides["train/0.png"] == sides["train/1.png"]  # near duplicates


def test_it_is_a_pure_function_and_two_at_once_are_no_harm(folder, tmp_path_factory):
    import shutil

    other = tmp_path_factory.mktemp("other") / "set"
    shutil.copytree(folder, other)
    threads = [threading.Thread(target=cut_validation, args=(folder,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cut_validation(other)
    assert files(folder / "splits") == files(other / "splits")
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["splits"]


def test_what_names_rows_names_those_of_today(folder):
    places = [("train", row) for row in range(36)]
    exclusions.add(folder, "chosen", [*places, ("test", 3)])
    shown = [[Picture("train", 35, "x", "b"), Picture("test", 0, "y", "a")]]
    findings.write(folder, Health(43, 43, [Finding("blank", "low", "T", 36, "exclude", places, shown)]), 0, "e")
    old = {(item["split"], item["row"]): item["name"] for item in read_items(folder)}
    moved = cut_validation(folder)
    new = {(item["split"], item["row"]): item["name"] for item in read_items(folder)}
    assert len(moved) == 36 and all(old[then] == new[now] for then, now in moved.items())
    (entry,) = exclusions.read(folder)
    assert sorted(entry.rows) == sorted([*moved.values(), ("test", 3)])
    (finding,) = findings.read(folder).findings
    assert finding.rows == [moved[place] for place in places]
    assert (finding.shown[0][0].split, finding.shown[0][0].row) == moved["train", 35] and finding.shown[0][1].row == 0
    exclusions.undo(folder, entry.id)
    assert exclusions.read(folder) == [] and (folder / "exclusions.json").exists()


def test_an_image_that_lies_in_two_classes_stays_in_train(folder):
    images, labels = (np.load(folder / f"train_{what}.npy") for what in ("images", "labels"))
    cut = lambda: older_dataset.rows_of_today(folder, read_json(folder / "dataset.json"), images, labels)
    row, *others = cut()["validation"].tolist()
    items = list(read_items(folder))
    items[row]["sha256"] = items[30]["sha256"]  # of the other class
    write_items(folder, items)
    assert row in cut()["train"] and len(cut()["validation"]) == len(others) + 1


def test_only_a_run_that_began_before_saw_the_validation_images(folder, tmp_path_factory, workspace, toy_dataset):
    run = tmp_path_factory.mktemp("run")
    write_json(run / "config.json", {"schema": 1})
    assert saw_validation(folder, run)
    load(folder, "validation")
    assert saw_validation(folder, run)
    assert not saw_validation(workspace.dataset(toy_dataset), run)  # this one was written with three splits
    write_json(run / "config.json", read_json(run / "config.json") | {"held_out": ["validation", "test"]})
    assert not saw_validation(folder, run)


def test_a_full_disk_leaves_the_dataset_as_it_was(folder, monkeypatch):
    before = files(folder)
    monkeypatch.setattr(older_dataset.shutil, "disk_usage", lambda path: type("", (), {"free": 10}))
    with pytest.raises(UserError) as caught:
        load(folder, "train")
    assert caught.value.code == "disk_full" and files(folder) == before and not (folder / "splits").exists()
    monkeypatch.undo()
    monkeypatch.setattr(older_dataset, "write_facts", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError):
        cut_validation(folder)
    assert files(folder) == before and [path.name for path in folder.iterdir() if path.is_dir()] == []
