"""The job `walk`: the images between two generated images, as a strip and as animations."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_core.generation import animation
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter, stop_or_report
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests import WalkRequest
from gan_core.storage import drawn_images
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json

WALK_PX = 320  # a frame is magnified by a whole number to about this
FRAME_MS, LAST_MS = 90, 600


def walk(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Write runs/<id>/walks/<job>/: a strip of some frames, and all of them there and back as animations."""
    from gan_core.generation import latent_walk, sampling

    request, progress = WalkRequest.from_payload(job.payload), Reporter(store, job)
    progress(0.0, "Loading the generator")
    generator = RunSampler(store.run(job.subject), workspace, request.at)
    ends, seed, truncation = [request.start, request.end], request.seed, request.truncation
    labels = [generator.label_of(end.class_name) for end in ends]
    source = [labels[0] if request.same_noise else label for label in labels]
    codes = [
        sampling.noise(generator.config.z_dim, 1, seed=seed + label, start=end.number)[0] * np.float32(truncation)
        for label, end in zip(source, ends, strict=True)
    ]
    images = latent_walk.walk(
        generator.G, (codes[0], codes[1]), (labels[0], labels[1]), request.frames, size=generator.info.size
    )
    about = {key: value for key, value in request.payload().items() if key in ("from", "to", "same_noise")}
    notes = generator.notes(seed, truncation) | {"class": f"{ends[0].class_name} to {ends[1].class_name}"} | about
    parent = workspace.run(job.subject) / "walks"
    parent.mkdir(exist_ok=True)
    with workspace.staging(parent / job.id) as staging:
        some = animation.choose(len(images), drawn_images.STRIP)
        strip = sampling.grid(images[some], [""], len(some))
        sampling.save_png(staging / "strip.png", strip, notes)
        formats = [format for format in animation.FORMATS if animation.can_write(format)]
        for at, format in enumerate(formats):
            stop_or_report(watch, progress, 0.3 + 0.7 * at / len(formats), f"Writing {animation.FORMATS[format]}")
            there_and_back(staging / f"walk.{format}", format, images)
        facts = {"job": job.id, "seed": seed, "noise_scale": truncation, "frames": len(images), **about}
        facts |= {"images_seen": generator.images_seen, "formats": formats}
        write_json(staging / "walk.json", facts)
    drawn_images.prune(workspace.run(job.subject), "walks")
    return facts


def there_and_back(path: Path, format: str, images: np.ndarray) -> None:
    """images uint8 [N, S, S, C]; the animation ends where it starts, so it loops."""
    from gan_core.generation.sampling import picture_of

    scale = max(1, WALK_PX // images.shape[1])
    order = [*range(len(images)), *range(len(images) - 2, -1, -1)]

    def draw(number: int) -> Image.Image:
        picture = picture_of(images[order[number]]).convert("RGB")
        return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)

    animation.write(path, format, draw, len(order), frame_ms=FRAME_MS, last_ms=LAST_MS)
