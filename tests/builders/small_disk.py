"""A real file system of a few megabytes, for a script in a process of its own: it can be full, and it can be made read-only."""

import functools
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IN_A_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
# What each script has: `disk` is the folder, fill() leaves no byte free, empty() undoes it, read_only(yes) mounts it anew.
HEAD = """
import os, subprocess, sys
from pathlib import Path
disk = Path(sys.argv[1])

def fill(leave=0):
    with open(disk / "filler", "ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - leave >= size:
                    file.write(bytes(size))
            except OSError:
                pass

def empty():
    (disk / "filler").unlink(missing_ok=True)

def read_only(yes):
    subprocess.run(["mount", "-o", "remount," + ("ro" if yes else "rw"), str(disk)], check=True)
"""


@functools.cache
def possible() -> bool:
    words = [*IN_A_NAMESPACE, "mkdir -p /tmp/.small && mount -t tmpfs -o size=1m none /tmp/.small"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def on_a_small_disk(script: str, megabytes: float, folder: Path, timeout: float = 240) -> str:
    """What the script printed. Skips the test where this system lets nobody mount a file system."""
    if not possible():
        pytest.skip("this system lets nobody mount a file system of its own")
    folder.mkdir(exist_ok=True)
    code = folder.with_suffix(".py")
    code.write_text(HEAD + textwrap.dedent(script))
    mount = f'mount -t tmpfs -o size={int(megabytes * 1024)}k none "$1" && exec "$2" "$3" "$1"'
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GANVAS_THREADS": "1"}
    done = subprocess.run(
        [*IN_A_NAMESPACE, mount, "sh", str(folder), sys.executable, str(code)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
