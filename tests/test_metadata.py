"""Labels from metadata.csv and metadata.jsonl, whatever a stranger wrote there."""

import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_core.data.importer import import_dataset
from gan_core.data.metadata import labels, rows


def test_names_are_looked_up_from_the_folder_of_their_file():
    files = {
        "train/metadata.csv": b"file_name,label\n1.png,cat\n./sub/2.png,dog\n../x.png,cow\n",
        "test/metadata.jsonl": b'{"file_name": "1.png", "label": 7}\n\n{"file_name": "2.png"}\n',
        "test/1.png": b"",
    }
    found = labels(list(files), lambda index: list(files.values())[index])
    assert found == {"train/1.png": "cat", "train/sub/2.png": "dog", "x.png": "cow", "test/1.png": "7"}
    assert labels(list(files), lambda index: None) == {}


@pytest.mark.parametrize("column", ["label", "class", "category", "target"])
def test_the_label_has_one_of_the_usual_names(column):
    assert rows(f"\ufefffile_name,{column}\na.png, red \n".encode(), "metadata.csv") == [("a.png", "red")]


@given(st.binary(max_size=200), st.sampled_from(["metadata.csv", "metadata.jsonl"]))
def test_anything_may_stand_in_it(data, file):
    assert all(isinstance(name, str) and isinstance(label, str) for name, label in rows(data, file))


@pytest.mark.parametrize("packed", [True, False])
def test_a_hugging_face_zip_or_folder_is_imported_by_its_labels(tmp_path, packed):
    from test_import import png

    files = {f"train/{i}.png": png(i) for i in range(12)} | {f"test/{i}.png": png(50 + i) for i in range(4)}
    for split, count in (("train", 12), ("test", 4)):
        lines = [{"file_name": f"{i}.png", "label": "odd" if i % 2 else "even"} for i in range(count)]
        files[f"{split}/metadata.jsonl"] = "\n".join(map(json.dumps, lines)).encode()
    source, out = tmp_path / "in.zip", tmp_path / "out"
    if packed:
        with zipfile.ZipFile(source, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        source = tmp_path / "in"
        for name, data in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(data)
    out.mkdir()
    info = import_dataset(source, out, name="", size=28)
    assert info.classes == ["even", "odd"] and info.train_counts == [6, 6] and info.test_counts == [2, 2]
    assert info.source["test_split"] == "given" and "metadata file" in info.notices[0]
    assert np.load(out / "train_labels.npy").tolist() == [0] * 6 + [1] * 6
