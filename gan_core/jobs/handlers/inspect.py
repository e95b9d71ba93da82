"""A dataset looked at closely, and made again without what was found: the jobs `inspect` and `curate`."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.data.dataset import read_info
from gan_core.dataset_health import describe, findings, image_stats
from gan_core.jobs import queue
from gan_core.jobs.handlers.evaluate import Stages
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.evaluation_inputs import feature_cache, splits
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, atomic_write

MOST_COMPARED = 20_000  # pictures that are compared with each other: time grows with their square
READING, LOOKING, COMPARING, AVERAGING = (
    "Reading the pictures",
    "Looking at the pictures with EfficientNet-Lite0",
    "Comparing the pictures",
    "Averaging the classes",
)


def inspect(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Findings about a dataset into its health.json, and the mean picture of each class into means.npy."""
    from gan_core.evaluation.features.extractors import load_efficientnet_lite0
    from gan_core.training.device import choose

    folder, seed = workspace.dataset(job.subject), job.payload["seed"]
    info = read_info(folder)
    train, test = splits(folder)
    stages = Stages(Reporter(store, job), watch, {READING: 1, LOOKING: 6, COMPARING: 3, AVERAGING: 1})
    facts = image_stats.gather(folder, train, test, stages(READING))
    extractor, device = load_efficientnet_lite0(), choose("auto").type
    sample = image_stats.even_sample(facts.labels, MOST_COMPARED, seed)
    features = looked_at(
        feature_cache(workspace), extractor, facts, sample, (train, test), device, stages(LOOKING), watch
    )
    found = describe.of_pixels(facts, info)
    found += compared(facts, sample, train.images, test.images, features, info, stages(COMPARING), watch)
    found += [one for one in describe.of_info(info) if one.kind not in {other.kind for other in found}]
    stages(AVERAGING)(0.0)
    means = image_stats.class_means(train, watch)
    atomic_write(folder / "means.npy", lambda file: np.save(file, means, allow_pickle=False))
    health = findings.Health(len(sample), len(facts.labels), findings.in_order(found))
    findings.write(folder, health, seed, extractor.name)
    return {
        "dataset": job.subject,
        "looked_at": health.looked_at,
        "of": health.of,
        "findings": [
            {"kind": one.kind, "level": one.level, "count": one.total, "title": one.title, "effect": one.effect}
            for one in health.findings
        ],
    }


def looked_at(
    cache, extractor, facts: image_stats.Facts, sample: np.ndarray, sets, device: str, tell, watch
) -> np.ndarray:
    """float32 [len(sample), D] of length 1: features of these rows of `facts`; sets: the training and the test pictures."""
    from gan_core.dataset_health.detectors import of_length_one

    parts: list[np.ndarray] = []
    for each, held_out in zip(sets, (False, True), strict=True):
        rows = facts.rows[sample[facts.held_out[sample] == held_out]]
        if len(rows):
            before, share = 1 - len(rows) / len(sample) if held_out else 0.0, len(rows) / len(sample)
            progress = partial(within, tell, before, share)
            parts.append(np.asarray(cache.get(extractor, each.images, rows, device, progress, watch).features))
    return of_length_one(np.concatenate(parts))


def within(tell, before: float, share: float, done: float, message: str) -> None:
    tell(before + share * done)


