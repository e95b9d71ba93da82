"""A job whose process was killed: what it had finished counts, what it had not leaves nothing."""

import shutil

import pytest

from gan_core.jobs import queue, supervisor
from gan_core.storage.workspace import new_id, write_json


@pytest.fixture
def killed(store):
    """killed(kind, subject, payload): a running job whose process is gone."""

    def submit(kind, subject, payload):
        job = queue.submit(store, kind, subject, payload, claim_on="")
        with store.transaction() as db:
            db.execute("UPDATE jobs SET pid = 4194303 WHERE id = ?", (job.id,))
        return job

    return submit


@pytest.mark.parametrize("kind", ["import", "curate"])
def test_an_import_that_was_killed_before_the_index_heard_of_it_is_finished(
    store, workspace, toy_dataset, killed, kind
):
    id, upload = new_id("dataset"), new_id("upload")
    shutil.copytree(workspace.dataset(toy_dataset), workspace.dataset(id))
    workspace.upload(upload).mkdir()
    job = killed(kind, id, {"source": f"upload:{upload}", "parent": toy_dataset})
    supervisor.reconcile(store)
    ended = store.job(job.id)
    assert ended.state == "finished" and ended.result["images"] == 84 and ended.result["dataset"] == id
    assert store.dataset(id).name == "Tones"
    assert workspace.upload(upload).exists() == (kind == "curate")


@pytest.mark.parametrize("kind", ["export", "export_model"])
def test_an_export_that_was_killed_before_the_index_heard_of_it_is_finished(store, workspace, killed, kind):
    id, facts = new_id("export"), {"file": "birds.zip", "bytes": 3}
    workspace.export(id).mkdir()
    write_json(workspace.export(id) / "export.json", facts)
    job = killed(kind, id, {})
    supervisor.reconcile(store)
    assert (store.job(job.id).state, store.job(job.id).result) == ("finished", facts)


@pytest.mark.parametrize(("kind", "file"), [("evaluate", "evaluations/{}/result.json"), ("utility", "utility/{}.json")])
def test_what_was_measured_before_the_index_heard_of_it_counts(store, workspace, killed, kind, file):
    run, facts = new_id("run"), {"verdict": "helps"}
    job, other = killed(kind, run, {}), killed(kind, run, {})
    path = workspace.run(run) / file.format(job.id)
    path.parent.mkdir(parents=True)
    write_json(path, facts)
    supervisor.reconcile(store)
    assert (store.job(job.id).state, store.job(job.id).result) == ("finished", facts)
    assert store.job(other.id).state == "interrupted"


def test_what_a_killed_job_left_goes_at_once_and_nothing_of_another(store, workspace, killed):
    mine, other, upload = new_id("dataset"), new_id("dataset"), new_id("upload")
    for name in (f"{mine}-0a", f"{other}-0b", upload):
        (workspace.root / "staging" / name).mkdir()
    job = killed("import", mine, {"source": f"upload:{upload}"})
    supervisor.reconcile(store)
    assert store.job(job.id).state == "interrupted"
    assert {path.name for path in (workspace.root / "staging").iterdir()} == {f"{other}-0b", upload}  # for another try


def test_half_written_files_of_a_killed_training_go(store, workspace, killed):
    run = new_id("run")
    (workspace.run(run) / "checkpoints").mkdir(parents=True)
    for name in ("status.json", "status.json.tmp-12-abcd", "checkpoints/ck-1.pt.tmp-12-abcd"):
        (workspace.run(run) / name).write_text("{}")
    killed("train", run, {})
    supervisor.reconcile(store)
    assert [path.name for path in workspace.run(run).rglob("*") if path.is_file()] == ["status.json"]


def test_what_a_live_process_fills_stays(store, workspace, killed):
    id = new_id("dataset")
    with workspace.staging(workspace.dataset(id)) as folder:
        killed("import", id, {})
        supervisor.reconcile(store)
        assert folder.is_dir()
