"""Labels from metadata.csv and metadata.jsonl, whatever a stranger wrote there."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gan_core.data.import_dataset import import_dataset
from gan_core.data.metadata import labels_and_splits, rows
from gan_core.requests import ImportRequest


def test_names_are_looked_up_from_the_folder_of_their_file():
    files = {
        "train/metadata.csv": b"file_name,label\n1.png,cat\n./sub/2.png,dog\n../x.png,cow\n",
        "test/metadata.jsonl": b'{"file_name": "1.png", "label": 7}\n\n{"file_name": "2.png"}\n',
        **dict.fromkeys(("train/1.png", "train/sub/2.png", "x.png", "test/1.png"), b""),
    }
    found, _ = labels_and_splits(list(files), lambda index: list(files.values())[index])
    assert found == {"train/1.png": "cat", "train/sub/2.png": "dog", "x.png": "cow", "test/1.png": "7"}
    assert labels_and_splits(list(files)[:2], lambda index: list(files.values())[index]) == ({}, {})  # not there
    assert labels_and_splits(list(files), lambda index: None) == ({}, {})


def test_a_column_names_splits_in_any_language_and_other_words_are_none():
    table = "file_name,label,split\n" + "".join(
        f"{n}.png,cat,{word}\n" for n, word in enumerate(("Test", "验证", "fold3", ""))
    )
    lines = b'{"file_name": "4.png", "subset": "validation"}\n{"file_name": "5.png", "split": 3}\n'
    names = [*(f"{n}.png" for n in range(6)), "metadata.csv", "metadata.jsonl"]
    labels, splits = labels_and_splits(names, lambda index: {6: table.encode(), 7: lines}[index])
    assert splits == {"0.png": "test", "1.png": "validation", "4.png": "validation"} and len(labels) == 4
    only = b"split,file_name\ntrain,0.png\ntest,1.png\n"
    assert labels_and_splits(names[:7], lambda index: only) == ({}, {"0.png": "train", "1.png": "test"})


@pytest.mark.parametrize("column", ["label", "class", "category", "target"])
def test_the_label_has_one_of_the_usual_names(column):
    assert list(rows(f"\ufefffile_name,{column}\na.png, red \n".encode(), "metadata.csv")) == [("a.png", "red", "")]


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2)
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["file_name", "label", "x"]), CELLS, max_size=3), max_size=5),
    st.binary(max_size=40),
)
def test_a_bad_line_costs_itself(values, junk):
    good = {"file_name": "a\u2028b.png", "label": 2.0}
    lines = [json.dumps(value, ensure_ascii=False).encode() for value in [*values, good]]
    pairs = list(rows(b"\n".join([junk.replace(b"\n", b""), *lines, b'{"torn']), "metadata.jsonl"))
    assert pairs[-1] == ("a\u2028b.png", "2", "")
    assert all(isinstance(name, str) and isinstance(label, str) for name, label, _ in pairs)


@given(st.lists(st.lists(st.text(max_size=4), max_size=4), max_size=5))
def test_any_table_may_stand_in_it(table):
    text = io.StringIO()
    csv.writer(text).writerows([["x", "file_name", "class"], *table, ["", "a.png", "'@home"]])
    pairs = list(rows(text.getvalue().encode("utf-8", "replace"), "metadata.csv"))
    assert all(isinstance(name, str) and isinstance(label, str) for name, label, _ in pairs)
    assert pairs[-1] == ("a.png", "@home", "")


def test_the_apostrophe_against_spreadsheets_is_taken_off_and_huge_headers_are_refused():
    assert list(rows(b"file_name,label\na.png,'@home\nb.png,'tis\n", "metadata.csv")) == [
        ("a.png", "@home", ""),
        ("b.png", "'tis", ""),
    ]
    assert list(rows(("file_name,label" + ",x" * 2000 + "\na.png,b").encode(), "metadata.csv")) == []


def png(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 40), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("packed", [True, False])
def test_a_hugging_face_zip_or_folder_is_imported_by_its_labels(tmp_path, packed):
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
    info = import_dataset(source, out, ImportRequest(source=str(source), size=28))
    assert info.classes == ["even", "odd"] and info.totals == [8, 8] and info.test_counts == [2, 2]
    assert info.source["test_split"] == "given" and "metadata file" in info.notices[0]
    assert np.load(out / "train_labels.npy").tolist() == [0] * 5 + [1] * 5


def test_many_files_of_labels_share_one_budget(monkeypatch):
    monkeypatch.setattr("gan_core.data.metadata.MAX_BYTES", 100)
    line = b'{"file_name": "1.png", "label": "cat"}\n'
    files = {"a/metadata.jsonl": line + b"\n" * 30, "b/metadata.jsonl": line}
    names = ["a/1.png", "b/1.png", *files]
    assert labels_and_splits(names, lambda index: files[names[index]])[0] == {"a/1.png": "cat"}


@pytest.mark.parametrize(
    "table",
    [
        "filename,label\nimages/1.png,cat\nimages/2.jpg,dog\n",  # from the folder of the list
        "Path;Class\ndata/images/1.png;cat\ndata\\images\\2.jpg;dog\n",  # from the top, with semicolons
        "id\tx\ttarget\n1\t0\tcat\n2\t0\tdog\n",  # ids: names without their endings
    ],
)
def test_a_list_of_files_and_labels_may_have_any_name(table):
    names = ["data/train.csv", "data/images/1.png", "data/images/2.jpg", "data/images/notes.txt"]
    assert labels_and_splits(names, lambda index: table.encode())[0] == {names[1]: "cat", names[2]: "dog"}


def test_a_table_about_other_things_is_no_list():
    names = ["sizes.csv", "a/1.png", "b/1.png", "b/2.png"]
    about = b"name,class,split\nTom,cat,test\nJim,cat,test\n2,dog,test\n"  # one row of three happens to name an image
    assert labels_and_splits(names, lambda index: about) == ({}, {})
    several = b"file,class\n1.png,cat\n2.png,dog\n"  # 1.png may be either of two
    assert labels_and_splits(names, lambda index: several)[0] == {"b/2.png": "dog"}


def test_a_metadata_file_counts_before_a_list():
    files = {
        "a.csv": b"file,label\n1.png,no\n2.png,yes\n",
        "metadata.csv": b"file_name,label\n1.png,yes\n",
        "1.png": b"",
        "2.png": b"",
    }
    labels, _ = labels_and_splits(list(files), lambda index: list(files.values())[index])
    assert labels == {"1.png": "yes", "2.png": "yes"}
