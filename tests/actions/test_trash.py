"""Renaming, deleting and bringing back: the folder is the truth, and nothing else is touched."""

import os
import time

import pytest

from gan_core import actions
from gan_core.actions.trash import NOTE
from gan_core.errors import UserError
from gan_core.jobs import queue
from gan_core.jobs.rebuild_index import rebuild
from gan_core.storage import cleanup
from gan_core.storage.workspace import read_json, write_json
from gan_core.views import run_table
from tests.builders import evaluated_run, seeded_workspace

RUN = seeded_workspace.RUNS["finished"]


@pytest.fixture
def full(context):
    seeded_workspace.seed(context.workspace.root)
    return context


def files(folder) -> dict:
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_name_is_kept_in_the_folder_and_in_the_index(full):
    assert actions.rename(full, RUN, "  Kiwis \n again ").name == "Kiwis again"
    assert full.store.run(RUN).name == "Kiwis again"
    assert read_json(full.workspace.run(RUN) / "config.json")["name"] == "Kiwis again"


@pytest.mark.parametrize("name", ["", "  \n ", "x" * 101])
def test_a_name_must_have_letters_and_not_too_many(full, name):
    before = full.store.run(RUN).name
    with pytest.raises(UserError, match="A name has 1 to 100 letters"):
        actions.rename(full, RUN, name)
    assert full.store.run(RUN).name == before


def test_repair_takes_the_name_from_the_folder(full):
    path = full.workspace.run(RUN) / "config.json"
    write_json(path, read_json(path) | {"name": "Renamed, then killed"})
    rebuild(full.store, full.workspace)
    assert full.store.run(RUN).name == "Renamed, then killed"
    actions.rename(full, RUN, "Other")
    full.store.remove_run(RUN)
    path.write_text(path.read_text().replace('"name"', '"created_at": 5, "name"'))
    rebuild(full.store, full.workspace)
    assert full.store.run(RUN).name == "Other"


def test_the_name_of_a_copy_counts_on(full):
    run = full.store.run(RUN)
    actions.rename(full, RUN, "Birds")
    assert actions.name_of_copy(full, full.store.run(RUN)) == "Birds (2)"
    actions.rename(full, seeded_workspace.RUNS["failed"], "Birds (2)")
    assert actions.name_of_copy(full, full.store.run(RUN)) == "Birds (3)"
    assert actions.name_of_copy(full, full.store.run(seeded_workspace.RUNS["failed"])) == "Birds (3)"
    assert len(actions.name_of_copy(full, run._replace(name="x" * 100))) <= 100


def test_a_deleted_run_comes_back_with_all_it_had(full):
    before, run = files(full.workspace.run(RUN)), full.store.run(RUN)
    (row,) = (row for row in run_table.rows(full.store, full.workspace) if row.run.id == RUN)
    actions.delete(full, RUN)
    assert not full.workspace.run(RUN).exists() and RUN not in {one.id for one in full.store.runs()}
    (gone,) = actions.deleted(full)
    assert (gone.id, gone.name, gone.dataset_id) == (RUN, run.name, run.dataset_id)
    assert abs(gone.deleted_at - time.time()) < 5
    with pytest.raises(UserError, match="was deleted"):
        full.store.run(RUN)
    with pytest.raises(UserError, match="was deleted"):
        actions.evaluate(full, RUN)
    actions.undelete(full, RUN)
    assert files(full.workspace.run(RUN)) == before and actions.deleted(full) == []
    (back,) = (row for row in run_table.rows(full.store, full.workspace) if row.run.id == RUN)
    assert back._replace(run=row.run) == row and back.run.config == run.config and row.scores["kid"] == 0.0123


def test_repair_leaves_a_deleted_run_deleted(full):
    actions.delete(full, RUN)
    rebuild(full.store, full.workspace)
    assert RUN not in {run.id for run in full.store.runs()} and actions.deleted(full)[0].id == RUN


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_live_run_is_not_deleted(full, state):
    run = seeded_workspace.RUNS[state]
    before = files(full.workspace.run(run))
    with pytest.raises(UserError, match=r"is training or waiting, so it was not deleted\. Stop it first"):
        actions.delete(full, run)
    assert full.store.run(run) and files(full.workspace.run(run)) == before


