"""The job `inspect`: check the images of a dataset for faults."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gan_core.data.dataset import ImageSet, read_info
from gan_core.dataset_health import describe, findings, image_stats
from gan_core.dataset_health.image_stats import ImageStats
from gan_core.evaluation.inputs import Progress
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.evaluation_inputs import feature_cache, splits
from gan_core.jobs.shared.stages import Stages
from gan_core.requests import InspectRequest
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, atomic_write

if TYPE_CHECKING:
    from gan_core.evaluation.features.cache import FeatureCache
    from gan_core.evaluation.features.extractors import Extractor

MOST_COMPARED = 20_000  # images that are compared with each other: time grows with their square
READING, LOOKING, COMPARING, AVERAGING = (
    "Reading the images",
    "Computing the features of the images",
    "Comparing the images",
    "Averaging the classes",
)


class Sample(NamedTuple):
    """The images that are compared: rows of stats, ascending, of the images of the splits in `sets`."""

    stats: ImageStats
    rows: np.ndarray
    sets: Sequence[ImageSet]

    @property
    def splits(self) -> np.ndarray:
        return self.stats.splits[self.rows]

    def by_split(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(images, rows in them) of each split."""
        return [(each.images, self.stats.rows[self.rows[self.splits == split]]) for split, each in enumerate(self.sets)]


def inspect(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Findings about a dataset into its health.json, and the mean image of each class into means.npy."""
    from gan_core.evaluation.features.extractors import load_efficientnet_lite0
    from gan_core.training.device import choose

    folder, seed = workspace.dataset(job.subject), InspectRequest.from_payload(job.payload).seed
    sets, info = splits(folder), read_info(folder)
    weights = {READING: 1, LOOKING: 6, COMPARING: 3, AVERAGING: 1}
    stages = Stages(Progress(Reporter(store, job), watch), weights)
    stats = image_stats.gather(folder, sets, stages(READING))
    sample = Sample(stats, image_stats.even_sample(stats.labels, MOST_COMPARED, seed), sets)
    extractor = load_efficientnet_lite0()
    features = features_of(sample, feature_cache(workspace), extractor, choose("auto").type, stages(LOOKING))
    found = describe.of_pixels(stats, info) + compared(sample, features, stages(COMPARING))
    found += [one for one in describe.of_info(info) if one.kind not in {other.kind for other in found}]
    stages(AVERAGING)(0.0)
    means = image_stats.class_means(sets[0], watch)
    atomic_write(folder / "means.npy", lambda file: np.save(file, means, allow_pickle=False))
    health = findings.Health(len(sample.rows), len(stats.labels), findings.in_order(found))
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


def features_of(
    sample: Sample, cache: "FeatureCache", extractor: "Extractor", device: str, progress: Progress
) -> np.ndarray:
    """float32 [len(sample.rows), D] of length 1."""
    from gan_core.dataset_health.duplicates_and_outliers import of_length_one

    parts, done = [], 0
    for images, rows in sample.by_split():
        if len(rows):
            part = progress.part(done / len(sample.rows), (done + len(rows)) / len(sample.rows))
            parts.append(np.asarray(cache.get(extractor, images, rows, device, part, part.should_stop).features))
            done += len(rows)
    return of_length_one(np.concatenate(parts))


def compared(sample: Sample, features: np.ndarray, progress: Progress) -> list[findings.Finding]:
    """Findings from comparing the images with each other. features [len(sample.rows), D]."""
    from gan_core.dataset_health import duplicates_and_outliers

    stats, rows, watch = sample.stats, sample.rows, progress.should_stop
    labels = stats.labels[rows]
    progress(0.0)
    pixels = np.concatenate(
        [duplicates_and_outliers.thumbnails(images, split_rows) for images, split_rows in sample.by_split()]
    )
    views = duplicates_and_outliers.Views(pixels, features, labels, stats.flat[rows])
    progress(0.1)
    near = duplicates_and_outliers.within_class(features, labels, watch)
    progress(0.3)
    pairs = duplicates_and_outliers.near_duplicates(views, near, watch)
    progress(0.7)
    misplaced, seems = duplicates_and_outliers.suspects(features, labels, watch)
    progress(1.0)
    scope = [f"{len(rows):,} of {len(stats.labels):,} images compared"] * (len(rows) < len(stats.labels))
    nearest = [f"the {len(pairs.rows):,} nearest pairs"] * pairs.cut
    found = [describe.covering(one, scope + nearest) for one in duplicates(sample, pairs)]
    if len(misplaced):
        found.append(describe.covering(describe.suspects(stats, rows[misplaced], seems), scope))
    if len(far := duplicates_and_outliers.outliers(near, labels)):
        found.append(describe.covering(describe.outliers(stats, rows[far]), scope))
    return found


def duplicates(sample: Sample, pairs: Any) -> list[findings.Finding]:
    """Near duplicates within a class, in two splits, and in two classes. pairs: Pairs of rows of the sample."""
    from gan_core.dataset_health import duplicates_and_outliers

    stats, rows, in_split = sample.stats, sample.rows, sample.splits
    labels = stats.labels[rows]
    alike = labels[pairs.rows[:, 0]] == labels[pairs.rows[:, 1]]
    # A mirrored image is a duplicate within a class, and may be another class: left and right.
    same, across = pairs.where(alike), pairs.where(~alike & ~pairs.mirrored)
    keep = duplicates_and_outliers.keep_one(same, in_split)
    in_two = in_split[same.rows[:, 0]] != in_split[same.rows[:, 1]]
    found = []
    if len(keep.leaked):
        stays, leaked = rows[[keep.stays[row] for row in keep.leaked.tolist()]], same.where(in_two)
        found.append(describe.leaks(stats, rows[keep.leaked], stays, rows[leaked.rows], leaked.mirrored))
    if len(keep.repeated):
        stays = rows[[keep.stays[row] for row in keep.repeated.tolist()]]
        named = same.where(np.isin(same.rows, keep.repeated).any(axis=1) & ~in_two)
        found.append(describe.near_duplicates(stats, rows[keep.repeated], stays, rows[named.rows], named.mirrored))
    torn, mirrored = with_same_bytes(image_stats.same_bytes(stats), rows[across.rows], across.mirrored)
    if len(torn):
        found.append(describe.conflicts(stats, torn, mirrored))
    return found


def with_same_bytes(same: np.ndarray, pairs: np.ndarray, mirrored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs [P, 2] behind those of the same bytes, each once."""
    known = {(int(a), int(b)) for a, b in same}
    new = np.array([(int(a), int(b)) not in known for a, b in pairs], bool)
    return np.concatenate([same, pairs[new]]), np.concatenate([np.zeros(len(same), bool), mirrored[new]])
