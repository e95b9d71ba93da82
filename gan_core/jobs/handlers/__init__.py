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
HANDLERS = {  # kind of job -> "module:function"
    "import": "import_dataset:import_",
    "inspect": "inspect:inspect",
    "curate": "curate:curate",
    "train": "train:train",
    "probe": "train:probe",
    "system": "system:system",
    "evaluate": "evaluate:evaluate",
    "utility": "utility:utility",
    "detect": "detect:detect",
    "timelapse": "timelapse:timelapse",
    "explore": "explore:explore",
    "walk": "walk:walk",
    "variants": "variants:variants",
    "export": "export:export",
    "export_model": "export_model:export_model",
    "preview": "preview:preview",
}


def handler(kind: str) -> Handler:
    """The handler of a kind of job."""
    module, function = HANDLERS[kind].split(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), function)
