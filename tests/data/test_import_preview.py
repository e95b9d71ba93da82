"""import_preview.py: what an import would read, shown before anything is decoded, and that the import then does it."""

import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from gan_core import actions
from gan_core.data.import_dataset import import_dataset
from gan_core.data.import_preview import preview
from gan_core.errors import UserError
from gan_core.requests import Choices, ImportRequest
from gan_core.storage.workspace import new_id
from tests.builders.odd_pictures import COLOURS, encoded


def picture(seed: int) -> bytes:
    return encoded(Image.fromarray(COLOURS[..., 0] ^ seed))


def make_zip(path: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, picture(number) if name.endswith(".png") else b"text")
    return path


SPLIT = [f"d/{split}/{c}/{n}.png" for split in ("train", "val", "test") for c in ("cat", "dog") for n in range(3)]


def test_classes_counts_and_what_is_left_out(tmp_path):
    names = [*SPLIT, "d/train/cat/readme.txt", "d/0.png", "d/train/cat/.DS_Store", "__MACOSX/d/1.png"]
    found = preview(make_zip(tmp_path / "a.zip", names), Choices())
    assert found.classes == [("cat", 4, 3, 3), ("dog", 3, 3, 3)] and found.given == {"validation", "test"}
    assert found.levels == [["d"], ["test", "train", "val"]]
    assert found.left_out == [("it lies in no class folder", 1)] and found.ignored == 2
    said = " ".join(found.notices)
    assert (
        "1 file has no file ending of an image format" in said and "2 files that an operating system left there" in said
    )


@pytest.mark.parametrize(
    ("names", "offers"),
    [
        (["cat/1.png", "dog/1.png"], {}),
        (SPLIT, {"split": ["given", "pool"]}),
        ([name for name in SPLIT if "/val/" not in name], {"split": ["given", "pool"]}),
        ([name for name in SPLIT if "/test/" not in name], {"split": ["given", "pool"]}),
        (["a/cat/1.png", "a/dog/1.png", "b/cat/2.png", "b/dog/2.png"], {"level": ["auto", "top"]}),
        (["cat/x/1.png", "dog/1.png"], {"level": ["auto", "last"]}),
        (["cat/1.png", "dog/1.png", "2.png"], {"loose": ["skip", "class"]}),
        (["1.png", "2.png"], {}),
    ],
)
def test_only_choices_that_make_a_difference_are_offered(tmp_path, names, offers):
    source = make_zip(tmp_path / "a.zip", names)
    first = preview(source, Choices())
    assert first.offers == offers
    for field, options in offers.items():
        seen = [preview(source, Choices(**{field: option})) for option in options]
        assert all(each.offers == offers for each in seen)  # a choice does not hide the others
        assert len({str((each.classes, sorted(each.given))) for each in seen}) == len(options)


@pytest.mark.parametrize(
    "choices",
    [Choices(), Choices(split="pool"), Choices(level="last", loose="class")],
)
def test_the_import_does_what_was_shown(tmp_path, choices):
    source = make_zip(tmp_path / "a.zip", [*SPLIT, "d/0.png", "d/train/1.png"])
    shown, out = preview(source, choices), tmp_path / "out"
    out.mkdir()
    info = import_dataset(source, out, ImportRequest(source=str(source), size=32, choices=choices))
    assert [name for name, *_ in shown.classes] == info.classes
    if shown.given:
        assert list(zip(info.classes, *info.counts.values(), strict=True)) == shown.classes
    else:
        assert info.totals == [images for _, images, _, _ in shown.classes]
    assert info.source["choices"] == choices.payload() and info.source["path"] == str(source)
    for split in ("validation", "test"):
        assert info.source[f"{split}_split"] == ("given" if split in shown.given else "cut")


def test_odd_names_are_told(tmp_path):
    source = tmp_path / "a.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for number, name in enumerate(("cat/xyz1.png", "cat/2.png", f"{'d' * 120}/3.png")):
            archive.writestr(name, picture(number))
    data = source.read_bytes()
    assert data.count(b"xyz1") == 2
    source.write_bytes(data.replace(b"xyz1", b"caf\x82"))  # é as DOS wrote it
    notices = preview(source, Choices()).notices
    assert any("names of 1 file" in notice and "code page" in notice for notice in notices)
    assert any("names of 1 file" in notice and "100 letters" in notice for notice in notices)
    assert not preview(make_zip(tmp_path / "b.zip", ["caf\u00e9/1.png", "b/2.png"]), Choices()).notices


