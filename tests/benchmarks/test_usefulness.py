"""benchmarks/usefulness.py makes draws of a dataset, goes on where it stopped, and adds its parts up."""

import argparse

import numpy as np
import pytest

from benchmarks import usefulness
from benchmarks.usefulness import Cell, Parts
from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset_files import read_items, write_items
from gan_core.evaluation.utility.protocol import Arm, Use
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, new_id
from tests.builders.toy_images import toy_images


def arguments(tmp_path, dataset, **changes):
    wanted = {"datasets": [dataset], "shots": "6,3", "draws": 2, "generators": 2, "classifiers": "small,lite0"}
    wanted |= {"workspace": tmp_path / "ws", "recipe": "", "train_minutes": 1.0, "minutes": 2.0}
    return argparse.Namespace(**wanted | changes)


@pytest.fixture
def dataset(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    id = new_id("dataset")
    folder = workspace.dataset(id)
    folder.mkdir(parents=True)
    counts = {}
    for split, count in (("train", 60), ("validation", 40), ("test", 20)):
        images, labels = toy_images(count, 8, 1, 2, seed=len(split))
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", labels)
        counts[f"{split}_counts"] = np.bincount(labels, minlength=2).tolist()
    facts = {
        "size": 8,
        "mode": "L",
        "fit": "crop",
        "source": {},
        "seed": 0,
        "health": {},
        "rejected": [],
        "notices": [],
    }
    info = dataset_folder.DatasetInfo(name="Toy", classes=["a", "b"], **counts, **facts)
    dataset_folder.write_info(folder, info)
    write_items(folder, [{"split": "train", "row": row, "label": 0, "name": str(row)} for row in range(60)])
    Store(workspace).add_dataset(id, "Toy")
    return id


def found(gain, own, plain=0.5, use=None):
    choice = Arm(way="gan", use=use) if use else Arm()
    ends = {"gain": gain, "gain_ci95": [gain - 0.01, gain + 0.01], "own_gain": own}
    return {"choice": choice.model_dump(mode="json"), "baseline": plain, "chosen": plain + gain, "sentence": "", **ends}


def test_a_draw_has_few_training_images_and_all_test_images(tmp_path, dataset):
    workspace = Workspace(tmp_path / "ws")
    ids = [usefulness.drawn(Store(workspace), workspace, Cell(dataset, "6,3", draw, 0)) for draw in range(2)]
    infos = [dataset_folder.read_info(workspace.dataset(id)) for id in ids]
    assert [info.train_counts for info in infos] == [[6, 3]] * 2 and [info.validation_counts for info in infos] == [
        [8, 8]
    ] * 2
    whole, *draws = (dataset_folder.load(workspace.dataset(id), "test") for id in (dataset, *ids))
    assert all(np.array_equal(draw.images, whole.images) for draw in draws)
    first, second = (dataset_folder.load(workspace.dataset(id), "train") for id in ids)
    assert not np.array_equal(first.images, second.images)
    of_parent = dataset_folder.load(workspace.dataset(dataset), "train").images
    items = list(read_items(workspace.dataset(ids[0])))
    assert [item["row"] for item in items] == list(range(9))
    assert all(np.array_equal(of_parent[int(item["name"])], first.images[item["row"]]) for item in items)


def test_a_call_goes_on_where_the_last_one_stopped(tmp_path, dataset, monkeypatch):
    asked = []

    def command(workspace, *words):
        asked.append(words)
        return {"run": f"r{len(asked)}"} if words[0] == "train" else found(0.03, 0.01)

    monkeypatch.setattr(usefulness, "command", command)
    wanted, cell = arguments(tmp_path, dataset), Cell(dataset, "6,3", 1, 0)
    usefulness.carry_out(cell, wanted, Parts(tmp_path / "out"), lambda: len(asked) >= 2)
    assert [words[0] for words in asked] == ["train", "improve"]
    with open(tmp_path / "out" / "parts.jsonl", "a") as file:
        file.write('\n{"key": "torn')  # the call was killed while it wrote
    usefulness.carry_out(cell, wanted, Parts(tmp_path / "out"), lambda: False)
    assert [words[0] for words in asked] == ["train", "improve", "improve"] and "lite0" in asked[2]
    usefulness.carry_out(cell, wanted, Parts(tmp_path / "out"), lambda: False)
    assert len(asked) == 3 and asked[1][1] == asked[2][1] == "r1"


def test_the_parts_add_up_and_the_interval_is_over_draws_and_generators(tmp_path, dataset):
    parts, wanted = Parts(tmp_path / "out"), arguments(tmp_path, dataset)
    for number, cell in enumerate(usefulness.cells(wanted)):
        parts.add(cell.search_key("small"), found=found(0.03 + 0.002 * (number % 2), 0.01, use=Use(share=0.25)))
        parts.add(cell.search_key("lite0"), found=found(0.0, 0.0, plain=0.7))
    small, lite0 = usefulness.rows_from(Parts(tmp_path / "out"), wanted)
    assert small.gain == pytest.approx(0.031) and small.baseline_gain == pytest.approx(0.021)
    assert small.own_gain == pytest.approx(0.01) and small.repetitions == 4
    assert 0 < small.gain_ci95[0] < small.gain < small.gain_ci95[1] and small.choices.endswith("(4)")
    words = usefulness.verdicts([small, lite0], {dataset: "Toy"})
    assert "2 of 2" in words[0] and "1 of 2" in words[1] and "+20.0 points" in words[2]
    assert usefulness.table([small, lite0], {dataset: "Toy"}).count("\n") == 3


def test_one_search_has_its_own_interval_and_none_has_no_row(tmp_path, dataset):
    row = usefulness.row_of(dataset, "small", {(0, 0): found(0.03, 0.01)})
    assert row.gain_ci95 == pytest.approx([0.02, 0.04]) and row.repetitions == 1
    assert usefulness.row_of(dataset, "small", {(0, 0): {"gain": None}}) is None
    parts = Parts(tmp_path / "out")
    parts.add("search of one", found={"choice": {"use": None}, "gain": None, "sentence": "Too few minutes."})
    parts.add("search of another", found=found(0.03, 0.01))
    assert usefulness.nothing_compared(parts) == ["Not in the table, search of one: Too few minutes."]


def test_how_often_the_choice_was_ahead_of_its_control(tmp_path):
    parts = Parts(tmp_path / "out")
    assert usefulness.ahead_of_control(parts) == []
    for own in (True, False, None):
        parts.add(f"search {own}", found=found(0.03, 0.01, use=Use(share=0.5)) | {"own": own})
    parts.add("search without", found=found(0.0, 0.0))
    (said,) = usefulness.ahead_of_control(parts)
    assert "in 3 searches" in said and "control in 1" in said
