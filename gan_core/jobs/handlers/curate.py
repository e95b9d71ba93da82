"""The job `curate`: a dataset without some of its images, or with its objects on a flat background."""

from typing import Any

from gan_core.data.dataset import read_info
from gan_core.dataset_health.curate import Curation
from gan_core.dataset_health.curate import curate as fill
from gan_core.evaluation.inputs import Progress
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace


def curate(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """The new dataset's folder appears whole or not at all; the parent stays as it is."""
    from PIL import ImageColor

    wanted = job.payload
    parent, color = workspace.dataset(wanted["parent"]), wanted["background"]
    about = read_info(parent)
    curation = Curation(
        left_out={finding: [(split, row) for split, row in rows] for finding, rows in wanted["left_out"].items()},
        background=ImageColor.getrgb(color)[:3] if color else None,  # type: ignore[arg-type]
        keep_without_object=wanted["keep_without_object"],
        name=wanted["name"],
        source={
            **{key: value for key, value in about.source.items() if key in ("validation_split", "test_split")},
            "kind": "curated",
            "parent": wanted["parent"],
            "name": about.name,
            "excluded": {finding: len(rows) for finding, rows in wanted["left_out"].items()},
            "background": color or about.source.get("background", "white"),
            "cut_out": bool(color),
        },
    )
    with workspace.staging(workspace.dataset(job.subject)) as folder:
        info = fill(parent, folder, curation, Progress(Reporter(store, job), watch))
    store.add_dataset(job.subject, info.name)
    totals = info.totals
    return {
        "dataset": job.subject,
        "parent": wanted["parent"],
        "images": sum(totals),
        "classes": dict(zip(info.classes, totals, strict=True)),
        "notices": info.notices,
    }
