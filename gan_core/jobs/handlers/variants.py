"""Real training images of a class, fused with noise: the job `variants`, and files for the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.run_sampler import Sampling
from gan_core.requests import VariantsRequest
from gan_core.settings.families import inner_size
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace

MOST_REALS = 64  # of a class that are encoded; more images are further variants of them
SHEET_ROWS, SHEET_VARIANTS = 8, 6  # with the real image and what the generator can draw of it: a row of 8


class Fusion:
    """Some training images of a class (all classes as one, where the run ignored labels), encoded."""

    def __init__(
        self,
        generator: Sampling,
        workspace: Workspace,
        label: int,
        most: int,
        seed: int,
        on_progress: Callable[[float, str], None] = lambda fraction, message: None,
        should_stop: Callable[[], bool] = lambda: False,
    ):
        from gan_core.generation import inversion

        self.generator, self.seed = generator, seed
        self.label = label if generator.config.conditional else 0
        data = dataset_folder.load(workspace.dataset(generator.run.dataset_id), "train")
        members = np.flatnonzero(data.labels == label) if generator.config.conditional else np.arange(len(data.labels))
        if not len(members):
            raise UserError("empty_class", "This class has no training images.", "Choose another class.")
        chosen = np.random.default_rng([seed, label]).permutation(members)[:most]
        self.reals = np.array(data.images[np.sort(chosen)])
        self.encoded = inversion.encode(
            generator.G,
            self.reals,
            np.full(len(self.reals), self.label),
            z_dim=generator.config.z_dim,
            inner=inner_size(generator.config.family, generator.info.size),
            seed=seed,
            on_progress=on_progress,
            should_stop=should_stop,
        )

    def draw(self, of: np.ndarray, strength: float, start: int = 0) -> np.ndarray:
        """uint8 [N, S, S, C]: a variant of each real image that `of` [N] names by its number, or itself at strength 0."""
        from gan_core.generation import inversion

        z = inversion.stir(self.encoded.z[of], strength, self.seed, start)
        return inversion.decode(self.generator.G, z, np.full(len(of), self.label), self.generator.info.size)

    def facts(self) -> dict[str, Any]:
        return {
            "images": len(self.reals),
            "error": float(self.encoded.error.mean()),
            "error_at_random": self.encoded.error_at_random,
        }


def variants(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """A sheet runs/<id>/fusions/<job>.png, a row for each real image: it, what the generator can draw of it, variants."""
    from gan_core.generation import sampling

    request = VariantsRequest.from_payload(job.payload)
    generator = Sampling(store.run(job.subject), workspace)
    label = generator.label_of(request.class_name)
    fusion = Fusion(generator, workspace, label, SHEET_ROWS, request.seed, Reporter(store, job), watch)
    number = np.arange(len(fusion.reals))
    drawn, columns = fusion.draw(number, 0.0), []
    for column in range(SHEET_VARIANTS):
        columns.append(fusion.draw(number, request.strength, start=column * SHEET_ROWS))
    rows = np.stack([fusion.reals, drawn, *columns], 1)  # [N, 8, S, S, C]
    folder = workspace.run(job.subject) / "fusions"
    folder.mkdir(exist_ok=True)
    sampling.save_png(folder / f"{job.id}.png", sampling.grid(rows.reshape(-1, *rows.shape[2:]), [""]))
    return {**fusion.facts(), "file": f"{job.id}.png", "class": request.class_name, "strength": request.strength}


def write(
    generator: Sampling, workspace: Workspace, out: Path, per_class: int, only: str | None, seed: int, strength: float
) -> dict[str, Any]:
    """PNG files out/<class>/<number>.png, variants of real images in turn; returns {"files", "classes": {name: facts}}."""
    from gan_core.export.safe_names import folder_names
    from gan_core.generation.png_metadata import notes_of, png_info
    from gan_core.generation.sampling import picture_of

    names = generator.classes
    wanted = range(len(names)) if only is None else [generator.label_of(only)]
    written: dict[str, Any] = {"files": 0, "classes": {}}
    facts = notes_of(
        generator.run.id, generator.info.name, generator.config, generator.images_seen, seed=seed, noise_scale=1.0
    ) | {"variants_of_real_images": strength}
    for label in wanted:
        if generator.config.conditional and not generator.info.train_counts[label]:
            continue
        fusion = Fusion(generator, workspace, label, min(per_class, MOST_REALS), seed)
        folder = out / folder_names(names)[label]
        folder.mkdir(parents=True, exist_ok=True)
        for start in range(0, per_class, 250):
            numbers = np.arange(start, min(start + 250, per_class))
            for number, image in zip(numbers, fusion.draw(numbers % len(fusion.reals), strength, start), strict=True):
                notes = png_info(facts | {"class": names[label], "number": int(number)})
                picture_of(image).save(folder / f"{number:06d}.png", pnginfo=notes)
        written["files"] += per_class
        written["classes"][names[label]] = fusion.facts()
    return written
