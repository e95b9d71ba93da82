"""One function per job kind: the only place that holds both a store and a network.

handler(store, workspace, job, watch) -> result as plain JSON values. Rooms are imported inside, because an import of
pictures should not wait for torch. A handler raises UserError for what the user can mend, Stopped where it was asked to stop.
"""

from collections.abc import Callable
from typing import Any

from gan_core.jobs import queue
from gan_core.jobs.handlers.evaluate import evaluate
from gan_core.jobs.handlers.explore import explore, walk
from gan_core.jobs.handlers.export import export, share, timelapse
from gan_core.jobs.handlers.import_dataset import import_
from gan_core.jobs.handlers.inspect import curate, inspect
from gan_core.jobs.handlers.preview import preview
from gan_core.jobs.handlers.system import system
from gan_core.jobs.handlers.train import probe, train
from gan_core.jobs.handlers.utility import detect, utility
from gan_core.jobs.handlers.variants import fuse
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

HANDLERS: dict[str, Callable[[Store, Workspace, Job, queue.Watch], dict[str, Any]]] = {
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
