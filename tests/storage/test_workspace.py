import asyncio
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gan_core.errors import UserError
from gan_core.storage.workspace import Workspace, atomic_write, check_id, new_id, read_json, write_json


@pytest.mark.parametrize(
    "text", ["", "../../etc/passwd", "r123", "R0123456789abcdef", "r0123456789abcdef/..", "d0123456789abcdef"]
)
def test_only_an_id_of_the_kind_becomes_a_path(text):
    with pytest.raises(UserError, match="no such run"):
        check_id(text, "run")


def test_new_ids_differ_and_pass():
    ids = {new_id("run") for _ in range(100)}
    assert len(ids) == 100 and all(check_id(id, "run") == id for id in ids)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"x": 1})

    def half(file):
        file.write(b"half")
        raise OSError(28, "disk full")

    with pytest.raises(OSError):
        atomic_write(path, half)
    assert read_json(path) == {"x": 1} and [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_nan_is_not_json(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_staging_appears_whole_or_not_at_all(tmp_path):
    workspace = Workspace(tmp_path)
    there = workspace.dataset(new_id("dataset"))
    with pytest.raises(RuntimeError), workspace.staging(there) as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert not there.exists() and not list((tmp_path / "staging").iterdir())
    with workspace.staging(there) as folder:
        (folder / "a").write_text(json.dumps(1))
    assert (there / "a").read_text() == "1" and not list((tmp_path / "staging").iterdir())


LEFT_BEHIND = """
import sys
from pathlib import Path
from gan_core.storage.workspace import Workspace, new_id
workspace = Workspace(sys.argv[1])
with workspace.staging(workspace.dataset(new_id("dataset"))) as folder:
    (folder / "half").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


def staging_in_another_process(root) -> tuple[subprocess.Popen, Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", LEFT_BEHIND, str(root)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, Path(process.stdout.readline().strip())


def test_a_server_that_starts_sweeps_what_a_killed_one_left(tmp_path, monkeypatch):
    """Two imports that began long ago, one of them killed; beside them a fresh upload and an old one."""
    import app

    monkeypatch.setenv("GANVAS_WORKSPACE", str(tmp_path))
    workspace = Workspace(tmp_path)
    killed, left = staging_in_another_process(tmp_path)
    alive, filling = staging_in_another_process(tmp_path)
    try:
        killed.kill()
        killed.communicate()
        assert (left / "half").exists()
        uploads = [workspace.upload(new_id("upload")) for _ in range(2)]
        for upload in uploads:
            upload.mkdir()
            (upload / "upload.zip").write_bytes(b"x")
        (tmp_path / "staging" / "stray").write_text("x")
        long_ago = time.time() - 25 * 3600
        for path in (left, filling, uploads[0], tmp_path / "staging" / "stray"):
            os.utime(path, (long_ago, long_ago))
        os.utime(uploads[1], (time.time() - 23 * 3600,) * 2)

        async def start_and_stop():
            async with app.lifespan(None):
                pass

        with ThreadPoolExecutor(1) as thread:  # of its own: browser tests leave a loop running in this one
            thread.submit(asyncio.run, start_and_stop()).result()
        assert sorted((tmp_path / "staging").iterdir()) == sorted([filling, uploads[1]])
    finally:
        alive.communicate("")
    assert alive.returncode == 0 and len(list((tmp_path / "datasets").iterdir())) == 1
