"""What this computer computes with, written down for the System page, which may not ask torch: the job `system`."""

import time
from typing import Any

from gan_core import jobs
from gan_core.parts import FACTS
from gan_core.store import Job, Store
from gan_core.workspace import Workspace, write_json


def system(store: Store, workspace: Workspace, job: Job, watch: jobs.Watch) -> dict[str, Any]:
    """Look again: the facts of training/device.py into the workspace."""
    from gan_core.training.device import facts

    found = {"looked_at": time.time(), **facts()}
    write_json(workspace.root / FACTS, found)
    return found


def note_facts(workspace: Workspace) -> None:
    """The same for a worker that has torch at hand; a full disk or a broken driver must not end it."""
    from gan_core.training.device import facts

    try:
        write_json(workspace.root / FACTS, {"looked_at": time.time(), **facts()})
    except (OSError, RuntimeError, AssertionError) as error:
        print(f"could not note the devices: {error}", flush=True)