def compared(
    facts: image_stats.Facts,
    sample: np.ndarray,
    train_images: np.ndarray,
    test_images: np.ndarray,
    features: np.ndarray,
    info,
    tell,
    watch: queue.Watch,
) -> list[findings.Finding]:
    """What pictures say beside each other. sample: the rows of `facts` that features [len(sample), D] are of, ascending."""
    from gan_core.dataset_health import detectors

    labels, held_out = facts.labels[sample], facts.held_out[sample]
    tell(0.0)
    pixels = np.concatenate(
        [
            detectors.thumbnails(images, facts.rows[sample[held_out == test]])
            for images, test in ((train_images, False), (test_images, True))
        ]
    )
    views = detectors.Views(pixels, features, labels, facts.flat[sample])
    tell(0.1)
    near = detectors.within_class(features, labels, watch)
    tell(0.3)
    pairs = detectors.near_copies(views, near, watch)
    tell(0.7)
    misplaced, seems = detectors.suspects(features, labels, watch)
    tell(1.0)
    alike = labels[pairs.rows[:, 0]] == labels[pairs.rows[:, 1]]
    # A mirrored picture is a copy within a class, and may be another class: left and right.
    same, across = pairs.where(alike), pairs.where(~alike & ~pairs.mirrored)
    keep = detectors.keep_one(same, held_out)
    in_both = held_out[same.rows].sum(axis=1) == 1
    of = lambda one: (sample[one.rows], one.mirrored)
    coverage = [f"{len(sample):,} of {len(facts.labels):,} pictures compared"] * (len(sample) < len(facts.labels))
    found = []
    if len(keep.leaked):
        stays = sample[[keep.stays[row] for row in keep.leaked.tolist()]]
        found.append(describe.leaks(facts, info, sample[keep.leaked], stays, *of(same.where(in_both))))
    if len(keep.repeated):
        stays = sample[[keep.stays[row] for row in keep.repeated.tolist()]]
        named = np.isin(same.rows, keep.repeated).any(axis=1) & ~in_both
        found.append(describe.near_duplicates(facts, info, sample[keep.repeated], stays, *of(same.where(named))))
    torn, mirrored = with_same_bytes(image_stats.same_bytes(facts), *of(across))
    if len(torn):
        found.append(describe.conflicts(facts, info, torn, mirrored))
    found = [describe.covering(one, coverage + [f"the {len(pairs.rows):,} nearest pairs"] * pairs.cut) for one in found]
    if len(misplaced):
        found.append(describe.covering(describe.suspects(facts, info, sample[misplaced], seems), coverage))
    if len(far := detectors.outliers(near, labels)):
        found.append(describe.covering(describe.outliers(facts, info, sample[far]), coverage))
    return found


def with_same_bytes(same: np.ndarray, pairs: np.ndarray, mirrored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs [P, 2] behind those of the same bytes, each once."""
    known = {(int(a), int(b)) for a, b in same}
    new = np.array([(int(a), int(b)) not in known for a, b in pairs], bool)
    return np.concatenate([same, pairs[new]]), np.concatenate([np.zeros(len(same), bool), mirrored[new]])


def curate(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """A dataset -> another one, without some of its pictures or with its objects on a flat background, by way of staging."""
    from PIL import ImageColor

    from gan_core.dataset_health.curate import curate as make

    wanted = job.payload
    parent: Path = workspace.dataset(wanted["parent"])
    colour = wanted["background"]
    with workspace.staging(workspace.dataset(job.subject)) as folder:
        info = make(
            parent,
            folder,
            left_out={kind: [(split, row) for split, row in rows] for kind, rows in wanted["left_out"].items()},
            background=ImageColor.getrgb(colour)[:3] if colour else None,  # type: ignore[arg-type]
            keep_without_object=wanted["keep_without_object"],
            name=wanted["name"],
            source={
                **{key: value for key, value in read_info(parent).source.items() if key == "test_split"},
                "kind": "curated",
                "parent": wanted["parent"],
                "name": read_info(parent).name,
                "excluded": {kind: len(rows) for kind, rows in wanted["left_out"].items()},
                "background": colour or read_info(parent).source.get("background", "white"),
                "cut_out": bool(colour),
            },
            on_progress=Reporter(store, job),
            should_stop=watch,
        )
    store.add_dataset(job.subject, info.name)
    totals = [a + b for a, b in zip(info.train_counts, info.test_counts, strict=True)]
    return {
        "dataset": job.subject,
        "parent": wanted["parent"],
        "images": sum(totals),
        "classes": dict(zip(info.classes, totals, strict=True)),
        "notices": info.notices,
    }
