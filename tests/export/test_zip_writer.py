"""The exported zip: loads as an ImageFolder, is the same bytes twice, and trusts no class name."""

import csv
import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.datasets import ImageFolder

from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped
from gan_core.export.contents import Contents, Provenance
from gan_core.export.plan import deficits
from gan_core.export.safe_names import MAX_FOLDER_BYTES, folder_names, markdown
from gan_core.export.zip_writer import BATCH_IMAGES, TRAIN_SCRIPT, Encoding, FileOptions, write_zip
from tests.builders.zips import unpack

CLASSES = ["kiwi", "owl"]
AS_PNG = Encoding()
AT_THE_END = ["manifest.json", "README.md", "recommended_use.json", "train.py"]


def split(counts: list[int], classes: list[str], channels: int = 3, seed: int = 0) -> ImageSet:
    labels = np.repeat(np.arange(len(counts)), counts)[::-1].copy()  # not in class order
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 8, 8, channels), dtype=np.uint8)
    return ImageSet(images, labels, classes)


def fakes(channels: int = 3):
    def make(label: int, count: int, start: int) -> np.ndarray:
        index = np.arange(start, start + count) % 256
        return np.broadcast_to(index[:, None, None, None], (count, 8, 8, channels)).astype(np.uint8)

    return make


def shares(classes, counts, balance="largest", originals=True):
    rows = deficits(dict(zip(classes, counts, strict=True)), balance, originals)
    return {name: {"gan": row.missing} for name, row in rows.items()}


def export(
    path,
    counts=(3, 90),
    balance="largest",
    classes=CLASSES,
    channels=3,
    originals=True,
    encoding=AS_PNG,
    layout="imagefolder",
    **changes,
):
    settings = dict(
        train=split(list(counts), classes, channels),
        test=split([2] * len(classes), classes, channels, seed=1),
        shares=shares(classes, counts, balance),
        makers={"gan": fakes(channels)},
        validation=None,
        soft_labels=None,
    )
    contents = Contents(**{key: changes.pop(key, settings.get(key)) for key in settings}, originals=originals)
    options = FileOptions(encoding, layout)
    about = Provenance("Birds", "r0123456789abcdef", "quick", 7, "ab" * 32, **changes.pop("about", {}))
    return write_zip(path, contents, about, options, **changes)


def metadata(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    rows = []
    for split in ("train", "val", "test"):
        if f"{split}/metadata.csv" not in archive.namelist():
            continue
        text = archive.read(f"{split}/metadata.csv").decode()
        rows += [
            row | {"file_name": f"{split}/{row['file_name']}"} for row in csv.DictReader(io.StringIO(text, newline=""))
        ]
    return rows


def test_torchvision_sees_the_classes_in_equal_numbers(tmp_path):
    export(tmp_path / "out.zip")
    unpack(tmp_path / "out.zip", tmp_path / "out")
    train, test = ImageFolder(tmp_path / "out" / "train"), ImageFolder(tmp_path / "out" / "test")
    assert train.classes == test.classes == CLASSES
    assert np.bincount(train.targets).tolist() == [90, 90]
    assert np.bincount(test.targets).tolist() == [2, 2]


def test_each_split_has_its_own_images(tmp_path):
    sets = {
        "train": split([3, 9], CLASSES),
        "val": split([2, 3], CLASSES, seed=1),
        "test": split([2, 4], CLASSES, seed=2),
    }
    export(tmp_path / "out.zip", counts=(3, 9), train=sets["train"], validation=sets["val"], test=sets["test"])
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        for folder, images in sets.items():
            for label, rows in enumerate(images.rows_of_class):
                for number, row in enumerate(rows, 1):
                    file = archive.read(f"{folder}/{CLASSES[label]}/real_{number:06d}.png")
                    assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), images.images[row])


