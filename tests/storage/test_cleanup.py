"""What a clean-up takes, and what it must leave: the newest and the best checkpoint, and all that a live job names."""

import os
import time

import pytest

from gan_core.jobs import queue, rebuild_index
from gan_core.storage import checkpoints, cleanup, disk
from gan_core.storage.workspace import new_id, write_json

OLD = time.time() - 90 * 86400


@pytest.fixture
def run(workspace, store):
    """A finished run with checkpoints at 100 to 400 images; the one at 200 measured best."""
    id = new_id("run")
    folder = workspace.run(id) / "checkpoints"
    folder.mkdir(parents=True)
    for seen in (100, 200, 300, 400):
        (folder / f"ck-{seen:012d}.pt").write_bytes(b"x" * 1000)
        write_json(folder / f"ck-{seen:012d}.json", {"sha256": "", "bytes": 1000, "images_seen": seen})
    store.add_run(id, "Birds", new_id("dataset"), {"start_from": ""})
    add_job(store, "train", id, {}, "finished", {})
    for seen, distance in ((100, 30.0), (200, 10.0), (300, 20.0)):
        add_job(store, "evaluate", id, {}, "finished", scores(seen, distance))
    return id


def add_job(store, *row):
    with store.transaction() as db:
        rebuild_index.add_job(db, *row)


def scores(seen, distance):
    return {"images_seen": seen, "frechet_distance": distance, "extractor": "efficientnet-lite0"}


def kept(workspace, run):
    return [int(path.stem[3:]) for path in sorted((workspace.run(run) / "checkpoints").glob("*.pt"))]


def test_the_newest_and_the_best_checkpoint_stay(store, workspace, run):
    told = cleanup.look(store, workspace, "checkpoints")
    assert told.pieces == 2 and 2000 < told.bytes < 2400 and kept(workspace, run) == [100, 200, 300, 400]
    assert cleanup.clean(store, workspace, "checkpoints") == told
    assert kept(workspace, run) == [200, 400]
    assert cleanup.look(store, workspace, "checkpoints") == (0, 0, "")


def test_the_checkpoint_that_is_marked_as_the_best_stays_too(store, workspace, run):
    mark = {"images_seen": 100, "kernel_distance": 1.0, "coverage": None}
    write_json(workspace.run(run) / "checkpoints" / checkpoints.BEST, {"best": mark, "checks": []})
    cleanup.clean(store, workspace, "checkpoints")
    assert kept(workspace, run) == [100, 200, 400] and checkpoints.best(workspace.run(run) / "checkpoints") is not None


def test_the_best_by_fid_stays_too(store, workspace, run):
    for seen, fid in ((100, 5.0), (200, 10.0), (300, 20.0)):
        add_job(store, "evaluate", run, {}, "finished", {"images_seen": seen, "fid": fid, "extractor": "inception-v3"})
    add_job(
        store, "evaluate", run, {}, "finished", {"images_seen": 300, "extractor": "inception-v3"}
    )  # had too few images for one
    cleanup.clean(store, workspace, "checkpoints")
    assert kept(workspace, run) == [100, 200, 400]


def test_what_came_back_meanwhile_is_not_forgotten(store, workspace, run, monkeypatch):
    trashed = workspace.trashed(run)
    workspace.run(run).rename(trashed)
    found = list(cleanup.trash(store, workspace, 0))
    trashed.rename(workspace.run(run))  # Undo, after the trash was looked into
    monkeypatch.setitem(cleanup.KINDS, "trash", cleanup.KINDS["trash"]._replace(find=lambda *_: found))
    assert cleanup.clean(store, workspace, "trash") == (0, 0, "") and store.jobs(subject=run)
    assert workspace.run(run).is_dir() and not list((workspace.root / "staging").iterdir())


def test_uploads_rest_longer_than_other_left_overs(store, workspace):
    hours = time.time() - 2 * 3600
    for kind in ("upload", "dataset"):
        folder = workspace.root / "staging" / new_id(kind)
        folder.mkdir()
        os.utime(folder, (hours, hours))
    assert cleanup.clean(store, workspace, "staging").pieces == 1
    assert [path.name[0] for path in (workspace.root / "staging").iterdir()] == ["u"]


@pytest.mark.parametrize("kind", ["train", "evaluate", "export"])
def test_a_run_that_a_live_job_names_is_left_alone(store, workspace, run, kind):
    subject, payload = (run, {}) if kind != "export" else (new_id("export"), {"run": run})
    queue.submit(store, kind, subject, payload)
    assert cleanup.look(store, workspace, "checkpoints").pieces == 0
    assert cleanup.clean(store, workspace, "checkpoints").pieces == 0 and len(kept(workspace, run)) == 4


def test_a_run_that_another_is_to_start_from_is_left_alone(store, workspace, run):
    heir = new_id("run")
    store.add_run(heir, "Heir", new_id("dataset"), {"start_from": run})
    queue.submit(store, "train", heir, {})
    assert cleanup.clean(store, workspace, "checkpoints").pieces == 0


