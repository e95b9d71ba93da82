"""The job `explore`: a grid of generated images, each with its nearest real images."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.data.dataset import ImageSet
from gan_core.generation.png_metadata import png_info
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter, stop_or_report
from gan_core.jobs.shared.evaluation_inputs import learned_from
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests import ExploreRequest
from gan_core.storage import drawn_images
from gan_core.storage.drawn_images import Exploration, rows_and_columns
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json

MOST_BYTES = 500_000_000  # of training pixels that are searched: seconds, not minutes


def explore(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Write runs/<id>/explore/<job>/; the oldest folders of the run are deleted."""
    request, progress = ExploreRequest.from_payload(job.payload), Reporter(store, job)
    progress(0.0, "Loading the generator")
    generator = RunSampler(store.run(job.subject), workspace, request.at)
    images, labels = draw(generator, request, watch, progress)
    stop_or_report(watch, progress, 0.5, "Looking for the nearest real images")
    train = learned_from(workspace, generator.run)
    listed, usual, looked_at = nearest_real(images, labels, train, watch)
    parent = workspace.run(job.subject) / "explore"
    parent.mkdir(exist_ok=True)
    with workspace.staging(parent / job.id) as staging:
        write_images(staging, generator, request, images, listed, train)
        result = Exploration(
            job.id,
            request.seed,
            request.truncation,
            request.class_name,
            generator.images_seen,
            generator.classes,
            train.classes,
            listed,
            usual,
            looked_at,
            len(train.images),
        )
        write_json(staging / "explore.json", result._asdict())
    drawn_images.prune(workspace.run(job.subject), "explore")
    copies = sum(one["copy"] for one in listed)
    return {"images": len(images), "near_copies": copies, "images_seen": generator.images_seen}


def draw(
    generator: RunSampler, request: ExploreRequest, watch: queue.Watch, progress: Reporter
) -> tuple[np.ndarray, list[int]]:
    """(images uint8 [N, S, S, C], their labels): of the one class that was asked for, or some of each class."""
    if request.class_name is not None:
        labels, columns = [generator.label_of(request.class_name)], rows_and_columns(1)[1]
    else:
        rows, columns = rows_and_columns(len(generator.classes))
        labels = list(range(rows))
    drawn = []
    for at, label in enumerate(labels):
        stop_or_report(watch, progress, 0.5 * at / len(labels), f"Drawing: class {at + 1:,} of {len(labels):,}")
        drawn.append(generator.draw([label] * columns, seed=request.seed + label, truncation=request.truncation))
    return np.concatenate(drawn), [label for label in labels for _ in range(columns)]


def nearest_real(
    images: np.ndarray, labels: list[int], train: ImageSet, watch: queue.Watch
) -> tuple[list[dict[str, Any]], float, int]:
    """(Exploration.images, the median distance of a training image from its nearest other, training images that are searched).

    At most MOST_BYTES of training images are searched, the same random ones each time.
    """
    from gan_core.evaluation.near_copies import PixelSpace

    most = max(1, MOST_BYTES // math.prod(train.images.shape[1:]))
    rows = None  # all of them
    if len(train.images) > most:
        rows = np.sort(np.random.default_rng(0).permutation(len(train.images))[:most])
    space = PixelSpace(train.images, watch, rows)
    found = space.neighbors(images, drawn_images.NEIGHBOURS)
    copies = space.copies(found)
    if rows is not None:
        found = found._replace(row=rows[found.row])
    listed = []
    for at, label in enumerate(labels):
        near = [
            {"row": int(row), "label": int(train.labels[row]), "distance": float(distance), "flipped": bool(flipped)}
            for row, distance, flipped in zip(found.row[at], found.distance[at], found.flipped[at], strict=True)
        ]
        number = at - labels.index(label)  # as `sample` counts the images of a class
        file = f"image-{at:04d}.png"
        listed.append({"file": file, "label": label, "number": number, "copy": bool(copies[at]), "near": near})
    return listed, space.usual, len(space.vectors)


def write_images(
    folder: Path,
    generator: RunSampler,
    request: ExploreRequest,
    images: np.ndarray,
    listed: list[dict[str, Any]],
    train: ImageSet,
) -> None:
    """The generated images and all of them in one grid, with their metadata, and their nearest real images."""
    from gan_core.generation import sampling

    classes, notes = generator.classes, generator.notes(request.seed, request.truncation)
    for one, image in zip(listed, images, strict=True):
        about = {"class": classes[one["label"]], "number": one["number"]}
        sampling.picture_of(image).save(folder / one["file"], pnginfo=png_info(notes | about))
    for row in {near["row"] for one in listed for near in one["near"]}:
        real = sampling.picture_of(np.asarray(train.images[row]))
        real.save(folder / f"real-{row:07d}.webp", "WEBP", quality=90)
    labels = list(dict.fromkeys(one["label"] for one in listed))
    names, columns = [classes[label] for label in labels], len(listed) // len(labels)
    if len(labels) == 1:
        names, columns = [""], drawn_images.COLUMNS
    sheet = sampling.grid(images, names, columns)
    sampling.save_png(folder / "grid.png", sheet, notes | {"class": request.class_name or "all classes"})
