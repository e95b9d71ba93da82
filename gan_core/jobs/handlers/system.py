"""What this computer computes with, written down for the System page, which may not ask torch: the job `system`."""

import time
from typing import Any

from gan_core.jobs import queue
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json
from gan_core.system.info import FACTS


def system(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
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