def test_a_look_at_a_zip_a_folder_and_an_upload(context, tmp_path):
    source = make_zip(tmp_path / "a.zip", SPLIT)
    folder = tmp_path / "pictures"
    for name in SPLIT:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(1))
    upload = context.workspace.upload(new_id("upload"))
    upload.mkdir()
    (upload / "upload.zip").write_bytes(source.read_bytes())
    looks = [
        actions.preview_import(context, str(each), Choices()) for each in (source, folder, f"upload:{upload.name}")
    ]
    assert looks[0] == looks[1] == looks[2] and looks[0].classes == [("cat", 3, 3, 3), ("dog", 3, 3, 3)]
    assert actions.preview_import(context, "demo:digits", Choices()) is None


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("", "no_source"),
        ("/no/such.zip", "no_such_path"),
        ("/proc", "bad_folder"),
        ("upload:u0123456789abcdef", "no_upload"),
        ("upload:../../etc", "unknown_id"),
        ("again:d0123456789abcdef", "no_dataset"),
        ("again:../x", "unknown_id"),
        ("demo:imagenet", "unknown_demo"),
    ],
)
def test_a_look_is_refused_as_the_import_is(context, source, code):
    with pytest.raises(UserError) as caught:
        actions.preview_import(context, source, Choices())
    assert caught.value.code == code and caught.value.what.endswith(".") and caught.value.todo.endswith(".")
    if code != "bad_folder":  # that one the import finds out by itself
        with pytest.raises(UserError) as caught:
            actions.import_dataset(context, ImportRequest(source=source))
        assert caught.value.code == code


def test_a_look_at_the_workspace_or_a_broken_zip_is_refused(context, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 and no more")
    for source, code in ((context.workspace.root, "bad_folder"), (tmp_path / "a.zip", "corrupt_archive")):
        with pytest.raises(UserError) as caught:
            actions.preview_import(context, str(source), Choices())
        assert caught.value.code == code
    assert (
        not list((context.workspace.root / "staging").iterdir())
        and os.listdir(context.workspace.root / "datasets") == []
    )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"background": "pink"}, "bad_background"),
        ({"choices": {"split": "all"}}, "bad_settings"),
        ({"mode": "CMYK"}, "bad_settings"),
        ({"size": 48}, "bad_settings"),
        ({"test_fraction": 0.0}, "bad_test_fraction"),
    ],
)
def test_a_choice_that_is_none_is_refused_before_anything_is_queued(context, options, code):
    with pytest.raises(UserError) as caught:
        actions.import_dataset(context, ImportRequest(source="demo:shapes", **options))
    assert caught.value.code == code and not context.store.jobs(kind="import")


def test_a_pipe_is_no_source(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="neither a file nor a folder"):
        preview(tmp_path / "pipe", Choices())


def test_a_test_folder_of_which_nothing_can_be_used_is_told_and_a_split_is_cut(tmp_path):
    good = [f"train/{c}/{n}.png" for c in ("cat", "dog") for n in range(8)]
    source = make_zip(tmp_path / "a.zip", [*good, "test/cat/1.png"])
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(source, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data if name in good else b"no picture")
    (tmp_path / "out").mkdir()
    info = import_dataset(source, tmp_path / "out", ImportRequest(source=str(source), name="a", size=28))
    assert sum(info.test_counts) > 0 and info.source["test_split"] == "cut"
    assert any("No image of the test folder could be used" in notice for notice in info.notices)


def test_a_class_that_only_the_test_folder_has_takes_no_picture_with_it(tmp_path):
    names = [*(f"train/{c}/{n}.png" for c in ("cat", "dog") for n in range(8)), "test/cat/90.png", "test/owl/91.png"]
    source = make_zip(tmp_path / "a.zip", names)
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["test/owl/91.png"] = parts["train/dog/0.png"]
    with zipfile.ZipFile(source, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    (tmp_path / "out").mkdir()
    info = import_dataset(source, tmp_path / "out", ImportRequest(source=str(source), name="a", size=28))
    assert info.classes == ["cat", "dog"] and info.train_counts == [7, 7] and info.test_counts == [1, 0]
