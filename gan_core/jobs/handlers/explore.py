"""The job `explore`: a grid of generated images, each with its nearest real images."""

from typing import Any

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.generation.png_metadata import png_info
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter, stop_or_report
from gan_core.jobs.shared.run_sampler import Sampling
from gan_core.requests import ExploreRequest
from gan_core.storage import drawn_images
from gan_core.storage.drawn_images import Exploration, rows_and_columns
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json


def explore(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Into runs/<id>/explore/<job>/, in the place of the oldest where there are many."""
    from gan_core.evaluation.near_copies import PixelSpace
    from gan_core.generation import sampling

    request, progress = ExploreRequest.from_payload(job.payload), Reporter(store, job)
    progress(0.0, "Loading the generator")
    generator = Sampling(store.run(job.subject), workspace, request.at)
    seed, truncation, classes = request.seed, request.truncation, generator.classes
    shown, columns = rows_and_columns(1 if request.class_name is not None else len(classes))
    labels = [generator.label_of(request.class_name)] if request.class_name is not None else list(range(shown))
    drawn = []
    for at, label in enumerate(labels):
        stop_or_report(watch, progress, 0.5 * at / len(labels), f"Drawing: class {at + 1:,} of {len(labels):,}")
        drawn.append(generator.draw([label] * columns, seed=seed + label, truncation=truncation))
    images = np.concatenate(drawn)
    stop_or_report(watch, progress, 0.5, "Looking for the nearest real images")
    train = dataset_folder.load(workspace.dataset(generator.run.dataset_id), "train")
    space = PixelSpace(train.images, watch)
    found = space.neighbors(space.pixels(images), drawn_images.NEIGHBOURS)
    copies = space.copies(found)
    rows = found.row.tolist()
    listed: list[dict[str, Any]] = [
        {
            "file": f"image-{at:04d}.png",
            "label": labels[at // columns],
            "number": at % columns,
            "copy": bool(copies[at]),
            "near": [
                {"row": row, "label": int(train.labels[row]), "distance": float(distance), "flipped": bool(flipped)}
                for row, distance, flipped in zip(rows[at], found.distance[at], found.flipped[at], strict=True)
            ],
        }
        for at in range(len(images))
    ]
    notes = generator.notes(seed, truncation)
    parent = workspace.run(job.subject) / "explore"
    parent.mkdir(exist_ok=True)
    with workspace.staging(parent / job.id) as staging:
        for one, image in zip(listed, images, strict=True):
            about = {"class": classes[one["label"]], "number": one["number"]}
            sampling.picture_of(image).save(staging / one["file"], pnginfo=png_info(notes | about))
        for row in sorted({row for some in rows for row in some}):
            real = sampling.picture_of(np.asarray(train.images[row]))
            real.save(staging / f"real-{row:07d}.webp", "WEBP", quality=90)
        names = [classes[label] for label in labels] if len(labels) > 1 else [""]
        across = columns if len(labels) > 1 else drawn_images.COLUMNS
        sheet = sampling.grid(images, names, across)
        sampling.save_png(staging / "grid.png", sheet, notes | {"class": request.class_name or "all classes"})
        result = Exploration(
            job.id,
            seed,
            truncation,
            request.class_name,
            generator.images_seen,
            classes,
            train.classes,
            listed,
            space.usual,
            len(train.images),
            len(train.images),
        )
        write_json(staging / "explore.json", result._asdict())
    drawn_images.prune(workspace.run(job.subject), "explore")
    return {"images": len(images), "near_copies": int(copies.sum()), "images_seen": generator.images_seen}
