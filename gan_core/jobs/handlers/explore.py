"""The jobs `explore`: a grid of new images with their nearest real ones; and `walk`: from one of them to another."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_core.data import dataset as dataset_folder
from gan_core.errors import Stopped
from gan_core.generation import animation
from gan_core.generation.png_metadata import Notes, notes_of, png_info
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.run_sampler import Sampling
from gan_core.storage import drawn_images
from gan_core.storage.drawn_images import Exploration, rows_and_columns
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json

WALK_PX = 320  # a frame is magnified by a whole number to about this
FRAME_MS, LAST_MS = 90, 600


def explore(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Into runs/<id>/explore/<job>/, in the place of the oldest where there are many."""
    from gan_core.evaluation.nearest_real import around
    from gan_core.generation import sampling

    wanted, progress = job.payload, Reporter(store, job)
    progress(0.0, "Loading the generator")
    generator = Sampling(store.run(job.subject), workspace, wanted["at"])
    seed, scale, classes = wanted["seed"], wanted["noise_scale"], generator.classes
    shown, columns = rows_and_columns(1 if wanted["class"] is not None else len(classes))
    labels = [generator.label_of(wanted["class"])] if wanted["class"] is not None else list(range(shown))
    drawn = []
    for at, label in enumerate(labels):
        stop_or_say(watch, progress, 0.5 * at / len(labels), f"Drawing: class {at + 1:,} of {len(labels):,}")
        drawn.append(generator.draw([label] * columns, seed=seed + label, truncation=scale))
    images = np.concatenate(drawn)
    stop_or_say(watch, progress, 0.5, "Looking for the nearest real images")
    train = dataset_folder.load(workspace.dataset(generator.run.dataset_id), "train")
    found = around(images, train.images, drawn_images.NEIGHBOURS)
    rows = found.row.tolist()
    listed: list[dict[str, Any]] = [
        {
            "file": f"image-{at:04d}.png",
            "label": labels[at // columns],
            "number": at % columns,
            "copy": bool(found.copy[at]),
            "near": [
                {"row": row, "label": int(train.labels[row]), "distance": float(distance), "flipped": bool(flipped)}
                for row, distance, flipped in zip(rows[at], found.distance[at], found.flipped[at], strict=True)
            ],
        }
        for at in range(len(images))
    ]
    notes = notes_for(generator, seed, scale)
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
        sampling.save_png(staging / "grid.png", sheet, notes | {"class": wanted["class"] or "all classes"})
        result = Exploration(
            job.id,
            seed,
            scale,
            wanted["class"],
            generator.images_seen,
            classes,
            train.classes,
            listed,
            found.usual,
            found.looked_at,
            len(train.images),
        )
        write_json(staging / "explore.json", result._asdict())
    drawn_images.prune(workspace.run(job.subject), "explore")
    return {"images": len(images), "near_copies": int(found.copy.sum()), "images_seen": generator.images_seen}


def walk(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Into runs/<id>/walks/<job>/: a strip of some frames, and all of them there and back as films."""
    from gan_core.generation import latent_walk, sampling

    wanted, progress = job.payload, Reporter(store, job)
    progress(0.0, "Loading the generator")
    generator = Sampling(store.run(job.subject), workspace, wanted["at"])
    ends, seed, scale = [wanted["from"], wanted["to"]], wanted["seed"], wanted["noise_scale"]
    labels = [generator.label_of(end["class"]) for end in ends]
    source = [labels[0] if wanted["same_noise"] else label for label in labels]
    noises = [
        sampling.noise(generator.config.z_dim, 1, seed=seed + label, start=end["number"])[0] * np.float32(scale)
        for label, end in zip(source, ends, strict=True)
    ]
    images = latent_walk.walk(
        generator.G, (noises[0], noises[1]), (labels[0], labels[1]), wanted["frames"], size=generator.info.size
    )
    about = {key: wanted[key] for key in ("from", "to", "same_noise")}
    notes = notes_for(generator, seed, scale) | {"class": f"{ends[0]['class']} to {ends[1]['class']}"} | about
    parent = workspace.run(job.subject) / "walks"
    parent.mkdir(exist_ok=True)
    with workspace.staging(parent / job.id) as staging:
        some = animation.choose(len(images), drawn_images.STRIP)
        strip = sampling.grid(images[some], [""], len(some))
        sampling.save_png(staging / "strip.png", strip, notes)
        formats = [format for format in animation.FORMATS if animation.can_write(format)]
        for at, format in enumerate(formats):
            stop_or_say(watch, progress, 0.3 + 0.7 * at / len(formats), f"Writing {animation.FORMATS[format]}")
            there_and_back(staging / f"walk.{format}", format, images)
        facts = {"job": job.id, "seed": seed, "noise_scale": scale, "frames": len(images), **about}
        facts |= {"images_seen": generator.images_seen, "formats": formats}
        write_json(staging / "walk.json", facts)
    drawn_images.prune(workspace.run(job.subject), "walks")
    return facts


def there_and_back(path: Path, format: str, images: np.ndarray) -> None:
    """images uint8 [N, S, S, C]; the film holds at the far end, and its loop closes at the near one."""
    from gan_core.generation.sampling import picture_of

    scale = max(1, WALK_PX // images.shape[1])
    order = [*range(len(images)), *range(len(images) - 2, -1, -1)]

    def draw(number: int) -> Image.Image:
        picture = picture_of(images[order[number]]).convert("RGB")
        return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)

    animation.write(path, format, draw, len(order), frame_ms=FRAME_MS, last_ms=LAST_MS)


def notes_for(generator: Sampling, seed: int, noise_scale: float) -> Notes:
    return notes_of(
        generator.run.id,
        generator.info.name,
        generator.config,
        generator.images_seen,
        seed=seed,
        noise_scale=noise_scale,
    )


def stop_or_say(watch: queue.Watch, progress: Reporter, share: float, what: str) -> None:
    if watch():
        raise Stopped
    progress(share, what)
