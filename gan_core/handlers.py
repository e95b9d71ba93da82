"""One function per job kind: the only place that holds both a store and a network.

handler(store, workspace, job, watch) -> result as plain JSON values. Rooms are imported inside, because an import of
pictures should not wait for torch. A handler raises UserError for what the user can mend, Stopped where it was asked to stop.
"""

import contextlib
import hashlib
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gan_core import jobs, runfolder
from gan_core.config import build
from gan_core.data import dataset as dataset_folder
from gan_core.errors import Stopped, UserError
from gan_core.store import Job, Run, Store
from gan_core.workspace import Workspace, write_json

REPORT_SECONDS = 0.5  # how often progress goes into the index
PROBE_SECONDS = 3.0


class Reporter:
    """on_progress(fraction, message) that reaches the index at most every REPORT_SECONDS."""

    def __init__(self, store: Store, job: Job):
        self.store, self.job, self.next_at = store, job, 0.0

    def __call__(self, fraction: float, message: str) -> None:
        if time.monotonic() >= self.next_at:
            with contextlib.suppress(sqlite3.OperationalError):  # a locked index must not end an hour of training
                jobs.report(self.store, self.job, fraction, message)
            self.next_at = time.monotonic() + REPORT_SECONDS


def import_(store: Store, workspace: Workspace, job: Job, watch: jobs.Watch) -> dict[str, Any]:
    """Zip, folder or ready set -> dataset folder, by way of staging: it appears whole or not at all."""
    from gan_core.data.importer import import_dataset

    wanted = dict(job.payload)
    source, upload = wanted.pop("source"), None
    if source.startswith("upload:"):
        upload = workspace.upload(source[7:])
        source = str(upload / "upload.zip")
    try:
        with workspace.staging(workspace.dataset(job.subject)) as folder:
            info = import_dataset(
                source,
                folder,
                cache=workspace.root / "cache",
                on_progress=Reporter(store, job),
                should_stop=watch,
                **wanted,
            )
    finally:
        if upload is not None:
            shutil.rmtree(upload, ignore_errors=True)
    store.add_dataset(job.subject, info.name)
    totals = [a + b for a, b in zip(info.train_counts, info.test_counts, strict=True)]
    return {
        "dataset": job.subject,
        "images": sum(totals),
        "classes": dict(zip(info.classes, totals, strict=True)),
        "rejected": info.rejected,
        "notices": info.notices,
    }


def train(store: Store, workspace: Workspace, job: Job, watch: jobs.Watch) -> dict[str, Any]:
    """Train a run from its newest checkpoint, or from the start."""
    from gan_core.config import check
    from gan_core.training import loop

    run, folder = store.run(job.subject), workspace.run(job.subject)
    config = build(run.config)
    info = dataset_folder.read_info(workspace.dataset(run.dataset_id))
    check(config, size=info.size, train_counts=dict(zip(info.classes, info.train_counts, strict=True)))
    data = dataset_folder.load(workspace.dataset(run.dataset_id), "train")
    report = Reporter(store, job)

    def log(text: str) -> None:
        with open(folder / "log.txt", "a") as file:
            file.write(f"{time.strftime('%F %T')}  {text}\n")

    def on_tick(status: dict[str, Any]) -> None:
        report(status["progress"], f"epoch {status['epoch']:.1f}")

    try:
        status = loop.train(config, data.images, data.labels, data.classes, folder, on_tick, watch, log)
    except Exception as error:
        log(f"failed: {error}")
        raise
    return {
        "run": run.id,
        **{
            key: status[key]
            for key in ("images_seen", "images_total", "images_per_second", "elapsed_seconds", "memory_bytes", "device")
        },
    }


def probe(store: Store, workspace: Workspace, job: Job, watch: jobs.Watch) -> dict[str, Any]:
    """A few seconds of real steps with these settings on this dataset: speed, memory, size of a checkpoint."""
    from gan_core.training import loop

    config, folder = build(job.payload["config"]), workspace.dataset(job.subject)
    return loop.probe(config, dataset_folder.load(folder, "train"), PROBE_SECONDS, watch)


class Sampling:
    """The averaged generator of a run's newest checkpoint, with the facts of its dataset."""

    def __init__(self, run: Run, workspace: Workspace):
        from gan_core import sampling
        from gan_core.training import checkpoint, device

        self.run, self.config = run, build(run.config)
        self.info = dataset_folder.read_info(workspace.dataset(run.dataset_id))
        weights, self.images_seen, self.sha256 = checkpoint.generator_weights(workspace.run(run.id) / "checkpoints")
        self.device = device.choose("auto" if self.config.device == "auto" else self.config.device)
        device.prepare(self.device)
        self.G = sampling.load_generator(
            self.config,
            weights,
            size=self.info.size,
            channels=1 if self.info.mode == "L" else 3,
            num_classes=len(self.info.classes) if self.config.conditional else 1,
            device=self.device,
        )

    def draw(self, labels, *, seed: int, start: int = 0, truncation: float = 1.0):
        """uint8 [N, S, S, C] for int64 labels [N] (a list or an array); a run that ignored labels is asked for class 0."""
        import torch

        from gan_core import sampling

        y = torch.as_tensor(labels, dtype=torch.int64)
        return sampling.draw(
            self.G,
            y if self.config.conditional else torch.zeros_like(y),
            z_dim=self.config.z_dim,
            size=self.info.size,
            seed=seed,
            start=start,
            truncation=truncation,
        )

    def write(self, out: Path, per_class: int, only: str | None, seed: int, truncation: float) -> int:
        """PNG files out/<class>/<number>.png; returns how many. Raises UserError for an unknown class."""
        from PIL import Image

        from gan_core.export.names import folder_names

        classes = self.info.classes if self.config.conditional else ["all"]
        if only is not None and only not in classes:
            raise UserError(
                "unknown_class", f"There is no class {only!r} in this run.", f"Choose one of {', '.join(classes[:20])}."
            )
        written = 0
        for label, (name, folder) in enumerate(zip(classes, folder_names(classes), strict=True)):
            if only not in (None, name):
                continue
            (out / folder).mkdir(parents=True, exist_ok=True)
            for start in range(0, per_class, 250):
                count = min(250, per_class - start)
                for i, image in enumerate(
                    self.draw([label] * count, seed=seed + label, start=start, truncation=truncation)
                ):
                    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(
                        out / folder / f"{start + i:06d}.png"
                    )
                    written += 1
        return written


