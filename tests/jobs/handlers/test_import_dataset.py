"""The job `import`: what it keeps of an upload, and importing again from where a set came from, with other choices."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from gan_core import actions
from gan_core.data.dataset import SCHEMA, origin, read_info
from gan_core.errors import UserError
from gan_core.jobs import queue, worker
from gan_core.jobs.rebuild_index import rebuild
from gan_core.requests import Choices, ImportRequest
from gan_core.storage.workspace import new_id, read_json, write_json
from tests.builders.odd_pictures import COLOURS, encoded

NAMES = [f"d/{split}/{c}/{n}.png" for split in ("train", "val", "test") for c in ("cat", "dog") for n in range(3)]


def make_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(NAMES):
            archive.writestr(name, encoded(Image.fromarray(COLOURS[..., 0] ^ number)))
    return path


def uploaded(context) -> str:
    folder = context.workspace.upload(new_id("upload"))
    folder.mkdir()
    make_zip(folder / "upload.zip")
    return f"upload:{folder.name}"


def carried_out(context, source, **options):
    """The ended job of an import."""
    job = actions.import_dataset(context, ImportRequest(source=source, **options))
    worker.carry_out(context.store, context.workspace, job, queue.Watch(context.store, job))
    return context.store.job(job.id)


def imported(context, source, **options):
    """(id, info) of a finished import."""
    job = carried_out(context, source, **options)
    assert job.state == "finished", job.error
    return job.subject, read_info(context.workspace.dataset(job.subject))


def test_an_uploaded_zip_is_kept_with_its_set_and_read_again(context):
    source = uploaded(context)
    first, info = imported(context, source, name="Pets")
    folder = context.workspace.dataset(first)
    assert info.source["kind"] == "zip" and info.source["name"] == "Pets.zip" and info.source["kept"] is True
    assert "path" not in info.source and zipfile.ZipFile(folder / "source.zip").namelist() == NAMES
    assert not list((context.workspace.root / "staging").iterdir())
    assert info.counts == {"train": [3, 3], "validation": [3, 3], "test": [3, 3]}

    choices = Choices(level="last")
    second, again = imported(context, f"again:{first}", size=28, choices=choices, background="black")
    assert again.name == "Pets" and again.size == 28 and again.source["choices"] == choices.payload()
    assert again.counts == info.counts and again.source["name"] == "Pets.zip"
    assert read_info(folder) == info  # the first one is as it was

    shutil.rmtree(folder)  # and the second one stands by itself
    third, last = imported(context, f"again:{second}", choices=Choices(split="pool"))
    assert last.source["test_split"] == "cut" and last.source["kept"] is True
    assert {dataset.id for dataset in context.store.datasets()} == {first, second, third}
    assert rebuild(context.store, context.workspace).datasets == 2


def test_a_zip_is_copied_where_links_cannot_be_made(context, monkeypatch):
    first, _ = imported(context, uploaded(context))
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(1, "no links here")))
    second, _ = imported(context, f"again:{first}")
    kept = [(context.workspace.dataset(id) / "source.zip").read_bytes() for id in (first, second)]
    assert kept[0] == kept[1]


def test_a_path_is_noted_and_read_again_until_it_is_gone(context, tmp_path):
    source = make_zip(tmp_path / "pets.zip")
    first, info = imported(context, str(source))
    assert info.source["path"] == str(source) and info.name == "pets" and source.exists()
    assert imported(context, f"again:{first}", size=64)[1].source["path"] == str(source)
    queued = actions.import_dataset(context, ImportRequest(source=f"again:{first}"))
    source.unlink()
    for refused in (
        lambda: actions.import_dataset(context, ImportRequest(source=f"again:{first}")),
        lambda: origin(context.workspace.dataset(first)),
    ):
        with pytest.raises(UserError) as caught:
            refused()
        assert caught.value.code == "original_gone" and caught.value.what.count(".") == 1
    worker.carry_out(context.store, context.workspace, queued, queue.Watch(context.store, queued))
    assert context.store.job(queued.id).error["code"] == "original_gone"


@pytest.mark.slow
def test_a_ready_set_is_made_again(context):
    first, _ = imported(context, "demo:shapes")
    _, again = imported(context, f"again:{first}", size=64)
    assert again.size == 64 and again.source["kind"] == "demo" and again.name == "Coloured shapes"


def test_the_upload_of_an_import_that_fails_can_be_imported_otherwise(context):
    """40 px are too small for 256."""
    source = uploaded(context)
    upload = context.workspace.upload(source.removeprefix("upload:"))
    os.utime(upload, (0, 0))
    job = carried_out(context, source, size=256)
    assert job.state == "failed" and job.error["code"] == "no_images"
    assert [path.name for path in upload.iterdir()] == ["upload.zip"]
    assert not list((context.workspace.root / "datasets").iterdir())
    context.workspace.sweep()  # it is kept from now on, however old it is
    _, info = imported(context, source, size=28)
    assert info.size == 28 and not list((context.workspace.root / "staging").iterdir())


def test_the_upload_stays_until_its_dataset_is_in_place(context, monkeypatch):
    source, replace = uploaded(context), os.replace

    def fails(path, target):
        if Path(target).parent.name == "datasets":
            raise OSError(5, "I/O error")
        replace(path, target)

    monkeypatch.setattr(os, "replace", fails)
    assert carried_out(context, source).state == "failed"
    monkeypatch.undo()
    first, _ = imported(context, source)
    assert zipfile.ZipFile(context.workspace.dataset(first) / "source.zip").namelist() == NAMES
    assert not list((context.workspace.root / "staging").iterdir())


def test_the_upload_of_an_import_that_is_stopped_stays_until_the_sweep(context):
    source = uploaded(context)
    job = actions.import_dataset(context, ImportRequest(source=source))
    watch = queue.Watch(context.store, job)
    watch.stop = True
    assert worker.carry_out(context.store, context.workspace, job, watch) == "stopped"
    upload = context.workspace.upload(source.removeprefix("upload:"))
    assert (upload / "upload.zip").exists()
    os.utime(upload, (0, 0))
    context.workspace.sweep()
    assert not list((context.workspace.root / "staging").iterdir())


def test_an_upload_that_a_job_waits_for_is_not_discarded(context):
    source = uploaded(context)
    job = actions.import_dataset(context, ImportRequest(source=source))
    upload = context.workspace.upload(source.removeprefix("upload:"))
    actions.discard_upload(context, source)
    assert upload.exists()
    queue.finish(context.store, job, "failed", error={"code": "x", "what": "x", "todo": "x"})
    actions.discard_upload(context, source)
    assert not upload.exists()


def test_a_job_that_was_queued_by_an_earlier_version_is_carried_out(context, tmp_path):
    job = actions.import_dataset(context, ImportRequest(source=str(make_zip(tmp_path / "pets.zip"))))
    old = job._replace(
        payload={key: value for key, value in job.payload.items() if key not in ("choices", "background")}
    )
    worker.carry_out(context.store, context.workspace, old, queue.Watch(context.store, job))
    assert context.store.job(job.id).state == "finished"


def test_a_set_of_a_newer_version_is_refused_and_an_older_one_is_read(context, toy_dataset):
    file = context.workspace.dataset(toy_dataset) / "dataset.json"
    value, info = read_json(file), read_info(file.parent)
    assert value.pop("schema") == SCHEMA
    write_json(file, value)  # as it was before there were numbers
    assert read_info(file.parent) == info
    for newer in ({**value, "schema": SCHEMA + 1}, {**value, "schema": "2", "augmented": True}):
        write_json(file, newer)
        with pytest.raises(UserError) as caught:
            read_info(file.parent)
        assert caught.value.code == "newer_dataset"
    with pytest.raises(UserError) as caught:  # older still: nothing was noted of where it came from
        write_json(file, value)
        origin(file.parent)
    assert caught.value.code == "original_gone"
