"""What the command line says where the disk of a workspace is full or may not be written."""

import errno
import json
import sqlite3

import pytest

from gan_core.storage import full_disk
from tests.builders.small_disk import on_a_small_disk

EVERY_VERB = """
import contextlib, io, json, traceback
from gan_core import cli
from gan_core.storage import full_disk
from gan_core.storage.store import Store
from tests.builders import seeded_workspace

workspace = seeded_workspace.seed(disk)
runs = seeded_workspace.RUNS
store = Store(workspace)
with store.transaction() as db:  # a run whose process is gone
    db.execute("UPDATE jobs SET pid = 4194303 WHERE state = 'running'")
full_disk.keep_ballast(disk)
told = {}

def call(state, *words):
    sys.argv = ["ganvas", "--workspace", str(disk), *words]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            code, _ = "traceback", err.write(traceback.format_exc())
    told[f"{state}: {words[0]}"] = [code, out.getvalue(), err.getvalue()]

def every_verb(state):
    call(state, "runs")
    call(state, "show", runs["running"], "--json")
    call(state, "datasets")
    call(state, "stop", runs["queued"])
    call(state, "resume", "--detach", runs["finished"])
    call(state, "rename", runs["finished"], "Another name")
    call(state, "clean", "--what", "checkpoints,trash,staging,cache,exports", "--older-than", "0")
    call(state, "import", "--detach", str(disk))

SCENARIO
print(json.dumps(told))
"""
SCENARIOS = {
    "read-only": "read_only(True)\nevery_verb('read-only')",
    "full": "fill()\nevery_verb('full')",
    "full, without ballast": "full_disk.drop_ballast(disk)\nfill()\nevery_verb('full')",
}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_verb_ends_in_a_traceback(tmp_path, scenario):
    script = EVERY_VERB.replace("SCENARIO", SCENARIOS[scenario])
    told = json.loads(on_a_small_disk(script, 3, tmp_path / "disk").splitlines()[-1])
    for verb, (code, _, err) in told.items():
        assert code in (0, 1, 2), (verb, err)
        assert "Traceback" not in err, verb
    state = scenario.split(",")[0]
    code, out, _ = told[f"{state}: runs"]
    assert code == 0 and "interrupted" in out  # the run whose process is gone
    code, out, _ = told[f"{state}: show"]
    assert code == 0 and json.loads(out)["state"] == "interrupted"
    code, out, err = told[f"{state}: clean"]
    assert code == 0, err
    if state == "full":
        assert "Old exports: 1 removed" in out


def test_the_ballast_makes_room_for_small_files_alone_and_is_written_again(tmp_path):
    script = """
    from gan_core.storage import full_disk
    from gan_core.storage.workspace import Workspace, write_json
    workspace = Workspace(disk)
    assert full_disk.trouble(workspace) is None
    full_disk.keep_ballast(disk)
    assert (disk / "ballast").stat().st_size == full_disk.ballast_bytes(disk) < 200_000
    fill()
    full_disk.keep_ballast(disk)
    try:
        write_json(disk / "state.json", {"phase": "training"})
        print("written")
    except OSError as error:
        print(full_disk.obstacle(error, disk, 5_000_000))
    assert full_disk.trouble(workspace).code == "disk_full"
    assert full_disk.drop_ballast(disk) and not full_disk.drop_ballast(disk)
    write_json(disk / "state.json", {"phase": "training"})
    full_disk.keep_ballast(disk)
    assert not (disk / "ballast").exists()  # it would take the room again
    empty()
    full_disk.keep_ballast(disk)
    assert (disk / "ballast").exists() and full_disk.trouble(workspace) is None
    read_only(True)
    assert full_disk.trouble(workspace).code == "not_writable"
    """
    told = on_a_small_disk(script, 2, tmp_path / "disk")
    assert "5.0 MB are needed" in told and "written" not in told


@pytest.mark.parametrize(
    "error, number",
    [
        (sqlite3.OperationalError("database or disk is full"), errno.ENOSPC),
        (sqlite3.OperationalError("attempt to write a readonly database"), errno.EROFS),
        (sqlite3.OperationalError("disk I/O error"), errno.EIO),
        (sqlite3.OperationalError("no such table: jobs"), None),
        (OSError(errno.ENOSPC, "full"), errno.ENOSPC),
        (FileNotFoundError(errno.ENOENT, "not there"), None),
        (ValueError("x"), None),
    ],
)
def test_only_errors_of_the_disk_are_told_as_such(error, number):
    behind = full_disk.as_os_error(error)
    assert (behind and behind.errno) == number
