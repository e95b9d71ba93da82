"""kill -9 at random instants, and resume: see tests/builders/kill_loop.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.hold
@pytest.mark.parametrize("kills", [10, 1000])
def test_a_killed_run_is_resumed_and_ends_as_an_unbroken_one(kills):
    command = [sys.executable, "-m", "tests.builders.kill_loop", str(kills)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kills"] >= kills and found["completed"] >= 1
    for fault in ("corrupt", "failed", "stuck", "unequal", "rows out of order", "files left"):
        assert not found.get(fault), found