def evaluate(store: Store, workspace: Workspace, job: Job, watch: jobs.Watch) -> dict[str, Any]:
    """Scores of a run's newest checkpoint against its dataset, into evaluations/ and the index."""
    import numpy as np

    from gan_core.metrics import extractors, report

    wanted, progress = job.payload, Reporter(store, job)
    generator = Sampling(store.run(job.subject), workspace)
    folder = workspace.dataset(generator.run.dataset_id)
    train_set, test_set = (dataset_folder.load(folder, split) for split in ("train", "test"))
    real = train_set if wanted["against"] == "train" else test_set
    if len(real.images) < 2:
        raise UserError(
            "too_few_images", f"The {wanted['against']} split has fewer than 2 images.", "Compare with the other split."
        )
    rng = np.random.default_rng(wanted["seed"])
    extractor = extractors.choose(wanted["extractor"], workspace.root / "weights", wanted["weights"] or None)
    # Labels with the class shares of the reals, so that a difference in shares is not a difference in pictures.
    labels = rng.choice(np.asarray(real.labels), min(wanted["samples"], len(real.images)))
    fakes = np.empty((len(labels), *real.images.shape[1:]), np.uint8)
    for start in range(0, len(labels), 250):
        fakes[start : start + 250] = generator.draw(labels[start : start + 250], seed=wanted["seed"], start=start)
        progress(0.1 * start / len(labels), f"Drawing samples: {start:,} of {len(labels):,}")
        if watch():
            raise Stopped
    held_out = test_set.images if wanted["against"] == "train" and len(test_set.images) >= 2 else None
    result = report.scores(
        extractor,
        real.images,
        fakes,
        held_out,
        wanted["seed"],
        on_progress=lambda fraction, text: progress(0.1 + 0.9 * fraction, text),
        should_stop=watch,
        device=generator.device.type,
    )
    result |= {
        "run": generator.run.id,
        "images_seen": generator.images_seen,
        "checkpoint": generator.sha256[:12],
        "against": wanted["against"],
        "ema": generator.config.ema_images > 0,
    }
    (workspace.run(generator.run.id) / "evaluations").mkdir(exist_ok=True)
    write_json(workspace.run(generator.run.id) / "evaluations" / f"{job.id}.json", result)
    return result


def timelapse(store: Store, workspace: Workspace, job: Job, watch: jobs.Watch) -> dict[str, Any]:
    """Every grid of a run as one animated picture."""
    from gan_core import sampling

    folder = workspace.run(job.subject)
    rows = runfolder.read_samples(folder)
    frames = [
        (folder / "samples" / row["file"], f"epoch {row['epoch']:.1f}, {row['images_seen']:,} images") for row in rows
    ]
    if not frames:
        raise UserError("no_grids", "This run has no sample grids yet.", "Wait for its first epoch.")
    sampling.timelapse(frames, folder / "timelapse.webp", Reporter(store, job), watch)
    return {"file": "timelapse.webp", "frames": len(frames)}


def export(store: Store, workspace: Workspace, job: Job, watch: jobs.Watch) -> dict[str, Any]:
    """The balanced zip, by way of staging."""
    from gan_core.export import archive, plan
    from gan_core.export.names import plain_folder

    wanted = job.payload
    generator = Sampling(store.run(wanted["run"]), workspace)
    info, folder = generator.info, workspace.dataset(generator.run.dataset_id)
    train_set, test_set = (dataset_folder.load(folder, split) for split in ("train", "test"))
    counts = dict(zip(info.classes, info.train_counts, strict=True))
    rows = plan.deficits(counts, wanted["balance"], wanted["originals"])
    name = f"{plain_folder(info.name)}-balanced.zip"
    with workspace.staging(workspace.export(job.subject)) as staging:
        summary = archive.write_zip(
            staging / name,
            train=train_set,
            test=test_set,
            plan=rows,
            run_id=generator.run.id,
            seed=wanted["seed"],
            make_fakes=lambda label, count, start: generator.draw(
                [label] * count, seed=wanted["seed"] + label, start=start
            ),
            checkpoint_sha256=generator.sha256,
            dataset_name=info.name,
            recipe=generator.config.recipe,
            originals=wanted["originals"],
            on_progress=Reporter(store, job),
            should_stop=watch,
        )
        with open(staging / name, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        result = {
            **summary,
            "run": generator.run.id,
            "name": info.name,
            "file": name,
            "bytes": (staging / name).stat().st_size,
            "sha256": sha256,
            "per_class": {
                row["name"]: {"real": row["real"], "synthetic": row["synthetic"]} for row in summary["classes"]
            },
        }
        write_json(staging / "export.json", result)
    return result


HANDLERS: dict[str, Callable[[Store, Workspace, Job, jobs.Watch], dict[str, Any]]] = {
    "import": import_,
    "train": train,
    "probe": probe,
    "evaluate": evaluate,
    "timelapse": timelapse,
    "export": export,
}
