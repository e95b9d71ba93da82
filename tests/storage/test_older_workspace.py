"""A workspace that version 0.1 made opens, shows its pages, goes on with its run and exports.

The zip was made with the program as it stood at commit 6366135: 60 drawings in 3 classes, imported at 28 px; two runs of 4
channels, one finished and one whose process was killed; one job of almost every kind on the finished run, by the command line.
Caches, logs, event files and the dataset classifier were then removed.
"""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from gan_core.data.dataset import load, read_info
from gan_core.data.older_dataset import saw_validation
from gan_core.jobs.queue import LANES
from gan_core.storage.migrations import MIGRATIONS
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from tests.builders.app_pages import open_page

pytestmark = pytest.mark.slow

FINISHED, INTERRUPTED = "r64da35da4e9cfb55", "rf18d4867b9a77c39"
DATASET = "db0e9de075017c8d2"
PAGES = ("home", "data", "train", "live", "samples", "evaluate", "export", "runs", "learn", "system")


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    with zipfile.ZipFile(Path(__file__).parent / "workspace_of_version_0_1.zip") as made:
        for name in made.namelist():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(made.read(name))
    return Workspace(tmp_path)


@pytest.fixture
def store(workspace) -> Store:
    return Store(workspace)


def test_the_index_is_migrated_once(store):
    assert store.query("PRAGMA user_version")[0][0] == len(MIGRATIONS)
    kinds = {job.kind: job for job in store.jobs()}
    assert set(kinds) == set(LANES) - {"curate", "probe", "improve"}
    assert kinds["variants"].subject == FINISHED and kinds["export_model"].payload == {"run": FINISHED}
    assert all(job.lane == LANES[job.kind] for job in kinds.values())


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_on_it(workspace, started, monkeypatch, page):
    monkeypatch.setenv("GANVAS_WORKSPACE", str(workspace.root))
    open_page(page, run=FINISHED, dataset=DATASET)


def test_the_command_line_lists_and_shows_it(ganvas):
    assert [run["state"] for run in ganvas("runs", "--json")[1]["runs"]] == ["interrupted", "finished"]
    assert ganvas("datasets", "--json")[1]["datasets"][0]["name"] == "shapes"
    assert ganvas("show", FINISHED, "--json")[1]["images_seen"] == 160
    assert ganvas("show", DATASET, "--json")[1]["kind"] == "dataset"
    for export in ("e9859fa54ce9a0edf", "e269461bb20c60178"):
        shown = ganvas("show", export, "--json")[1]
        assert shown["result"]["run"] == FINISHED and shown["state"] == "finished"


def test_its_interrupted_run_goes_on_from_its_checkpoint_and_finishes(ganvas, workspace):
    code, result, err = ganvas("resume", INTERRUPTED, "--json")
    assert code == 0 and result["state"] == "finished" and result["images_seen"] == 112, err
    assert "resumed" in (workspace.run(INTERRUPTED) / "events.jsonl").read_text()


def test_its_dataset_gets_a_validation_split_and_its_runs_keep_what_they_have_trained_on(ganvas, workspace):
    folder = workspace.dataset(DATASET)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    whole = load(folder, "train", whole=True)
    assert not any(read_info(folder).validation_counts) and saw_validation(folder, workspace.run(FINISHED))
    train, validation = load(folder, "train"), load(folder, "validation")
    assert len(validation.images) and len(train.images) + len(validation.images) == len(whole.images)
    assert read_info(folder).totals == [20, 20, 20] and not sum(read_info(folder).validation_counts) > 15
    assert np.array_equal(load(folder, "train", whole=True).images, whole.images)
    code, result, err = ganvas("resume", INTERRUPTED, "--json")
    assert code == 0 and result["state"] == "finished", err
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name in before} == before
    code, result, err = ganvas("evaluate", FINISHED, "--samples", 40, "--draws", 1, "--json")
    assert code == 0 and any("saw the validation images" in caveat for caveat in result["caveats"]), err


def test_it_exports(ganvas, tmp_path):
    out = tmp_path / "balanced.zip"
    code, result, err = ganvas(
        "export", FINISHED, "--out", out, "--balance", 20, "--no-gate", "--checks", "copy,twin", "--json"
    )
    assert code == 0 and zipfile.ZipFile(out).testzip() is None, err
    assert sum(one["synthetic"] for one in result["per_class"].values()) > 0
    code, _, err = ganvas("export-model", FINISHED, "--out", tmp_path / "model.zip", "--json")
    assert code == 0, err


def test_a_lost_index_is_rebuilt_from_its_folders(workspace, ganvas):
    (workspace.root / "ganvas.sqlite").unlink()
    code, found, _ = ganvas("repair", "--json")
    assert code == 0 and (found["datasets"], found["runs"], found["exports"]) == (1, 2, 2)
    kinds = {job.kind for job in Store(workspace).jobs()}
    assert {"train", "evaluate", "export", "export_model"} <= kinds <= set(LANES)
