"""The job `system`: write torch's version and the GPUs into the workspace, for the System page, which has no torch."""

import time
from typing import Any

from gan_core.jobs import queue
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json
from gan_core.system.info import FACTS


def system(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Detect the devices again."""
    from gan_core.training.device import facts

    found = {"looked_at": time.time(), **facts()}
    write_json(workspace.root / FACTS, found)
    return found


def note_facts(workspace: Workspace) -> None:
    """Detect the devices in a worker that starts. A full disk or a broken driver must not end it."""
    from gan_core.training.device import facts

    try:
        write_json(workspace.root / FACTS, {"looked_at": time.time(), **facts()})
    except (OSError, RuntimeError, AssertionError) as error:
        print(f"could not note the devices: {error}", flush=True)
