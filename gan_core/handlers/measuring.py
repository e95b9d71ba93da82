"""The job `evaluate`."""

from typing import Any

from gan_core import jobs
from gan_core.data import dataset as dataset_folder
from gan_core.errors import Stopped, UserError
from gan_core.handlers.reporter import Reporter
from gan_core.handlers.sampling import Sampling
from gan_core.store import Job, Store
from gan_core.workspace import Workspace, write_json


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
