"""The job `timelapse`: the sample grids of a run as one animation."""

from typing import Any

from gan_core.errors import UserError
from gan_core.generation import animation
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.requests import TimelapseRequest
from gan_core.storage import run_folder
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace


def timelapse(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """The grids of a run, or evenly chosen ones of very many, as one animation."""
    format, folder = TimelapseRequest.from_payload(job.payload).format, workspace.run(job.subject)
    rows = run_folder.read_samples(folder)
    grids = [
        (folder / "samples" / row["file"], f"epoch {row['epoch']:.1f}, {row['images_seen']:,} images") for row in rows
    ]
    if not grids:
        raise UserError("no_grids", "This run has no sample grids yet.", "Wait for its first epoch.")
    name = f"timelapse.{format}"
    frames = animation.timelapse(grids, folder / name, Reporter(store, job), watch, format=format)
    return {"file": name, "format": format, "frames": frames, "grids": len(grids), "epoch": rows[-1]["epoch"]}