@pytest.mark.parametrize(
    ("kind", "subject", "payload"),
    [("evaluate", RUN, {}), ("export", "e" + "7" * 16, {"run": RUN}), ("export_model", "e" + "8" * 16, {"run": RUN})],
)
def test_a_run_that_a_job_reads_is_not_deleted(full, kind, subject, payload):
    job = seeded_workspace.add_job(full.store, kind, subject, "running", payload)
    with pytest.raises(UserError, match=f"in use by a job \\({kind}\\)"):
        actions.delete(full, RUN)
    queue.finish(full.store, full.store.job(job), "stopped")
    actions.delete(full, RUN)


def test_a_run_that_another_starts_from_is_not_deleted(full):
    waiting = full.store.run(seeded_workspace.RUNS["queued"])
    full.store.add_run(waiting.id, waiting.name, waiting.dataset_id, waiting.config | {"start_from": RUN})
    with pytest.raises(UserError, match="in use"):
        actions.delete(full, RUN)


def test_dataset_and_exports_of_a_deleted_run_are_as_before(full):
    kept = full.workspace.dataset(seeded_workspace.DATASET), full.workspace.export(seeded_workspace.EXPORT)
    before = [files(folder) for folder in kept]
    actions.delete(full, RUN)
    assert [files(folder) for folder in kept] == before
    assert (
        full.store.dataset(seeded_workspace.DATASET) and full.store.latest_job("export", seeded_workspace.EXPORT).result
    )
    actions.delete(full, seeded_workspace.RUNS["failed"])  # others of the dataset too


def test_twice_is_told_and_changes_nothing(full):
    actions.delete(full, RUN)
    with pytest.raises(UserError, match="was deleted"):
        actions.delete(full, RUN)
    actions.undelete(full, RUN)
    with pytest.raises(UserError, match="no such deleted run"):
        actions.undelete(full, RUN)
    with pytest.raises(UserError, match="no such run"):
        actions.undelete(full, "../../etc")


def test_cleaning_the_trash_removes_for_good(full):
    actions.delete(full, RUN)
    assert cleanup.clean(full.store, full.workspace, "trash").pieces == 1
    assert actions.deleted(full) == [] and not full.store.jobs(subject=RUN)
    with pytest.raises(UserError, match="no such run"):
        full.store.run(RUN)


def test_a_run_whose_note_is_lost_counts_from_its_move(full):
    actions.delete(full, RUN)
    (full.workspace.trashed(RUN) / NOTE).unlink()
    os.utime(full.workspace.trashed(RUN), (0, 0))
    assert abs(actions.deleted(full)[0].deleted_at - time.time()) < 5


def test_scores_are_those_of_the_newest_measurement(full):
    evaluated_run.plant(full.workspace, full.store)
    scores = {row.run.id: row.scores for row in run_table.rows(full.store, full.workspace)}
    assert scores[seeded_workspace.RUNS["failed"]] == {} and scores[evaluated_run.RUN]["agreement"] is not None
    assert scores[RUN]["frechet_distance"] == 31.25 and scores[RUN]["agreement"] is None
    seeded_workspace.add_job(full.store, "evaluate", RUN, "finished", {}, result=seeded_workspace.SCORES | {"kid": 0.5})
    seeded_workspace.add_job(full.store, "evaluate", RUN, "failed", {})
    scores = {row.run.id: row.scores for row in run_table.rows(full.store, full.workspace)}
    assert scores[RUN]["kid"] == 0.5


def test_only_settings_that_differ_are_told(full):
    runs = [full.store.run(seeded_workspace.RUNS[state]) for state in ("finished", "failed")]
    assert run_table.differing_settings(runs) == {}
    runs[1] = runs[1]._replace(config={k: v for k, v in runs[1].config.items() if k != "guide"} | {"batch": 8})
    assert run_table.differing_settings(runs) == {"Batch size": [64, 8]}  # a missing one has its default


def test_the_command_line_has_the_same(full, ganvas):
    assert ganvas("rename", RUN, "Kiwis", "--json")[1] == {"run": RUN, "name": "Kiwis"}
    assert ganvas("delete", RUN, seeded_workspace.RUNS["failed"])[0] == 0
    code, value, _ = ganvas("runs", "--deleted", "--json")
    assert code == 0 and {run["id"]: run["name"] for run in value["runs"]}[RUN] == "Kiwis"
    assert RUN not in {run["id"] for run in ganvas("runs", "--json")[1]["runs"]}
    assert "was deleted" in ganvas("show", RUN)[2]
    assert ganvas("undelete", RUN, "--json")[1] == {"runs": {RUN: "Kiwis"}}
    code, _, said = ganvas("delete", seeded_workspace.RUNS["running"])
    assert code == 2 and "Stop it first" in said
