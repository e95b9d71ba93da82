"""The job `preview`: the first images that an export would keep of each class, and some that it would refuse."""

from typing import Any

import numpy as np

from gan_core.export.plan import LEAST_FOR_GAN
from gan_core.export.quality_filter import FilterOptions
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests import PreviewRequest
from gan_core.storage.export_preview import LEAST_SHOWN, MOST_SHOWN, REFUSED_SHOWN, SHOWN, Preview, path_of, write
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

PATIENCE_IMAGES = 256  # drawn of a class before a preview gives it up


def preview(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Into the run's folder, in the place of an earlier one."""
    request = PreviewRequest.from_payload(job.payload)
    run, progress = store.run(job.subject), Reporter(store, job)
    generator = RunSampler(run, workspace, request.at)
    classes, folder = generator.info.classes, workspace.dataset(run.dataset_id)
    shown = 1 if len(classes) > SHOWN // REFUSED_SHOWN else REFUSED_SHOWN
    options = FilterOptions(shown=shown, patience=PATIENCE_IMAGES)
    quality_filter = generator.quality_filter(folder, request.seed, request.checks, progress, watch, options)
    count = max(LEAST_SHOWN, min(MOST_SHOWN, SHOWN // len(classes)))
    images, labels, facts = [], [], []
    for label in range(len(classes)):
        progress(label / len(classes), f"Choosing images: class {label + 1:,} of {len(classes):,}")
        some = quality_filter(label, count if generator.info.train_counts[label] >= LEAST_FOR_GAN else 0, 0)
        images.append(some)
        labels += [label] * len(some)
        facts += [quality_filter.entry(label, number) for number in range(len(some))]
    score = lambda name: np.array([row["scores"].get(name, np.nan) for row in facts])
    shape = (0, generator.info.size, generator.info.size, generator.info.channels)
    refused = [one.image for one in quality_filter.examples]
    write(
        path_of(workspace.run(run.id)),
        Preview(
            np.concatenate(images),
            np.array(labels, np.int64),
            np.array([row["index"] for row in facts], np.int64),
            score("agreement"),
            score("realism"),
            np.array([-1 if row["nearest_row"] is None else row["nearest_row"] for row in facts], np.int64),
            np.stack(refused) if refused else np.empty(shape, np.uint8),
            np.array([one.label for one in quality_filter.examples], np.int64),
            np.array([one.reason for one in quality_filter.examples], "U8"),
            np.array(job.id),
        ),
    )
    quality_filter.short.clear()  # how many there are is not asked here
    return {
        "run": run.id,
        "seed": request.seed,
        "checks": list(request.checks),
        "images_seen": generator.images_seen,
        "gate": quality_filter.report(),
        "gate_said": quality_filter.summary(),
        "unfit": [generator.info.classes[label] for label in quality_filter.unfit()],
    }
