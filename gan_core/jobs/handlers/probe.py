"""The job `probe`: the speed and the memory of some settings on a dataset."""

from typing import Any

from gan_core.data import dataset as dataset_folder
from gan_core.jobs import failures, queue
from gan_core.settings.schema import build
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

PROBE_SECONDS = 3.0


def probe(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """A few seconds of training steps: images per second, memory, size of a checkpoint, and what else ran on the device."""
    from gan_core.training import autotune, largest_batch, loop

    config, folder = build(job.payload["config"]), workspace.dataset(job.subject)
    data = dataset_folder.load(folder, "train")
    others = lambda: failures.beside(store, job)
    at_first = others()
    modes = workspace.root / autotune.SHARED_FILE
    found = largest_batch.explained(config, data, lambda: loop.probe(config, data, PROBE_SECONDS, watch, modes), others)
    return {**found, "beside": at_first or others()}
