"""The job `evaluate`: a checkpoint of a run against its dataset."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gan_core import tracking
from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from gan_core.evaluation.names_and_thresholds import extractor_key
from gan_core.evaluation.results import EvaluationResult
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter, run_log
from gan_core.jobs.shared.evaluation_inputs import (
    AT_ONCE,
    check_disk,
    choose_networks,
    feature_cache,
    known_modes_of,
    learned_from,
    real_images,
    seen_validation_caveat,
)
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.jobs.shared.stages import Stages
from gan_core.requests import EvaluateRequest
from gan_core.settings.families import can_be_guided
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json

if TYPE_CHECKING:
    from gan_core.evaluation.caveats import Counts
    from gan_core.evaluation.features.cache import FeatureReader
    from gan_core.evaluation.features.extractors import Features
    from gan_core.evaluation.networks import Networks

KEPT_IMAGES, KEPT_BYTES = 2000, 64 << 20  # of the first draw, for the page to open
DRAW_STRIDE = 1_000_003  # between the seeds of two draws, so that the draws of two evaluations do not overlap
TRAINING, REALS, HELD_OUT, FAKES, SCORING, DIAGNOSTICS = (
    "Training the dataset classifier",
    "Looking at real images",
    "Looking at held-out images",
    "Drawing images and computing their features",
    "Computing scores",
    "Checking for copies and mode collapse",
)

Draw = Callable[
    [np.ndarray, int, int], np.ndarray
]  # (labels int64 [N], seed, start) -> uint8 [N, H, W, C], N <= AT_ONCE


def evaluate(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Everything that can be said of a checkpoint of a run against its dataset, into evaluations/<job>/ and the index."""
    from gan_core.evaluation.caveats import same_network

    run, request = store.run(job.subject), EvaluateRequest.from_payload(job.payload)
    generator = RunSampler(run, workspace, request.at)
    info, config, folder = generator.info, generator.config, workspace.run(run.id) / "evaluations"

    def draw(labels: np.ndarray, seed: int, start: int) -> np.ndarray:
        return generator.draw(labels, seed=seed, start=start)

    # A network that D learned with must not rank the run.
    avoid = "efficientnet-lite0" if config.family == "projected" else ""
    source = Source(draw, config.conditional, generator.device.type, avoid)
    folder.mkdir(exist_ok=True)
    with workspace.staging(folder / job.id) as staging:
        dataset, progress = workspace.dataset(run.dataset_id), Progress(Reporter(store, job), watch)
        result = evaluate_images(workspace, dataset, staging, source, request, progress)
        guided = config.guide and can_be_guided(config.family) and len(info.classes) > 1
        about = {
            "schema": 2,
            "run": run.id,
            "images_seen": generator.images_seen,
            "epoch": generator.images_seen / max(1, len(learned_from(workspace, run).labels)),
            "checkpoint": generator.sha256[:12],
            "ema": config.ema_images > 0,
            "truncation": 1.0,
            "caveats": result.caveats
            + same_network(result.extractor, config.family, guided)
            + seen_validation_caveat(workspace, run),
        }
        stored = result.to_json() | about
        write_json(staging / "result.json", stored)
    tracking.log_scores(workspace.run(run.id), run.config, stored, run_log(workspace.run(run.id)))
    return stored


class Source(NamedTuple):
    """Where generated images come from. conditional: they are requested by class; device: of the networks that see them.

    avoid: the extractor that the generator learned with, which `auto` does not take; '' for none.
    """

    draw: Draw
    conditional: bool
    device: str
    avoid: str = ""


class Plan(NamedTuple):
    """What is compared with the split `real`. rows: of its images, in random order; held_rows: of the held-out ones, for their
    floor. labels: of the images to draw, for each draw, with the class shares of the real images, so that a difference in shares is
    not a difference in images.
    """

    counts: "Counts"
    real: Labeled
    rows: np.ndarray
    held_rows: np.ndarray
    labels: list[np.ndarray]
    seed: int


class Draws(NamedTuple):
    """Of each draw its features and the requested labels; images: the first draw's, a memory map."""

    features: list["Features"]
    labels: list[np.ndarray]
    images: np.ndarray


