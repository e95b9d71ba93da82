"""dataset.py: what is written is what is read."""

import json

import numpy as np
import pytest

from gan_core.data.dataset import DatasetInfo, load, read_info, write_info
from gan_core.data.dataset_files import read_items, write_items, write_split
from gan_core.errors import UserError

INFO = DatasetInfo(
    "pets",
    28,
    "L",
    "crop",
    ["cat", "<b>dog"],
    [2, 1],
    [0, 0],
    {"kind": "zip", "name": "a.zip"},
    7,
    {"images": 3},
    [{"file": "x", "reason": "y"}],
    ["Only é."],
)


def test_what_is_written_is_read(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), dtype=np.uint8)
    write_split(tmp_path, "train", [images[:2], images[2:]], (28, 28, 1), [0, 0, 1])
    write_split(tmp_path, "test", [], (28, 28, 1), [])
    write_info(tmp_path, INFO)
    train, test = load(tmp_path, "train"), load(tmp_path, "test")
    assert np.array_equal(train.images, images)
    assert train.labels.tolist() == [0, 0, 1] and train.labels.dtype == np.int64
    assert isinstance(train.images, np.memmap) and not train.images.flags.writeable
    assert test.images.shape == (0, 28, 28, 1) and test.labels.shape == (0,) and test.classes == INFO.classes
    assert load(tmp_path, "validation").images.shape == (0, 28, 28, 1)  # none was cut: there need be no file
    assert read_info(tmp_path) == INFO and INFO.channels == 1 and INFO.totals == [2, 1]
    json.dumps(INFO.to_json(), allow_nan=False)


def test_items_are_lines(tmp_path):
    items = [{"split": "train", "row": 0, "name": "é\u2028x"}, {"split": "test", "row": 0, "name": "b"}]
    write_items(tmp_path, items)
    assert list(read_items(tmp_path)) == items


def test_a_missing_set_is_told(tmp_path):
    with pytest.raises(UserError) as caught:
        load(tmp_path, "train")
    assert caught.value.code == "no_dataset"


def test_an_unknown_field_is_damage_and_not_skipped(tmp_path):
    (tmp_path / "dataset.json").write_text(json.dumps({**INFO.to_json(), "colour": 1}))
    with pytest.raises(UserError) as refused:
        read_info(tmp_path)
    assert refused.value.code == "damaged_dataset"
