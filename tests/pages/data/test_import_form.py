"""The import form: what an import would read is shown before it, with the choices that matter, and they travel in the job."""

import zipfile
from urllib.parse import parse_qsl

import pytest
from PIL import Image

from gan_core.data.dataset import read_info, write_info
from gan_core.dataset_health import findings
from gan_core.dataset_health.findings import Finding, Health
from gan_core.jobs import queue
from gan_core.storage.store import Store
from gan_core.storage.workspace import new_id
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words
from tests.builders.odd_pictures import COLOURS, encoded

SPLIT = [f"d/{split}/{c}/{n}.png" for split in ("train", "val", "test") for c in ("cat", "dog") for n in range(3)]


def make_zip(path, names):
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, encoded(Image.fromarray(COLOURS[..., 0] ^ number)))
    return path


def with_path(path):
    at = open_page("data")
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
    assert shown_classes(at) == {"class": ["cat", "dog"], "train": [3, 3], "validation": [3, 3], "test": [3, 3]}
    assert {"import_split", "import_loose"} <= keys(at) and "import_level" not in keys(at)
    assert "Left out before reading: 1 file" in words(at).replace("\\", "")
    at.selectbox(key="import_split").set_value("pool").run()
    at.selectbox(key="import_loose").set_value("class").run()
    at.slider(key="import_validation_fraction").set_value(0.25).run()
    assert shown_classes(at) == {"class": ["cat", "dog", "unlabelled"], "images": [9, 9, 1]}
    at.selectbox(key="import_background").set_value("other").run()
    at.color_picker(key="import_background_colour").set_value("#102030").run()
    at.button(key="import_start").click().run()
    (job,) = Store(empty).jobs(kind="import")
    assert job.payload["choices"] == {"split": "pool", "level": "auto", "loose": "class"}
    assert job.payload["background"] == "#102030" and job.payload["validation_fraction"] == 0.25


def test_a_plain_zip_offers_no_choice_and_a_choice_made_for_another_is_forgotten(empty, tmp_path):
    at = with_path(make_zip(tmp_path / "a.zip", SPLIT))
    at.selectbox(key="import_split").set_value("pool").run()
    two = [name for name in SPLIT if "/val/" not in name]
    at.text_input(key="import_path").set_value(str(make_zip(tmp_path / "b.zip", two))).run()
    assert not at.exception and at.selectbox(key="import_split").value == "pool"
    at.text_input(key="import_path").set_value(str(make_zip(tmp_path / "c.zip", ["cat/1.png", "dog/2.png"]))).run()
    assert not at.exception and not {"import_split", "import_level", "import_loose"} & keys(at)
    at.button(key="import_start").click().run()
    (job,) = Store(empty).jobs(kind="import")
    assert job.payload["choices"] == {"split": "given", "level": "auto", "loose": "skip"}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["d/cat/1.png", "d/dog/2.png"], "**2 classes** in d / class / image"),
        (["train/1.png", "test/2.png"], "**1 class** in test, train / image"),
        (["1.png", "2.png"], "**1 class**"),
    ],
)
def test_the_tree_names_a_class_folder_only_where_there_is_one(empty, tmp_path, names, said):
    at = with_path(make_zip(tmp_path / "a.zip", names))
    assert said in [element.value.replace("\\", "") for element in at.markdown]


@pytest.mark.slow
def test_what_would_be_refused_says_so_and_cannot_be_started(empty, tmp_path):
    (tmp_path / "no.zip").write_bytes(b"no zip")
    for path, said in (
        (tmp_path / "no.zip", "not a zip"),
        (tmp_path / "gone.zip", "There is no file"),
        ("/proc", "system"),
    ):
        at = with_path(path)
        assert said in at.error[0].value.replace("\\", "") and at.button(key="import_start").disabled


@pytest.mark.parametrize("pixels, proposed", [(20, 28), (40, 32), (150, 64)])
def test_the_suggested_size_suits_the_images_until_one_is_chosen(empty, tmp_path, pixels, proposed):
    def pictures(name, side):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("cat/1.png", encoded(Image.new("RGB", (side, side + 5), "red")))
        return tmp_path / name

    at = with_path(pictures("a.zip", pixels))
    assert at.selectbox(key="import_size").value == proposed and f"usually {pixels} px" in words(at)
    at.selectbox(key="import_size").set_value(128).run()
    at.text_input(key="import_path").set_value(str(pictures("b.zip", 30))).run()
    assert at.selectbox(key="import_size").value == 128 and "is suggested" not in words(at)


