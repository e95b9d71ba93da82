"""One function per job kind: the only place that holds both a store and a network.

handler(store, workspace, job, watch) -> result as plain JSON values. Rooms are imported inside, because an import of
pictures should not wait for torch. A handler raises UserError for what the user can mend, Stopped where it was asked to stop.
"""

from collections.abc import Callable
from typing import Any

from gan_core import jobs
from gan_core.handlers.delivering import export, share, timelapse
from gan_core.handlers.exploring import explore, walk
from gan_core.handlers.fusing import fuse
from gan_core.handlers.importing import import_
from gan_core.handlers.inspecting import curate, inspect
from gan_core.handlers.judging import detect, utility
from gan_core.handlers.measuring import evaluate
from gan_core.handlers.previewing import preview
from gan_core.handlers.system import system
from gan_core.handlers.training import probe, train
from gan_core.store import Job, Store
from gan_core.workspace import Workspace

HANDLERS: dict[str, Callable[[Store, Workspace, Job, jobs.Watch], dict[str, Any]]] = {
    "import": import_,
    "inspect": inspect,
    "curate": curate,
    "train": train,
    "probe": probe,
    "system": system,
    "evaluate": evaluate,
    "utility": utility,
    "detect": detect,
    "timelapse": timelapse,
    "explore": explore,
    "walk": walk,
    "fuse": fuse,
    "export": export,
    "share": share,
    "preview": preview,
}
