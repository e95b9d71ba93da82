"""The job `evaluate`: the scores of a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gan_core import tracking
from gan_core.data import dataset as dataset_folder
from gan_core.data.ready_sets import known_modes
from gan_core.errors import Stopped, UserError
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter, run_log
from gan_core.jobs.shared.evaluation_inputs import check_disk, choose_networks, feature_cache, splits
from gan_core.jobs.shared.run_sampler import Sampling
from gan_core.requests import EvaluateRequest
from gan_core.settings.families import can_be_guided
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json

KEPT_IMAGES, KEPT_BYTES = 2000, 64 << 20  # of the first draw, for the page to open
DRAW_STRIDE = 1_000_003  # between the seeds of two draws, so that the draws of two measurements do not overlap
BATCH = 250


class Stages:
    """One progress bar over stages of known weight: with each stage a function of its own share, 0 to 1, that raises Stopped."""

    def __init__(
        self, progress: Callable[[float, str], None], should_stop: Callable[[], bool], weights: dict[str, float]
    ):
        self.progress, self.should_stop, self.weights = progress, should_stop, weights
        self.total, self.done = sum(weights.values()), 0.0

    def __call__(self, name: str) -> Callable[..., None]:
        before, weight = self.done, self.weights[name]
        self.done += weight

        def send(share: float, *_) -> None:
            self.progress((before + share * weight) / self.total, name)
            if self.should_stop():
                raise Stopped

        return tell


def evaluate(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Everything that can be said of a checkpoint of a run against its dataset, into evaluations/<job>/ and the index."""
    from gan_core.evaluation.caveats import own_eyes

    run = store.run(job.subject)
    request = EvaluateRequest.from_payload(job.payload)
    generator = Sampling(run, workspace, request.at)
    info, folder = generator.info, workspace.run(run.id) / "evaluations"

    def draw(labels: np.ndarray, seed: int, start: int) -> np.ndarray:
        return generator.draw(labels, seed=seed, start=start)

    # A network that D learnt with must not rank the run (recipes.md C2).
    avoid = "efficientnet-lite0" if generator.config.family == "projected" else ""
    folder.mkdir(exist_ok=True)
    with workspace.staging(folder / job.id) as staging:
        result = measure(
            workspace,
            workspace.dataset(run.dataset_id),
            staging,
            draw,
            request.payload() | {"avoid": avoid},
            conditional=generator.config.conditional,
            device=generator.device.type,
            on_progress=Reporter(store, job),
            should_stop=watch,
        )
        result = {
            "schema": 2,
            "run": run.id,
            "images_seen": generator.images_seen,
            "epoch": generator.images_seen / max(1, sum(info.train_counts)),
            "checkpoint": generator.sha256[:12],
            "ema": generator.config.ema_images > 0,
            "truncation": 1.0,
            **result,
        }
        guided = generator.config.guide and can_be_guided(generator.config.family) and len(info.classes) > 1
        result["caveats"] = [
            *result.get("caveats", []),
            *own_eyes(str(result.get("extractor")), generator.config.family, guided),
        ]
        write_json(staging / "result.json", result)
    tracking.log_scores(workspace.run(run.id), run.config, result, run_log(workspace.run(run.id)))
    return result


