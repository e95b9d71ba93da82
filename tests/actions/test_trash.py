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


DATASET, EXPORT = seeded_workspace.DATASET, seeded_workspace.EXPORT


@pytest.fixture
def at_rest(full):
    """No job runs or waits; the export has its description."""
    with full.store.transaction() as db:
        db.execute("UPDATE jobs SET state = 'stopped' WHERE state IN ('queued', 'running')")
    write_json(full.workspace.export(EXPORT) / "export.json", {"file": "birds.zip", "run": RUN, "dataset": DATASET})
    return full


def test_what_was_made_from_a_dataset_is_listed_and_stays_unless_it_is_named(at_rest):
    curated = "d" + "2" * 16
    at_rest.workspace.dataset(curated).mkdir()
    write_json(at_rest.workspace.dataset(curated) / "dataset.json", {"name": "Clean", "source": {"parent": DATASET}})
    at_rest.store.add_dataset(curated, "Clean")
    made = {thing.id for thing in actions.derived(at_rest, DATASET)}
    assert made == {*seeded_workspace.RUNS.values(), curated, EXPORT}
    assert [thing.id for thing in actions.derived(at_rest, RUN)] == [EXPORT]
    actions.delete(at_rest, DATASET)
    assert {run.id for run in at_rest.store.runs()} == set(seeded_workspace.RUNS.values())
    actions.undelete(at_rest, DATASET)
    gone = {thing.id for thing in actions.delete(at_rest, DATASET, with_derived=True)}
    assert gone == made | {DATASET} and not at_rest.store.runs() and not at_rest.store.datasets()
    for id in gone:
        actions.undelete(at_rest, id)
    assert {thing.id for thing in actions.derived(at_rest, DATASET)} == made and actions.deleted(at_rest, "") == []


@pytest.mark.parametrize("id", [DATASET, EXPORT])
def test_a_deleted_dataset_or_export_comes_back_as_it_was(at_rest, id):
    folder = at_rest.workspace.root / ("datasets" if id == DATASET else "exports") / id
    before, rows = files(folder), at_rest.store.datasets()
    actions.delete(at_rest, id)
    kind = "dataset" if id == DATASET else "export"
    assert not folder.exists() and [one.id for one in actions.deleted(at_rest, kind)] == [id]
    assert actions.deleted(at_rest) == []
    if id == DATASET:
        with pytest.raises(UserError) as refused:
            at_rest.store.dataset(id)
        assert refused.value.code == "deleted_dataset"
    actions.undelete(at_rest, id)
    assert files(folder) == before and at_rest.store.datasets() == rows


@pytest.mark.parametrize(
    ("kind", "subject", "payload"),
    [
        ("train", RUN, {}),
        ("evaluate", RUN, {}),
        ("inspect", DATASET, {}),
        ("export", "e" + "7" * 16, {"run": None, "dataset": DATASET}),
        ("export", "e" + "7" * 16, {"run": RUN}),
        ("import", "d" + "7" * 16, {"source": f"again:{DATASET}"}),
    ],
)
def test_a_dataset_that_a_job_needs_is_not_deleted_nor_anything_with_it(at_rest, kind, subject, payload):
    before = files(at_rest.workspace.root / "runs")
    job = seeded_workspace.add_job(at_rest.store, kind, subject, "running", payload)
    for with_derived in (False, True):
        with pytest.raises(UserError) as refused:
            actions.delete(at_rest, DATASET, with_derived=with_derived)
        assert refused.value.code == "in_use"
    assert at_rest.store.dataset(DATASET) and files(at_rest.workspace.root / "runs") == before
    queue.finish(at_rest.store, at_rest.store.job(job), "stopped")
    actions.delete(at_rest, DATASET)


def test_emptying_the_trash_removes_datasets_and_exports_for_good(at_rest):
    for id in (DATASET, EXPORT):
        actions.delete(at_rest, id)
    assert cleanup.clean(at_rest.store, at_rest.workspace, "trash").pieces == 2
    assert actions.deleted(at_rest, "") == [] and at_rest.store.latest_job("export", EXPORT) is None


@pytest.mark.parametrize("id", ["x", "d" + "9" * 16, "e" + "9" * 16, "../../etc/passwd", ""])
def test_what_is_not_there_is_told(full, id):
    for act in (actions.delete, actions.undelete):
        with pytest.raises(UserError) as refused:
            act(full, id)
        assert refused.value.code in ("unknown_id", "not_in_trash")


def test_the_command_line_deletes_datasets_and_exports(at_rest, ganvas):
    code, value, _ = ganvas("delete", DATASET, "--json")
    assert code == 0 and value["datasets"] == [DATASET] and EXPORT in value["derived"]
    code, value, _ = ganvas("runs", "--deleted", "--json")
    assert [one["id"] for one in value["datasets"]] == [DATASET] and value["runs"] == []
    assert ganvas("undelete", DATASET, "--json")[1]["datasets"].keys() == {DATASET}
    assert EXPORT in ganvas("delete", DATASET, "--with-derived", "--json")[1]["exports"]


def test_the_command_line_has_the_same(full, ganvas):
    assert ganvas("rename", RUN, "Kiwis", "--json")[1] == {"run": RUN, "name": "Kiwis"}
    assert ganvas("delete", RUN, seeded_workspace.RUNS["failed"])[0] == 0
    code, value, _ = ganvas("runs", "--deleted", "--json")
    assert code == 0 and {run["id"]: run["name"] for run in value["runs"]}[RUN] == "Kiwis"
    assert RUN not in {run["id"] for run in ganvas("runs", "--json")[1]["runs"]}
    assert "was deleted" in ganvas("show", RUN)[2]
    assert ganvas("undelete", RUN, "--json")[1]["runs"] == {RUN: "Kiwis"}
    code, _, said = ganvas("delete", seeded_workspace.RUNS["running"])
    assert code == 2 and "Stop it first" in said