def test_a_run_whose_newest_checkpoint_is_torn_keeps_the_older_ones(store, workspace, run):
    (workspace.run(run) / "checkpoints" / "ck-000000000400.pt").write_bytes(b"x" * 10)
    assert cleanup.clean(store, workspace, "checkpoints").pieces == 0


def test_an_interrupted_run_keeps_all_it_has(store, workspace, run):
    add_job(store, "train", run, {}, "interrupted", None)
    assert cleanup.clean(store, workspace, "checkpoints").pieces == 0


def test_exports_go_by_age(store, workspace):
    old, young = new_id("export"), new_id("export")
    for id in (old, young):
        workspace.export(id).mkdir()
        (workspace.export(id) / "birds.zip").write_bytes(b"x" * 500)
    os.utime(workspace.export(old), (OLD, OLD))
    assert cleanup.clean(store, workspace, "exports", 30) == (1, 500, "")
    assert [path.name for path in (workspace.root / "exports").iterdir()] == [young]


def test_the_cache_waits_for_a_running_job_and_spares_downloads(store, workspace):
    for name in ("features/a.json", "features/a.features.npy", "fashion/train.gz"):
        path = workspace.root / "cache" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 100)
    job = queue.submit(store, "evaluate", new_id("run"), {}, claim_on="")
    assert cleanup.look(store, workspace, "cache").why_not and cleanup.clean(store, workspace, "cache").pieces == 0
    queue.finish(store, job, "finished")
    assert cleanup.clean(store, workspace, "cache") == (2, 200, "")
    assert (workspace.root / "cache" / "fashion" / "train.gz").is_file()


def test_staging_keeps_what_is_filled_waits_or_is_young(store, workspace):
    ids = {name: new_id("upload") for name in ("left", "asked_for", "young")}
    for name, id in ids.items():
        workspace.upload(id).mkdir()
        (workspace.upload(id) / "upload.zip").write_bytes(b"x" * 100)
        if name != "young":
            for path in (workspace.upload(id) / "upload.zip", workspace.upload(id)):
                os.utime(path, (OLD, OLD))
    queue.submit(store, "import", new_id("dataset"), {"source": f"upload:{ids['asked_for']}"})
    with workspace.staging(workspace.dataset(new_id("dataset"))) as filling:
        os.utime(filling, (OLD, OLD))
        assert cleanup.clean(store, workspace, "staging") == (1, 100, "")
        assert filling.is_dir()
    left = {path.name for path in (workspace.root / "staging").iterdir()}
    assert ids["left"] not in left and {ids["asked_for"], ids["young"]} <= left


def test_the_trash_is_emptied_with_its_rows(store, workspace, run):
    (workspace.root / "trash").mkdir(exist_ok=True)
    workspace.run(run).rename(workspace.root / "trash" / run)
    store.remove_run(run)
    assert cleanup.clean(store, workspace, "trash").pieces == 1
    assert not any((workspace.root / "trash").iterdir()) and store.jobs(subject=run) == []


def test_the_verb_tells_first_and_refuses_what_it_does_not_know(ganvas, workspace, run):
    code, told, _ = ganvas("clean", "--what", "checkpoints,cache", "--dry-run", "--json")
    assert code == 0 and told["what"]["checkpoints"]["pieces"] == 2 and len(kept(workspace, run)) == 4
    assert ganvas("clean", "--what", "checkpoints", "--json")[1]["bytes"] == told["bytes"]
    assert kept(workspace, run) == [200, 400]
    for words in (("--what", "runs"), ("--what", ""), ("--what", "exports", "--older-than", "nan")):
        code, _, err = ganvas("clean", *words)
        assert code == 2 and err.startswith("ganvas: ") and "Choose" in err


def test_sizes_are_whole_and_see_what_changes(workspace, run):
    sizes = disk.Sizes()
    parts = {part.title: part for part in disk.usage(workspace, sizes)}
    assert parts["Checkpoints of runs"].bytes == sum(
        path.stat().st_size for path in (workspace.run(run) / "checkpoints").iterdir()
    )
    assert sum(part.bytes for part in parts.values()) == sum(
        path.stat().st_size for path in workspace.root.rglob("*") if path.is_file()
    )
    folder = workspace.run(run) / "checkpoints"
    os.utime(folder, (OLD, OLD))
    before = sizes.of(folder)
    assert str(folder) in sizes.known  # an old folder is remembered, and still seen to change
    (folder / "more").write_bytes(b"x" * 50)
    assert sizes.of(folder) == before + 50


def test_what_a_stopped_search_has_kept_goes_and_that_of_a_live_one_stays(store, workspace):
    stopped, live = (new_id("dataset") for _ in range(2))
    for dataset in (stopped, live):
        folder = workspace.dataset(dataset) / cleanup.SEARCHES / "0123"
        folder.mkdir(parents=True)
        (folder / "pool_gan.npz").write_bytes(b"x" * 1000)
    queue.submit(store, "improve", live, {"dataset": live})
    assert cleanup.clean(store, workspace, "searches") == (1, 1000, "")
    assert not (workspace.dataset(stopped) / cleanup.SEARCHES).exists()
    assert (workspace.dataset(live) / cleanup.SEARCHES / "0123" / "pool_gan.npz").exists()