def measure(
    workspace: Workspace,
    folder: Path,
    out: Path,
    draw: Callable[[np.ndarray, int, int], np.ndarray],
    wanted: dict[str, Any],
    *,
    conditional: bool,
    device: str,
    on_progress: Callable[[float, str], None],
    should_stop: Callable[[], bool],
) -> dict[str, Any]:
    """Images from anywhere against the dataset in `folder`: the scores, and beside them in `out` what a page can open.

    draw(labels int64 [N], seed, start) -> uint8 [N, H, W, C], N at most BATCH: images number start on. wanted: samples,
    draws, extractor, weights, against, seed, perhaps avoid: an extractor that auto is not to take.
    conditional: the images were asked for by label.
    """
    from gan_core.evaluation import mode_counting
    from gan_core.evaluation.examine import examine
    from gan_core.evaluation.scores import all_scores

    info = dataset_folder.read_info(folder)
    train, test = splits(folder)
    real = train if wanted["against"] == "train" else test
    if len(real.images) < 2:
        raise UserError(
            "too_few_images", f"The {wanted['against']} split has fewer than 2 images.", "Compare with the other split."
        )
    cache = feature_cache(workspace)
    n_held_out = len(test.images) if wanted["against"] == "train" else 0
    counts = all_scores.count(len(real.images), min(wanted["samples"], len(real.images)), n_held_out)
    n_real = max(counts.n, 2 * counts.floor)
    check_disk(out, counts.n * int(np.prod(real.images.shape[1:])))
    stages = Stages(
        on_progress,
        should_stop,
        {
            "Training the referee": 3000,
            "Looking at real images": n_real,
            "Looking at held-out images": counts.held_out,
            "Drawing and looking at generated images": 1.3 * wanted["draws"] * counts.n,
            "Computing scores": 0.2 * n_real,
            "Looking for copies and collapse": 1000,
        },
    )
    networks = choose_networks(workspace, folder, wanted, device, stages("Training the referee"), should_stop)
    extractor, refused = networks.extractor, networks.refused

    rng = np.random.default_rng(wanted["seed"])
    rows = rng.permutation(len(real.images))[:n_real]
    held_rows = rng.permutation(len(test.images))[: counts.held_out]
    look = lambda images, some, name: cache.get(extractor, images, some, device, stages(name), should_stop)
    real_features = look(real.images, rows, "Looking at real images")
    held_out = look(test.images, held_rows, "Looking at held-out images") if counts.held_out else None

    tell, number = stages("Drawing and looking at generated images"), 1 if refused else wanted["draws"]
    draws, asked = [], []
    for draw_number in range(number):
        share = lambda at, *_, before=draw_number: tell((before + at) / number)
        # Labels with the class shares of the reals, so that a difference in shares is not a difference in pictures.
        asked.append(rng.choice(np.asarray(real.labels), counts.n))
        path, seed = out / f"draw-{draw_number}.npy", wanted["seed"] + DRAW_STRIDE * draw_number
        images = np.lib.format.open_memmap(path, "w+", np.uint8, (counts.n, *real.images.shape[1:]))
        for start in range(0, counts.n, BATCH):
            images[start : start + BATCH] = draw(asked[-1][start : start + BATCH], seed, start)
            share(0.3 * start / counts.n)
        seen = lambda at, *_, share=share: share(0.3 + 0.7 * at)
        draws.append(cache.get(extractor, images, None, device, seen, should_stop))
        if draw_number:
            path.unlink()
    first = np.load(out / "draw-0.npy", mmap_mode="r", allow_pickle=False)

    if refused:
        name = "inception-v3" if wanted["extractor"] == "auto" else wanted["extractor"]  # auto falls back by itself
        result = all_scores.no_scores(name, refused, counts, wanted["seed"])
    else:
        result = all_scores.scores(
            extractor, real_features, draws, held_out, counts, wanted["seed"], stages("Computing scores"), should_stop
        )
    result |= {
        "against": wanted["against"],
        "size": info.size,
        "mode": info.mode,
        "fit": info.fit,
        "classes": info.classes,
    }
    result["per_class"] = {}
    if refused and conditional:
        result["per_class"] = {
            name: {
                "n_real": int((np.asarray(real.labels)[rows] == label).sum()),
                "n_fake": int((asked[0] == label).sum()),
                "absent": {"kid": refused},
            }
            for label, name in enumerate(real.classes)
        }
    elif conditional or len(real.classes) == 1:
        result["per_class"] = all_scores.class_scores(
            extractor,
            real_features.features,
            np.asarray(real.labels)[rows],
            [one.features for one in draws],
            asked,
            real.classes,
            wanted["seed"],
        )
    else:
        result["absent"]["per_class"] = "These images were drawn without labels, so none has a class."
    kinds = known_modes(folder, info)
    found = examine(
        extractor=extractor,
        judge=networks.judge,
        no_judge=networks.no_judge,
        look=lambda network, images, some: cache.get(network, images, some, device, None, should_stop),
        train_images=train.images,
        train_labels=np.asarray(train.labels),
        test_images=test.images,
        test_labels=np.asarray(test.labels),
        classes=train.classes,
        fakes=first,
        asked=asked[0],
        real_features=real_features.features[: counts.n],
        fake_features=draws[0].features,
        conditional=conditional,
        known=None if kinds is None else mode_counting.KnownModes(kinds.kind, train.images, kinds.train, kinds.names),
        seed=wanted["seed"],
        on_progress=stages("Looking for copies and collapse"),
        should_stop=should_stop,
    )
    result["absent"] |= found.absent
    result |= found.parts
    for name, row in found.per_class.items():
        if name in result["per_class"]:
            result["per_class"][name] |= row
    if found.detector is not None:
        found.detector.save(out / "detector.npz")
    kept = max(1, min(KEPT_IMAGES, counts.n, KEPT_BYTES // int(np.prod(first.shape[1:]))))
    np.save(out / "images.npy", first[:kept])
    samples: dict[str, Any] = {key: value[:kept] for key, value in found.samples.items()}
    np.savez(out / "samples.npz", **samples)
    (out / "draw-0.npy").unlink()
    return result
