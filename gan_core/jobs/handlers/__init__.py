"""The handlers of jobs: one module and one function for each kind of job.

A handler is called with (store, workspace, job, watch) and returns a result of plain JSON values. It raises UserError for
a fault that the user can mend, and Stopped where the user asked the job to stop. A handler's module is imported when the
first job of its kind is carried out, because an import of images must not wait for torch.
"""

import importlib
from collections.abc import Callable
from typing import Any

from gan_core.jobs import queue
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

Handler = Callable[[Store, Workspace, Job, queue.Watch], dict[str, Any]]
MODULES = {"import": "import_dataset"}  # of a kind that cannot be the name of a module


def handler(kind: str) -> Handler:
    """The function `<kind>` of the module `<kind>` in this folder."""
    name = MODULES.get(kind, kind)
    return getattr(importlib.import_module(f"{__name__}.{name}"), name)
