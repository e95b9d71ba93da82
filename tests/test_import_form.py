"""The import form: what an import would read is shown before it, with the choices that matter, and they travel in the job."""

import zipfile

import pytest
import seeded
from app_pages import open_page, words
from odd_pictures import COLOURS, encoded
from PIL import Image

from gan_core.data.dataset import read_info, write_info
from gan_core.store import Store
from gan_core.workspace import new_id

SPLIT = [f"d/{split}/{c}/{n}.png" for split in ("train", "val", "test") for c in ("cat", "dog") for n in range(3)]


def make_zip(path, names):
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, encoded(Image.fromarray(COLOURS[..., 0] ^ number)))
    return path


def with_path(path):
    at = open_page("dataset")
    at.session_state["import_way"] = "Folder on this computer"
    at.run()
    at.text_input(key="import_path").set_value(str(path)).run()
    assert not at.exception, at.exception
    return at


def shown_classes(at):
    return at.dataframe[0].value.to_dict("list")


def keys(at):
    return {box.key for box in at.selectbox}


def test_classes_are_shown_before_the_import_and_choices_travel_with_it(empty, tmp_path):
    at = with_path(make_zip(tmp_path / "pets.zip", [*SPLIT, "d/0.png"]))
    assert shown_classes(at) == {"class": ["cat", "dog"], "to learn from": [6, 6], "held out": [3, 3]}
    assert {"import_split", "import_loose"} <= keys(at) and "import_level" not in keys(at)
    assert "Left out before reading: 1 file" in words(at).replace("\\", "")
    at.selectbox(key="import_split").set_value("pool").run()
    at.selectbox(key="import_loose").set_value("class").run()
    assert shown_classes(at) == {"class": ["cat", "dog", "unlabelled"], "pictures": [9, 9, 1]}
    at.selectbox(key="import_background").set_value("other").run()
    at.color_picker(key="import_background_colour").set_value("#102030").run()
    at.button(key="import_start").click().run()
    (job,) = Store(empty).jobs(kind="import")
    assert job.payload["choices"] == {"split": "pool", "level": "auto", "loose": "class"}
    assert job.payload["background"] == "#102030"


def test_a_plain_zip_offers_no_choice_and_a_choice_made_for_another_is_forgotten(empty, tmp_path):
    at = with_path(make_zip(tmp_path / "a.zip", SPLIT))
    at.selectbox(key="import_split").set_value("given+validation").run()
    two = [name for name in SPLIT if "/val/" not in name]
    at.text_input(key="import_path").set_value(str(make_zip(tmp_path / "b.zip", two))).run()
    assert not at.exception and at.selectbox(key="import_split").value == "given"
    at.text_input(key="import_path").set_value(str(make_zip(tmp_path / "c.zip", ["cat/1.png", "dog/2.png"]))).run()
    assert not at.exception and not {"import_split", "import_level", "import_loose"} & keys(at)
    at.button(key="import_start").click().run()
    (job,) = Store(empty).jobs(kind="import")
    assert job.payload["choices"] == {"split": "given", "level": "auto", "loose": "skip"}


def test_what_would_be_refused_says_so_and_cannot_be_started(empty, tmp_path):
    (tmp_path / "no.zip").write_bytes(b"no zip")
    for path, said in (
        (tmp_path / "no.zip", "not a zip"),
        (tmp_path / "gone.zip", "There is no file"),
        ("/proc", "system"),
    ):
        at = with_path(path)
        assert said in at.error[0].value.replace("\\", "") and at.button(key="import_start").disabled


def test_a_changed_zip_is_looked_into_again(empty, tmp_path):
    at = with_path(make_zip(tmp_path / "a.zip", ["cat/1.png", "dog/2.png"]))
    assert shown_classes(at)["class"] == ["cat", "dog"]
    make_zip(tmp_path / "a.zip", ["cat/1.png", "cow/2.png", "dog/3.png"])
    assert shown_classes(at.run())["class"] == ["cat", "cow", "dog"]


@pytest.mark.parametrize("gone", [False, True])
def test_import_again_fills_the_form_as_it_was(full, tmp_path, gone):
    folder = full.dataset(seeded.DATASET)
    info = read_info(folder)
    path = make_zip(tmp_path / "pets.zip", SPLIT)
    choices = {"split": "given+validation", "level": "auto", "loose": "skip"}
    source = {"kind": "zip", "name": "pets.zip", "path": str(path), "choices": choices, "background": "#010203"}
    write_info(folder, type(info)(**{**info.to_json(), "source": source, "fit": "pad"}))
    if gone:
        path.unlink()
    at = open_page("dataset", ds=seeded.DATASET)
    at.button(key="import_again").click().run()
    assert not at.exception and at.query_params["again"] in (seeded.DATASET, [seeded.DATASET])
    if gone:
        assert "is not there any more" in at.error[0].value and at.button(key="import_start").disabled
        return
    assert at.selectbox(key="import_size").value == info.size and at.selectbox(key="import_fit").value == "pad"
    assert at.selectbox(key="import_split").value == "given+validation"
    assert at.color_picker(key="import_background_colour").value == "#010203"
    assert shown_classes(at) == {"class": ["cat", "dog"], "to learn from": [3, 3], "held out": [6, 6]}
    at.selectbox(key="import_size").set_value(64).run()
    assert at.selectbox(key="import_size").value == 64
    at.button(key="import_start").click().run()
    (job,) = Store(full).jobs(kind="import", states=("queued",))
    assert job.payload["source"] == f"again:{seeded.DATASET}" and job.payload["size"] == 64


def test_a_refused_upload_is_not_kept(empty):
    from pages.components.upload import Upload

    folder = empty.upload(new_id("upload"))
    folder.mkdir()
    (folder / "upload.zip").write_bytes(b"no zip")
    at = open_page("dataset")
    at.session_state["import_way"] = "Upload a zip"
    at.session_state["import_arrived"] = Upload(folder.name, "pets.zip", 6)
    at.run()
    assert "not a zip" in at.error[0].value and not folder.exists() and at.button(key="import_start").disabled


def test_import_again_of_a_zip_that_has_changed_drops_the_choice_that_went(full, tmp_path):
    folder = full.dataset(seeded.DATASET)
    info = read_info(folder)
    path = make_zip(tmp_path / "pets.zip", [name for name in SPLIT if "/val/" not in name])
    choices = {"split": "given+validation", "level": "last", "loose": "class"}
    source = {"kind": "zip", "name": "pets.zip", "path": str(path), "choices": choices}
    write_info(folder, type(info)(**{**info.to_json(), "source": source}))
    at = open_page("dataset", ds=seeded.DATASET, again=seeded.DATASET)
    assert at.selectbox(key="import_split").value == "given" and not {"import_level", "import_loose"} & keys(at)
    assert at.selectbox(key="import_background").value == "white"
