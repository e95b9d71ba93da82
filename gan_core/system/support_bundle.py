"""The support bundle: a small zip that helps to explain a fault. It has no images and no names of users, runs or datasets.

Of a path only the last part stays.
"""

import getpass
import io
import json
import os
import platform
import re
import socket
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_core.storage import run_folder
from gan_core.storage.disk import Sizes, free_bytes, usage
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace
from gan_core.system import info

RUNS, JOBS, LINES = 5, 200, 400  # the newest runs, the newest jobs, the last lines of each log
FILE = "ganvas-support.zip"
PATH = re.compile(
    r"(?<![\w.:/~>])(?:/[^\s/'\":;,<>|()]+)+/([^\s/'\":;,<>|()]+)|[A-Za-z]:\\(?:[^\s\\'\"]+\\)+([^\s\\'\"]+)"
)
QUOTED = re.compile(r"(['\"])/[^'\"\n]*/([^'\"\n/]*)\1")  # a quoted path may hold spaces
COMMON_NAMES = (
    "root",
    "user",
    "admin",
    "home",
    "ubuntu",
    "localhost",
)  # they identify nobody, and are common words in logs
README = """The contents of this zip. Look through them before you send it on.

versions.json   Ganvas's packages, Python, the system, this computer's devices, optional parts that are installed
disk.json       the size of each part of the workspace
jobs.json       the newest {jobs} jobs: kind, state, times, errors; their settings, without names
runs/<id>/      of the newest {runs} runs: settings, last status, the end of the log
logs/           the end of the log of each worker

There are no images, weights, or names of runs and datasets. Of a path only the last part stays, and the names of the user and of
the computer are replaced. A log or an error may still name a class or a file.
"""


def bundle(store: Store, workspace: Workspace) -> bytes:
    """The bytes of the zip."""
    clean, file = Redactor(workspace), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in contents(store, workspace):
            archive.writestr(name, clean(text))
    return file.getvalue()


def contents(store: Store, workspace: Workspace) -> Iterator[tuple[str, str]]:
    """(name in the zip, text) of every file, before names are taken out."""
    yield "README.txt", README.format(jobs=JOBS, runs=RUNS)
    yield "versions.json", as_json(versions(workspace))
    yield (
        "disk.json",
        as_json({part.title: part.bytes for part in usage(workspace, Sizes())} | {"free": free_bytes(workspace)}),
    )
    yield "jobs.json", as_json([outline(job, store) for job in store.jobs(limit=JOBS)])
    for run in store.runs()[:RUNS]:
        folder = workspace.run(run.id)
        yield f"runs/{run.id}/config.json", as_json({"dataset": run.dataset_id, "config": run.config})
        try:
            yield f"runs/{run.id}/status.json", as_json(run_folder.read_status(folder))
        except ValueError:
            yield f"runs/{run.id}/status.json", "damaged"
        yield f"runs/{run.id}/log.txt", run_folder.log_tail(folder / "log.txt", LINES)
    for path in sorted((workspace.root / "logs").glob("*.log")):
        yield f"logs/{path.name}", run_folder.log_tail(path, LINES)


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def versions(workspace: Workspace) -> dict[str, Any]:
    return {
        "packages": {name: info.version(name) for name in info.PACKAGES},
        "optional": {extra.title: extra.here for extra in info.optional_parts(workspace)},
        "machine": info.machine(),
        "devices": info.devices(workspace),
        "platform": platform.platform(),
        "settings": {name: value for name, value in sorted(os.environ.items()) if name.startswith("GANVAS_")},
    }


def outline(job: Job, store: Store) -> dict[str, Any]:
    """A job with its events, without its result and without names."""
    asked = {
        name: outline_value(value) for name, value in job.payload.items() if name not in ("name", "class", "removed")
    }
    row = {**job._asdict(), "payload": asked, "events": store.events(job.id) if job.state != "finished" else []}
    return {name: value for name, value in row.items() if name not in ("result", "host")}


def outline_value(value: Any) -> Any:
    """A value of a payload: the last part of a path, the length of a dict or list, whose keys may be names of classes."""
    if isinstance(value, dict | list) and value:
        return f"{len(value)} entries"
    return Path(value).name if isinstance(value, str) and os.path.isabs(value) else value


class Redactor:
    """Takes paths and the names of the user and of the computer out of a text."""

    def __init__(self, workspace: Workspace):
        roots = {
            str(workspace.root): "<workspace>",
            str(Path(__file__).parents[2]): "<ganvas>",
            sys.prefix: "<python>",
            sys.base_prefix: "<python>",
            str(Path.home()): "~",
        }
        self.roots = {name: roots[name] for name in sorted(roots, key=len, reverse=True) if len(name) > 1}
        own = {Path.home().name, socket.gethostname(), user()}
        names = [re.escape(name) for name in own if len(name) > 2 and name.lower() not in COMMON_NAMES]
        self.names = re.compile(rf"(?<!\w)({'|'.join(names)})(?!\w)", re.IGNORECASE) if names else None

    def __call__(self, text: str) -> str:
        for root, word in self.roots.items():
            text = re.sub(rf"{re.escape(root)}(?![\w-])", word, text)
        text = QUOTED.sub(r"\1<path>/\2\1", text)
        text = PATH.sub(lambda found: f"<path>/{found[1] or found[2]}", text)
        return self.names.sub("<name>", text) if self.names else text


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in a container
        return ""