def test_the_manifest_names_the_real_image_that_a_changed_copy_was_made_from(tmp_path):
    train, make = split([3, 9], CLASSES), fakes()
    make.entry = lambda label, number: {"index": number, "source_row": int(train.rows_of_class[label][2])}
    shares_ = {"kiwi": {"classical": 2}, "owl": {}}
    export(tmp_path / "out.zip", counts=(3, 9), train=train, shares=shares_, makers={"classical": make})
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        made = json.loads(archive.read("manifest.json"))["synthetic_files"]
    assert [file["nearest_real"] for file in made] == ["train/kiwi/real_000003.png"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("classes", [CLASSES, ["0", "1"], ["7", "other"], ["01", "NA"]])
@pytest.mark.parametrize("originals", [True, False])
def test_hugging_face_sees_labels_and_which_images_are_synthetic(tmp_path, monkeypatch, classes, originals):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    counts = (3, 9)
    settings = {"shares": shares(classes, counts, "largest", originals), "originals": originals}
    export(tmp_path / "out.zip", counts=counts, classes=classes, **settings)
    unpack(tmp_path / "out.zip", tmp_path / "out")
    found = load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(found[split]) for split in found} == {"train": 18, "test": 4}
    for split in found:
        for row in found[split]:
            assert row["label"] in classes and row["image"].size == (8, 8)
            assert (row["run"] == "-") == (row["seed"] == -1) == (row["method"] == "real") == (not row["is_synthetic"])
    assert not any(found["test"]["is_synthetic"])
    assert sum(found["train"]["is_synthetic"]) == (6 if originals else 18)


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_hugging_face_streams_the_shards(tmp_path, monkeypatch, format):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("gan_core.export.shards.SHARD_IMAGES", 8)
    from datasets import load_dataset

    settings = {"layout": "webdataset", "encoding": Encoding(format), "counts": (3, 9)}
    manifest = export(tmp_path / "out.zip", **settings)
    export(tmp_path / "again.zip", **settings)
    assert (tmp_path / "out.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()
    names = unpack(tmp_path / "out.zip", tmp_path / "out")
    written = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert 'load_dataset("webdataset"' in (tmp_path / "out" / "README.md").read_text()
    assert names == [*(f"train-0000{i}.tar" for i in range(3)), "test-00000.tar", *AT_THE_END]
    files = {
        split: sorted(str(path) for path in (tmp_path / "out").glob(f"{split}-*.tar")) for split in ("train", "test")
    }
    found = load_dataset("webdataset", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert {split: len(found[split]) for split in found} == {"train": 18, "test": 4}
    train = split([3, 9], CLASSES)
    order = [(row["cls"], row["json"]["method"]) for row in found["train"]]
    assert order != sorted(order)  # classes come mixed, as a reader that streams wants them
    for row in found["train"]:
        facts, picture = row["json"], np.asarray(row["png" if format == "png" else "jpg"])
        assert CLASSES[row["cls"]] == facts["label"] and facts["is_synthetic"] == (facts["method"] == "gan")
        if format == "png" and not facts["is_synthetic"]:
            assert any(np.array_equal(picture, image) for image in train.images[train.labels == row["cls"]])
    ending = {"png": "png", "jpeg": "jpg"}[format]
    keys = {f"{Path(row['__url__']).name}/{row['__key__']}.{ending}": row["json"] for row in found["train"]}
    assert {entry["file_name"] for entry in written["synthetic_files"]} == {
        k for k, facts in keys.items() if facts["is_synthetic"]
    }
    assert manifest["layout"] == "webdataset" and manifest["synthetic"] == 6


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_keep_every_pixel_and_land_in_their_class(tmp_path, channels):
    export(tmp_path / "out.zip", channels=channels)
    train = split([3, 90], CLASSES, channels)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        for label, name in enumerate(CLASSES):
            for i, row in enumerate(np.flatnonzero(train.labels == label), start=1):
                picture = Image.open(io.BytesIO(archive.read(f"train/{name}/real_{i:06d}.png")))
                assert picture.mode == ("L" if channels == 1 else "RGB")
                assert np.array_equal(np.asarray(picture).reshape(8, 8, channels), train.images[row])
        for i in range(1, 88):  # more than one batch: the start of each batch counts on
            assert np.asarray(Image.open(io.BytesIO(archive.read(f"train/kiwi/gan_{i:06d}.png")))).min() == i - 1


@pytest.mark.parametrize(("format", "ending"), [("jpeg", "jpg"), ("webp", "webp"), ("png", "png")])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_in_another_format_and_size(tmp_path, format, ending, channels):
    digests = set()
    for name in ("a.zip", "b.zip"):
        manifest = export(tmp_path / name, channels=channels, encoding=Encoding(format, 20))
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1 and manifest["image_shape"] == [20, 20, channels] and manifest["format"] == format
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = [row["file_name"] for row in metadata(archive)]
        assert len(names) == 184 and all(name.endswith(f".{ending}") for name in names)
        assert f"gan_000001.{ending}" in archive.read("README.md").decode()
        for name in names[:3]:
            picture = Image.open(io.BytesIO(archive.read(name)))
            assert picture.format == format.upper() and picture.size == (20, 20)
            picture.load()


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    digests = set()
    for name in ("a.zip", "b.zip"):
        export(tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_files_and_metadata_and_manifest_tell_the_same(tmp_path):
    returned = export(tmp_path / "out.zip", counts=(3, 90), balance={"kiwi": 10, "owl": 100})
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        files = [n for n in archive.namelist() if n.endswith(".png")]
        rows, manifest = metadata(archive), json.loads(archive.read("manifest.json"))
        written = ["train/metadata.csv", "test/metadata.csv", *AT_THE_END]
        assert archive.namelist() == [*files, *written]
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {i.external_attr >> 16 for i in archive.infolist()} == {0o100644}
    assert [row["file_name"] for row in rows] == files
    assert all((row["is_synthetic"] == "true") == ("/gan_" in row["file_name"]) for row in rows)
    assert all(row["label"] == row["file_name"].split("/")[1] for row in rows)
    assert {(row["run"], row["seed"]) for row in rows if row["is_synthetic"] == "true"} == {("r0123456789abcdef", "7")}
    assert {(row["run"], row["seed"]) for row in rows if row["is_synthetic"] == "false"} == {("-", "-1")}
    synthetic = manifest.pop("synthetic_files")
    assert manifest == returned
    assert [entry["file_name"] for entry in synthetic] == [n for n in files if "/gan_" in n]
    assert [entry["index"] for entry in synthetic] == [*range(7), *range(10)]
    assert manifest["classes"] == [
        {
            "name": "kiwi",
            "folder": "kiwi",
            "real": 3,
            "synthetic": 7,
            "methods": {"gan": 7},
            "validation": 0,
            "test": 2,
        },
        {
            "name": "owl",
            "folder": "owl",
            "real": 90,
            "synthetic": 10,
            "methods": {"gan": 10},
            "validation": 0,
            "test": 2,
        },
    ]
    assert manifest["synthetic_share"] == 17 / 110
    assert manifest["checkpoint_sha256"] == "ab" * 32


def test_validation_images_have_a_folder_and_the_metadata_says_which_split_and_how_often_an_image_is_shown(tmp_path):
    held = split([1, 3], CLASSES, seed=2)
    about = {"splits": {"validation": "given", "test": "cut"}, "duplicates": 5}
    manifest = export(tmp_path / "out.zip", counts=(3, 9), balance=9, validation=held, about=about)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        rows, names, card = metadata(archive), archive.namelist(), archive.read("README.md").decode()
        use = json.loads(archive.read("recommended_use.json"))
        assert archive.read("train.py").decode() == TRAIN_SCRIPT.read_text()
    assert [row["split"] for row in rows] == ["train"] * 18 + ["validation"] * 4 + ["test"] * 4
    assert all(name.split("/")[0] == "val" for name in names if "val" in name)
    assert (manifest["validation"], manifest["test"]) == (4, 4) and manifest["splits"] == about["splits"]
    assert manifest["duplicates_left_out"] == 5 and "from the validation folder of the upload" in card
    assert [row["validation"] for row in manifest["classes"]] == [1, 3]
    # Nothing was searched: real images alone, every class as often.
    expected = {
        "train/kiwi/real": "2.0",
        "train/owl/real": "0.666667",
        "train/kiwi/gan": "0.0",
        "val": "0.0",
        "test": "0.0",
    }
    for start, weight in expected.items():
        assert {row["weight"] for row in rows if row["file_name"].startswith(start)} == {weight}
    assert {row["soft_label"] for row in rows} == {"[]"} and use["arm"]["way"] == "none" and use["found"] is None


def test_the_held_out_images_may_stay_out(tmp_path):
    manifest = export(tmp_path / "out.zip", test=None)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert not [name for name in archive.namelist() if name.startswith(("val", "test"))]
    assert (manifest["validation"], manifest["test"]) == (0, 0)


def test_without_originals_and_test_only_fakes_are_there(tmp_path):
    manifest = export(tmp_path / "out.zip", originals=False, test=None)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        files = [n for n in archive.namelist() if n.endswith(".png")]
        assert files == [f"train/kiwi/gan_{i:06d}.png" for i in range(1, 88)]
        assert "not included" in archive.read("README.md").decode()
    assert (manifest["real"], manifest["synthetic"], manifest["test"]) == (0, 87, 0)


def test_hostile_class_names_stay_text(tmp_path):
    names = [
        "../../etc",
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "NUL.txt",
        "Owl",
        "owl",
        "![x](http://a/b)",
        "Metadata.CSV",
    ]
    export(tmp_path / "out.zip", counts=[1] * 8, balance=2, classes=names)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        files, rows, card = archive.namelist(), metadata(archive), archive.read("README.md").decode()
        manifest = json.loads(archive.read("manifest.json"))
    safe = re.compile(r"(train|test)/[^/\\:*?\"<>|.][^/\\:*?\"<>|]*/(real|gan)_\d{6}\.png")
    assert all(safe.fullmatch(n) for n in files[:-6])
    assert len({n.lower() for n in files}) == len(files)
    assert [c["name"] for c in manifest["classes"]] == names
    assert {row["label"] for row in rows} == {*names} - {names[2]} | {"'" + names[2]}
    assert "<script" not in card and "![" not in card and "](" not in card


def test_stop_raises_and_leaves_no_file(tmp_path):
    asked = iter([False, True])
    seen = []
    with pytest.raises(Stopped):
        export(tmp_path / "out.zip", should_stop=lambda: next(asked), on_progress=lambda *step: seen.append(step))
    assert not seen
    assert list(tmp_path.iterdir()) == []


def test_at_most_one_batch_is_asked_for_and_progress_ends_at_1(tmp_path):
    asked, shares = [], []

    def make(label, count, start):
        asked.append((label, count, start))
        return fakes()(label, count, start)

    export(
        tmp_path / "out.zip",
        counts=(0, 150),
        makers={"gan": make},
        on_progress=lambda share, text: shares.append(share),
    )
    assert asked == [(0, BATCH_IMAGES, 0), (0, BATCH_IMAGES, 64), (0, 22, 128)]
    assert shares == sorted(shares) and shares[-1] == 1


def test_fakes_of_another_shape_are_a_bug(tmp_path):
    with pytest.raises(ValueError, match="gan made"):
        export(tmp_path / "out.zip", makers={"gan": fakes(channels=1)})
    assert list(tmp_path.iterdir()) == []


def test_folder_names():
    assert folder_names(["a/b", "a\\b", "A_B", "", "..", "con", "COM1.x", "dog. ", "\u202egnp", "a\x00b"]) == [
        "a_b",
        "a_b_2",
        "A_B_3",
        "class",
        "class_2",
        "_con",
        "_COM1.x",
        "dog",
        "_gnp",
        "a_b_4",
    ]
    assert folder_names(["caf\u00e9", "cafe\u0301"]) == ["caf\u00e9", "caf\u00e9_2"]


@given(st.lists(st.text(st.characters(), max_size=60) | st.text("éx.", min_size=90, max_size=130), max_size=12))
def test_folder_names_are_always_safe_and_unique(names):
    folders = folder_names(names)
    assert folders == folder_names(names)
    assert len({f.lower() for f in folders}) == len(names)
    for folder in folders:
        assert 0 < len(folder.encode()) <= MAX_FOLDER_BYTES
        assert folder not in (".", "..") and folder[0] not in ". " and folder[-1] not in ". "
        assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', folder)


def test_names_in_markdown_stay_text():
    assert markdown("a|b\n<i>*x*") == "a\\|b &lt;i&gt;\\*x\\*"
