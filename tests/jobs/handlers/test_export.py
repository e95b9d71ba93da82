"""The job export: the zip follows what was found, with soft labels of the teacher, and says what was measured."""

import csv
import io
import json
import zipfile

import pytest

from gan_core import actions
from gan_core.data import dataset as dataset_folder
from gan_core.evaluation import teacher
from gan_core.evaluation.utility import found as found_file
from gan_core.evaluation.utility.found import Found
from gan_core.evaluation.utility.protocol import VERSION, Arm, Use
from gan_core.jobs import queue, worker
from gan_core.requests import ExportRequest


@pytest.fixture
def export(context, toy_dataset):
    """export(**request) -> the zip of the toy dataset, opened."""

    def carry_out(**request) -> zipfile.ZipFile:
        job = actions.export(context, ExportRequest(dataset=toy_dataset, **request))
        state = worker.carry_out(context.store, context.workspace, job, queue.Watch(context.store, job))
        done = context.store.job(job.id)
        assert state == "finished", done.error
        return zipfile.ZipFile(context.workspace.export(job.subject) / done.result["file"])

    return carry_out


def rows(archive: zipfile.ZipFile, folder: str) -> list[dict[str, str]]:
    text = archive.read(f"{folder}/metadata.csv").decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def found_with(use: Use, workspace, dataset: str, monkeypatch) -> None:
    """found.json says changed copies with that use; the teacher knows enough."""
    arm = Arm(way="copies", use=use)
    measured = {"updates": 20, "batch": 16, "chosen": 0.8, "chosen_ci95": [0.7, 0.9], "protocol": VERSION}
    found = Found(choice=arm.model_dump(mode="json"), **measured)
    found_file.write(workspace.dataset(dataset), found)
    monkeypatch.setattr(teacher.Teacher, "knows", True)


@pytest.mark.slow
def test_soft_labels_weights_and_splits_are_those_of_what_was_found(export, workspace, toy_dataset, monkeypatch):
    found_with(Use(share=0.5, labels="soft"), workspace, toy_dataset, monkeypatch)
    info = dataset_folder.read_info(workspace.dataset(toy_dataset))
    total = max(info.train_counts) + 4
    archive = export(balance=total)
    train, use = rows(archive, "train"), json.loads(archive.read("recommended_use.json"))
    assert use["arm"]["use"]["labels"] == "soft" and use["promise"] == {"balanced_accuracy": 0.8, "ci95": [0.7, 0.9]}
    for row in train:
        soft = json.loads(row["soft_label"])
        assert bool(soft) == (row["method"] == "classical") and float(row["weight"]) > 0
        assert not soft or (len(soft) == len(info.classes) and abs(sum(soft) - 1) < 0.01)
    weight = lambda method: sum(float(row["weight"]) for row in train if row["method"] == method)
    assert weight("classical") == pytest.approx(weight("real"), rel=1e-3)  # half of all that is shown
    held_out = {"val": sum(info.validation_counts), "test": sum(info.test_counts)}
    assert {folder: len(rows(archive, folder)) for folder, count in held_out.items() if count} == {
        folder: count for folder, count in held_out.items() if count
    }
    again = export(balance=total)
    assert again.fp.seek(0) == 0 and archive.fp.seek(0) == 0 and again.fp.read() == archive.fp.read()


def test_a_search_that_ends_after_the_export_was_queued_changes_nothing(context, toy_dataset, workspace, monkeypatch):
    found_with(Use(share=0.5), workspace, toy_dataset, monkeypatch)
    job = actions.export(context, ExportRequest(dataset=toy_dataset, balance=24))
    found_file.write(workspace.dataset(toy_dataset), Found(protocol=VERSION))
    worker.carry_out(context.store, context.workspace, job, queue.Watch(context.store, job))
    done = context.store.job(job.id)
    assert done.state == "finished" and done.result["arm"]["way"] == "copies", done.error
    assert done.result["promise"] == {"balanced_accuracy": 0.8, "ci95": [0.7, 0.9]}


def test_without_held_out_images_and_without_synthetic_ones(export, toy_dataset):
    archive = export(balance="none", held_out=False)
    manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["synthetic"], manifest["validation"], manifest["test"]) == (0, 0, 0) and manifest["real"] > 0
    assert not [name for name in archive.namelist() if name.startswith(("val/", "test/"))]
    assert manifest["evidence"] == {} and manifest["promise"] is None


def test_a_teacher_that_knows_nothing_is_a_refusal(context, toy_dataset, export, workspace, monkeypatch):
    found_with(Use(share=0.5, labels="soft"), workspace, toy_dataset, monkeypatch)
    monkeypatch.setattr(teacher.Teacher, "knows", False)
    job = actions.export(context, ExportRequest(dataset=toy_dataset, balance=99))
    worker.carry_out(context.store, context.workspace, job, queue.Watch(context.store, job))
    done = context.store.job(job.id)
    assert done.state == "failed" and done.error["code"] == "knows_nothing"
    assert not context.workspace.export(job.subject).exists()
