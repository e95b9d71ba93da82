"""Variants of real training images: the job `variants`, and files for the command line."""

from pathlib import Path
from typing import Any

import numpy as np

from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.real_variants import RealVariants
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests import VariantsRequest
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

MOST_REALS = 64  # real images of a class that are inverted; more files are further variants of them
SHEET_ROWS, SHEET_VARIANTS = 8, 6  # each row also has the real image and its reconstruction


def variants(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """A sheet runs/<id>/fusions/<job>.png: in each row a real image, its reconstruction and six variants."""
    from gan_core.generation import sampling

    request = VariantsRequest.from_payload(job.payload)
    generator = RunSampler(store.run(job.subject), workspace, request.at)
    label = generator.label_of(request.class_name)
    found = RealVariants(generator, workspace, label, SHEET_ROWS, request.seed, Reporter(store, job), watch)
    numbers = np.arange(len(found.reals))
    columns = [found.draw(numbers, request.strength, start=column * SHEET_ROWS) for column in range(SHEET_VARIANTS)]
    rows = np.stack([found.reals, found.draw(numbers, 0.0), *columns], 1)  # [N, 8, S, S, C]
    folder = workspace.run(job.subject) / "fusions"
    folder.mkdir(exist_ok=True)
    sampling.save_png(folder / f"{job.id}.png", sampling.grid(rows.reshape(-1, *rows.shape[2:]), [""]))
    return {**found.errors(), "file": f"{job.id}.png", "class": request.class_name, "strength": request.strength}


def write(
    generator: RunSampler, workspace: Workspace, out: Path, per_class: int, only: str | None, seed: int, strength: float
) -> dict[str, Any]:
    """PNG files of variants of each class's real images in turn; returns {"files", "classes": {name: errors}}."""
    names = generator.classes
    written: dict[str, Any] = {"files": 0, "classes": {}}
    notes = generator.notes(seed, 1.0) | {"variants_of_real_images": strength}
    for label in range(len(names)) if only is None else [generator.label_of(only)]:
        if generator.config.conditional and not generator.info.train_counts[label]:
            continue
        found = RealVariants(generator, workspace, label, min(per_class, MOST_REALS), seed)
        draw = lambda count, start, found=found: found.draw(
            np.arange(start, start + count) % len(found.reals), strength, start
        )
        generator.write_pngs(out, label, per_class, notes, draw)
        written["files"] += per_class
        written["classes"][names[label]] = found.errors()
    return written
