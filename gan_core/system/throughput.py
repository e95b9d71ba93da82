"""Images per second of each recipe on this computer, from its own runs and probes."""

import contextlib
import statistics
from typing import NamedTuple

from gan_core.data.dataset import read_info
from gan_core.errors import UserError
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace

MOST_JOBS = 300  # only the newest: drivers and versions change


class Speed(NamedTuple):
    """The median speed of a recipe at a size (px) on a device. measured: number of runs and probes."""

    recipe: str
    size: int
    device: str
    images_per_second: float
    measured: int


def speeds(store: Store, workspace: Workspace) -> list[Speed]:
    """The speeds, by device, recipe and size. A run counts with all its images and seconds, a probe with its few steps."""
    found: dict[tuple[str, str, int], list[float]] = {}
    runs = {run.id: run for run in store.runs()}
    sizes: dict[str, int] = {}
    for dataset in store.datasets():
        with contextlib.suppress(UserError, OSError, ValueError, TypeError):
            sizes[dataset.id] = read_info(workspace.dataset(dataset.id)).size
    trained = store.jobs(kind="train", states=("finished", "stopped"), limit=MOST_JOBS)
    for job in trained + store.jobs(kind="probe", states=("finished",), limit=MOST_JOBS):
        result, run = job.result or {}, runs.get(job.subject)
        config = run.config if run else job.payload.get("config", {})
        size = sizes.get(run.dataset_id if run else job.subject)
        speed = result.get("images_per_second")
        if run and result.get("images_seen") and result.get("elapsed_seconds"):
            speed = result["images_seen"] / result["elapsed_seconds"]
        if size and speed and config.get("recipe") and result.get("device"):
            found.setdefault((result["device"], config["recipe"], size), []).append(speed)
    return [
        Speed(recipe, size, device, statistics.median(values), len(values))
        for (device, recipe, size), values in sorted(found.items())
    ]
