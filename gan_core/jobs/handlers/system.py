"""The job `system`: write torch's version and the GPUs into the workspace, for the System page, which has no torch."""

import time
from typing import Any

from gan_core.jobs import queue
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json
from gan_core.system.info import DEVICES_FILE


def system(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Detect the devices again."""
    return write_devices(workspace)


def write_devices(workspace: Workspace) -> dict[str, Any]:
    """Detect the devices and write them down."""
    from gan_core.training.device import facts

    found = {"looked_at": time.time(), **facts()}
    write_json(workspace.root / DEVICES_FILE, found)
    return found