def test_a_suggested_size_goes_with_its_source_and_a_chosen_one_with_the_page(empty, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("cat/1.png", encoded(Image.new("RGB", (150, 155), "red")))
    at = with_path(tmp_path / "a.zip")
    assert at.selectbox(key="import_size").value == 64
    at.button_group(key="import_way").set_value("Ready sets").run()
    assert at.selectbox(key="import_size").value == 32 and "is suggested" not in words(at)
    at.selectbox(key="import_size").set_value(128).run()
    at.switch_page("learn/page.py").run()
    at.switch_page("data/page.py").run()
    at.session_state["import_way"] = "Folder on this computer"
    at.run()
    at.text_input(key="import_path").set_value(str(tmp_path / "a.zip")).run()
    assert at.selectbox(key="import_size").value == 64


def test_a_changed_zip_is_previewed_again(empty, tmp_path):
    at = with_path(make_zip(tmp_path / "a.zip", ["cat/1.png", "dog/2.png"]))
    assert shown_classes(at)["class"] == ["cat", "dog"]
    make_zip(tmp_path / "a.zip", ["cat/1.png", "cow/2.png", "dog/3.png"])
    assert shown_classes(at.run())["class"] == ["cat", "cow", "dog"]


@pytest.mark.parametrize("gone", [False, True])
def test_import_again_fills_the_form_as_it_was(full, tmp_path, gone):
    folder = full.dataset(seeded_workspace.DATASET)
    info = read_info(folder)
    path = make_zip(tmp_path / "pets.zip", SPLIT)
    choices = {"split": "given+validation", "level": "auto", "loose": "skip"}  # as an older Ganvas wrote it
    source = {"kind": "zip", "name": "pets.zip", "path": str(path), "choices": choices, "background": "#010203"}
    source |= {"test_fraction": 0.3, "validation_fraction": 0.1}
    write_info(folder, type(info)(**{**info.to_json(), "source": source, "fit": "pad"}))
    if gone:
        path.unlink()
    at = open_page("data", ds=seeded_workspace.DATASET)
    at.button(key="import_again").click().run()
    assert not at.exception and at.query_params["again"] in (seeded_workspace.DATASET, [seeded_workspace.DATASET])
    if gone:
        assert "is not there any more" in at.error[0].value and at.button(key="import_start").disabled
        return
    assert at.selectbox(key="import_size").value == info.size and at.selectbox(key="import_fit").value == "pad"
    assert at.selectbox(key="import_split").value == "given"
    assert (
        at.slider(key="import_test_fraction").value == 0.3 and at.slider(key="import_validation_fraction").value == 0.1
    )
    assert at.color_picker(key="import_background_colour").value == "#010203"
    assert shown_classes(at) == {"class": ["cat", "dog"], "train": [3, 3], "validation": [3, 3], "test": [3, 3]}
    at.selectbox(key="import_size").set_value(64).run()
    assert at.selectbox(key="import_size").value == 64
    at.button(key="import_start").click().run()
    (job,) = Store(full).jobs(kind="import", states=("queued",))
    assert job.payload["source"] == f"again:{seeded_workspace.DATASET}" and job.payload["size"] == 64


def test_a_refused_upload_is_not_kept(empty):
    from pages.data.upload import Upload

    folder = empty.upload(new_id("upload"))
    folder.mkdir()
    (folder / "upload.zip").write_bytes(b"no zip")
    at = open_page("data")
    at.session_state["import_way"] = "Upload a zip"
    at.session_state["import_arrived"] = Upload(folder.name, "pets.zip", 6)
    at.run()
    assert "not a zip" in at.error[0].value and not folder.exists() and at.button(key="import_start").disabled


def arrived(workspace, names=("cat/1.png", "dog/2.png")):
    """An upload that is there."""
    from pages.data.upload import Upload

    folder = workspace.upload(new_id("upload"))
    folder.mkdir()
    make_zip(folder / "upload.zip", names)
    return Upload(folder.name, "pets.zip", 6), folder


def test_an_upload_that_is_replaced_is_gone(empty, monkeypatch):
    from pages.data import choose_source

    first, second = arrived(empty), arrived(empty)
    news = [first[0]]
    monkeypatch.setattr(choose_source, "upload_zip", lambda key: news.pop() if news else None)
    at = open_page("data")
    at.session_state["import_way"] = "Upload a zip"
    at.run()
    assert first[1].exists() and shown_classes(at.run())["class"] == ["cat", "dog"]
    news.append(second[0])
    at.run()
    assert not at.exception and not first[1].exists() and (second[1] / "upload.zip").exists()


@pytest.mark.slow
def test_an_import_that_failed_can_be_tried_again_with_its_upload(empty):
    upload, folder = arrived(empty, SPLIT)
    store = Store(empty)
    choices = {"split": "pool", "level": "auto", "loose": "skip"}
    payload = {"source": f"upload:{upload.id}", "name": "Pets", "size": 256, "mode": "L", "fit": "pad"}
    payload |= {
        "test_fraction": 0.15,
        "validation_fraction": 0.2,
        "seed": 0,
        "background": "#010203",
        "choices": choices,
    }
    job = queue.submit(store, "import", new_id("dataset"), payload, claim_on="")
    queue.finish(
        store, job, "failed", error={"code": "no_images", "what": "Too small.", "todo": "Choose a smaller size."}
    )
    at = open_page("data", job=job.id)
    assert "Too small" in at.error[0].value and "Pets is still here" in words(at)
    assert at.selectbox(key="import_size").value == 256 and at.selectbox(key="import_mode").value == "L"
    assert at.selectbox(key="import_split").value == "pool" and at.selectbox(key="import_fit").value == "pad"
    assert at.color_picker(key="import_background_colour").value == "#010203"
    at.selectbox(key="import_size").set_value(28).run()
    at.button(key="import_start").click().run()
    assert not at.exception
    again = next(one for one in store.jobs(kind="import") if one.id != job.id)
    assert again.payload == payload | {"size": 28}
    queue.control(store, again.id, "stop")
    at = open_page("data", job=again.id)
    at.button(key="import_other").click().run()
    assert not at.exception and "job" not in at.query_params and at.get("button_group")  # the sources to choose from
    (folder / "upload.zip").unlink()
    at = open_page("data", job=again.id)
    assert not at.exception and "still here" not in words(at) and at.get("button_group")


def test_a_refusal_is_kept_until_the_file_changes(empty, tmp_path, monkeypatch):
    from gan_core import actions

    looks, preview_import = [], actions.preview_import
    monkeypatch.setattr(actions, "preview_import", lambda *wanted: looks.append(wanted) or preview_import(*wanted))
    (tmp_path / "no.zip").write_bytes(b"no zip")
    at = with_path(tmp_path / "no.zip")
    for _ in range(3):
        assert "not a zip" in at.run().error[0].value
    assert len(looks) == 1
    make_zip(tmp_path / "no.zip", ["cat/1.png", "dog/2.png"])
    assert shown_classes(at.run())["class"] == ["cat", "dog"] and len(looks) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "proposes", "key", "value"),
    [
        ("enlarged", {"size": 28}, "size", 28),
        ("grey", {"mode": "L"}, "mode", "L"),
        ("extreme_aspect", {"fit": "pad"}, "fit", "pad"),
    ],
)
def test_a_finding_leads_to_the_form_with_what_it_proposes(full, tmp_path, kind, proposes, key, value):
    folder = full.dataset(seeded_workspace.DATASET)
    source = {"kind": "zip", "name": "pets.zip", "path": str(make_zip(tmp_path / "pets.zip", SPLIT)), "mode": "RGB"}
    write_info(folder, type(read_info(folder))(**{**read_info(folder).to_json(), "source": source, "fit": "stretch"}))
    found = Finding(kind, "medium", "Some", 9, "import_again", proposes=proposes)
    findings.write(folder, Health(9, 9, [found]), 0, "efficientnet-lite0")
    at = open_page("data", ds=seeded_workspace.DATASET)
    (link,) = [link for link in at.get("page_link") if link.proto.label == "Import again"]
    params = dict(parse_qsl(link.proto.query_string))
    assert params == {"again": seeded_workspace.DATASET, f"again_{key}": str(value)}
    before = {"size": read_info(folder).size, "mode": "RGB", "fit": "stretch"}
    at = open_page("data", **params)
    assert {field: at.selectbox(key=f"import_{field}").value for field in before} == before | {key: value}
    at = open_page("data", **{**params, f"again_{key}": "<b>"})
    assert {field: at.selectbox(key=f"import_{field}").value for field in before} == before


def test_import_again_of_a_zip_that_has_changed_drops_the_choice_that_went(full, tmp_path):
    folder = full.dataset(seeded_workspace.DATASET)
    info = read_info(folder)
    path = make_zip(tmp_path / "pets.zip", [name for name in SPLIT if "/val/" not in name])
    choices = {"split": "given+validation", "level": "last", "loose": "class"}
    source = {"kind": "zip", "name": "pets.zip", "path": str(path), "choices": choices}
    write_info(folder, type(info)(**{**info.to_json(), "source": source}))
    at = open_page("data", ds=seeded_workspace.DATASET, again=seeded_workspace.DATASET)
    assert at.selectbox(key="import_split").value == "given" and not {"import_level", "import_loose"} & keys(at)
    assert at.selectbox(key="import_background").value == "white"