def evaluate_images(
    workspace: Workspace, folder: Path, out: Path, source: Source, request: EvaluateRequest, progress: Progress
) -> EvaluationResult:
    """Images from anywhere against the dataset in `folder`; in `out` what a page can open beside the scores.

    Raises UserError, Stopped.
    """
    from gan_core.evaluation.diagnostics import Generated, diagnose
    from gan_core.evaluation.features.cache import FeatureReader

    info, real = dataset_folder.read_info(folder), real_images(folder)
    plan = plan_of(real, request)
    counts = plan.counts
    check_disk(out, counts.n * int(np.prod(plan.real.images.shape[1:])))
    weights = {
        TRAINING: 3000,
        REALS: len(plan.rows),
        HELD_OUT: counts.held_out,
        FAKES: 1.3 * request.draws * counts.n,
        SCORING: 0.2 * len(plan.rows),
        DIAGNOSTICS: 1000,
    }
    stages = Stages(progress, weights)
    networks = choose_networks(workspace, folder, request, source.device, source.avoid, stages(TRAINING))
    read = FeatureReader(feature_cache(workspace), source.device, progress.should_stop)
    real_features = read(networks.extractor, plan.real.images, plan.rows, stages(REALS))
    held_out = read(networks.extractor, real.test.images, plan.held_rows, stages(HELD_OUT)) if counts.held_out else None
    draws = draw_and_look(plan, source, networks, read, out, stages(FAKES))
    result = scores_of(plan, networks, real_features, draws, held_out, request, stages(SCORING))
    result |= {"size": info.size, "mode": info.mode, "fit": info.fit, "classes": info.classes}
    result["per_class"] = per_class(plan, networks, real_features, draws, info.classes, source.conditional)
    if not result["per_class"]:
        result["absent"]["per_class"] = "These images were generated without labels, so none has a class."
    found = diagnose(
        Generated(draws.images, draws.labels[0], source.conditional),
        real,
        networks,
        (real_features.features[: counts.n], draws.features[0].features),
        read,
        known=known_modes_of(folder, real),
        seed=plan.seed,
        progress=stages(DIAGNOSTICS),
    )
    for name, row in found.per_class.items():
        if name in result["per_class"]:
            result["per_class"][name] |= row
    result["absent"] |= found.absent
    if found.detector is not None:
        found.detector.save(out / "detector.npz")
    keep_some(out, draws.images, found.samples)
    return EvaluationResult.read(result | found.parts)


def plan_of(real: RealImages, request: EvaluateRequest) -> Plan:
    """Raises UserError too_few_images where the split compared with has fewer than 2."""
    from gan_core.evaluation.scores import all_scores

    split = real.train if request.against == "train" else real.test
    if len(split.images) < 2:
        raise UserError(
            "too_few_images", f"The {request.against} split has fewer than 2 images.", "Compare with the other split."
        )
    n_held_out = len(real.test.images) if request.against == "train" else 0
    counts = all_scores.count(len(split.images), min(request.samples, len(split.images)), n_held_out)
    rng = np.random.default_rng(request.seed)
    rows = rng.permutation(len(split.images))[: max(counts.n, 2 * counts.floor)]
    held_rows = rng.permutation(len(real.test.images))[: counts.held_out]
    labels = [rng.choice(split.labels, counts.n) for _ in range(request.draws)]
    return Plan(counts, split, rows, held_rows, labels, request.seed)


def draw_and_look(
    plan: Plan,
    source: Source,
    networks: "Networks",
    read: "FeatureReader",
    out: Path,
    progress: Progress,
) -> Draws:
    """Draw the images and extract their features; two draws lie in `out` at a time, the first one stays."""
    labels, n = plan.labels[:1] if networks.refused else plan.labels, plan.counts.n
    number, features = len(labels), []
    for at in range(number):
        step = progress.part(at / number, (at + 1) / number)
        path, seed = out / f"draw-{at}.npy", plan.seed + DRAW_STRIDE * at
        images = np.lib.format.open_memmap(path, "w+", np.uint8, (n, *plan.real.images.shape[1:]))
        for start in range(0, n, AT_ONCE):
            images[start : start + AT_ONCE] = source.draw(labels[at][start : start + AT_ONCE], seed, start)
            step(0.3 * start / n)
        features.append(read(networks.extractor, images, None, step.part(0.3, 1)))
        if at:
            path.unlink()
    return Draws(features, labels, np.load(out / "draw-0.npy", mmap_mode="r", allow_pickle=False))


def scores_of(
    plan: Plan,
    networks: "Networks",
    real: "Features",
    draws: Draws,
    held_out: "Features | None",
    request: EvaluateRequest,
    progress: Progress,
) -> dict[str, Any]:
    """The scores over all classes; with their reason where the requested network is not available."""
    from gan_core.evaluation.scores import all_scores

    if networks.refused:
        name = extractor_key(request.extractor)
        name = "inception-v3" if name == "auto" else name  # auto falls back by itself
        found = all_scores.no_scores(name, networks.refused, plan.counts, plan.seed)
    else:
        found = all_scores.scores(networks.extractor, real, draws.features, held_out, plan.counts, plan.seed, progress)
    return found | {"against": request.against}


def per_class(
    plan: Plan,
    networks: "Networks",
    real: "Features",
    draws: Draws,
    classes: list[str],
    conditional: bool,
) -> dict[str, dict[str, Any]]:
    """The table per class; empty where generated images have no class."""
    from gan_core.evaluation.scores import all_scores

    labels = plan.real.labels[plan.rows]
    if networks.refused and conditional:
        return {
            name: {
                "n_real": int((labels == label).sum()),
                "n_fake": int((draws.labels[0] == label).sum()),
                "absent": {"kid": networks.refused},
            }
            for label, name in enumerate(classes)
        }
    if not conditional and len(classes) > 1:
        return {}
    compared = all_scores.Compared(real.features, labels, [one.features for one in draws.features], draws.labels)
    return all_scores.class_scores(networks.extractor.name, compared, classes, plan.seed)


def keep_some(out: Path, images: np.ndarray, samples: dict[str, np.ndarray]) -> None:
    """images.npy and samples.npz of the first images, in the place of the whole first draw."""
    kept = max(1, min(KEPT_IMAGES, len(images), KEPT_BYTES // int(np.prod(images.shape[1:]))))
    np.save(out / "images.npy", images[:kept])
    arrays: dict[str, Any] = {key: values[:kept] for key, values in samples.items()}
    np.savez(out / "samples.npz", **arrays)
    (out / "draw-0.npy").unlink()
