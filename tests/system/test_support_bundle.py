"""The support bundle: what it holds, and what it must not."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from gan_core.jobs import queue as jobs
from gan_core.storage.store import Store
from gan_core.storage.workspace import new_id
from gan_core.system import support_bundle
from tests.builders import seeded_workspace


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Texts of a bundle of a workspace in the home folder of one Ada Lovelace, by name."""
    home = tmp_path / "lovelace"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(support_bundle.socket, "gethostname", lambda: "analytical")
    workspace = seeded_workspace.seed(home / "ws")
    store = Store(workspace)
    source = {"source": "/media/My Stick/secret set/photos.zip", "name": "Lovelace family", "classes": {"Ada": 1}}
    jobs.submit(store, "import", new_id("dataset"), source)
    (workspace.root / "logs" / "worker-train.log").write_text(
        f'File "{Path(support_bundle.__file__)}", line 3\nOSError: {home}/notes/a.txt and /srv/lovelace/x/b.png on analytical\n'
        "see http://127.0.0.1:8501/live and '/media/My Stick/secret set/photos.zip'\n"
    )
    with zipfile.ZipFile(io.BytesIO(support_bundle.bundle(store, workspace))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_it_holds_what_explains_a_fault(made):
    versions = json.loads(made["versions.json"])
    assert versions["packages"]["torch"] and versions["machine"]["cores"] >= 1
    queue = {job["kind"]: job for job in json.loads(made["jobs.json"])}
    assert queue["import"]["payload"] == {"source": "photos.zip", "classes": "1 entries"} and queue["train"]["state"]
    failed = seeded_workspace.RUNS["failed"]
    assert "epoch 1" in made[f"runs/{failed}/log.txt"] and json.loads(made[f"runs/{failed}/config.json"])["config"]
    assert "<ganvas>/gan_core/system/support_bundle.py" in made["logs/worker-train.log"]
    assert "http://127.0.0.1:8501/live" in made["logs/worker-train.log"]


def test_it_names_neither_the_user_nor_places_nor_pictures(made):
    text = "\n".join(made.values()).lower()
    for secret in ("lovelace", "analytical", "secret", "my stick", "birds, failed"):
        assert secret not in text, secret
    assert not [name for name in made if name.endswith((".png", ".webp", ".pt", ".npy"))]


def test_the_verb_writes_it_and_refuses_a_folder_that_is_not_there(ganvas, tmp_path):
    code, told, _ = ganvas("support-bundle", "--out", tmp_path / "s.zip", "--json")
    assert code == 0 and zipfile.is_zipfile(tmp_path / "s.zip") and told["bytes"] == (tmp_path / "s.zip").stat().st_size
    code, _, err = ganvas("support-bundle", "--out", tmp_path / "absent" / "s.zip")
    assert code == 2 and "no folder" in err
