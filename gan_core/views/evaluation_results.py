"""The stored parts of an evaluation: its images by class and by confusion, its closest pairs, its CSV, its report.

runs/<run>/evaluations/<job>/: result.json · images.npy uint8 [n, H, W, C] · samples.npz (an entry per image) · detector.npz.
Every part may be missing: an evaluation of an earlier version has its scores in the index and no folder at all.
"""

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gan_core.data.dataset_files import images_file
from gan_core.evaluation.lights import in_words, of_evaluation, to_json
from gan_core.evaluation.names_and_thresholds import about_pair
from gan_core.evaluation.result_parts import Memorization
from gan_core.evaluation.results import EvaluationResult, UtilityResult
from gan_core.storage import run_folder
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, read_json
from gan_core.text import csv_cell
from gan_core.views.image_sheet import png, sheet
from gan_core.views.report import html

SAMPLE_KEYS = ("asked", "predicted", "confidence", "nearest", "distance", "flipped")
CONDITIONS = (
    *("run", "images_seen", "epoch", "checkpoint", "ema", "extractor", "weights", "resize", "against", "seed", "draws"),
)  # of a result, on each line of the CSV


class EvaluatedImages(NamedTuple):
    """images uint8 [n, H, W, C], the first draw's; samples: arrays [n] by SAMPLE_KEYS, -1 where not known."""

    images: np.ndarray
    samples: dict[str, np.ndarray]


TrainingSet = tuple[np.ndarray, np.ndarray]  # images uint8 [N, H, W, C] and labels [N]


class Pair(NamedTuple):
    """A generated image beside the training image nearest to it, both uint8 [H, W, C]; mirrored where it matched so."""

    fake: np.ndarray
    real: np.ndarray
    distance: float
    ratio: float | None  # to the median distance of held-out images
    flipped: bool


def read_images(folder: Path) -> EvaluatedImages | None:
    """The images that an evaluation kept, as a memory map; None where it kept none or they cannot be read."""
    try:
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        with np.load(folder / "samples.npz", allow_pickle=False) as file:
            samples = {key: np.asarray(file[key]) for key in SAMPLE_KEYS if key in file.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = (
        images.ndim == 4 and images.dtype == np.uint8 and all(len(value) == len(images) for value in samples.values())
    )
    if not fits or "asked" not in samples:
        return None
    unknown = np.full(len(images), -1)
    return EvaluatedImages(images, {key: samples.get(key, unknown) for key in SAMPLE_KEYS})


def read_training_set(folder: Path, result: EvaluationResult) -> TrainingSet | None:
    """The training images that an evaluation has seen, by the folder of its dataset; None without them.

    A result of the time before an older dataset got its validation split names rows of its older training split.
    """
    seen = result.memorization.n_train if result.memorization else 0
    at = images_file(folder, "train").parent
    try:
        images = np.load(at / "train_images.npy", mmap_mode="r", allow_pickle=False)
        if len(images) < seen:
            at = folder
            images = np.load(at / "train_images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(at / "train_labels.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return (images, labels) if images.ndim == 4 and len(images) == len(labels) else None


def rows_of(kept: EvaluatedImages, requested: int, predicted: int | None = None) -> np.ndarray:
    """Rows [n] of the images requested of one class; predicted: only those in which the dataset classifier sees that class."""
    chosen = kept.samples["asked"] == requested
    if predicted is not None:
        chosen &= kept.samples["predicted"] == predicted
    return np.flatnonzero(chosen)


def spread(rows: np.ndarray, limit: int) -> np.ndarray:
    """At most `limit` of the rows, evenly from all of them."""
    return rows if len(rows) <= limit else rows[np.linspace(0, len(rows) - 1, limit).round().astype(int)]


def closest_pairs(memorization: Memorization | None, kept: EvaluatedImages, train_images: np.ndarray) -> list[Pair]:
    """The images of the closest pairs, the closest first. A pair whose images are missing is left out."""
    pairs = memorization.pairs if memorization else []
    return [
        Pair(
            np.asarray(kept.images[pair.fake]),
            np.asarray(train_images[pair.train])[:, :: -1 if pair.flipped else 1],
            pair.distance,
            pair.ratio,
            pair.flipped,
        )
        for pair in pairs
        if 0 <= pair.fake < len(kept.images) and 0 <= pair.train < len(train_images)
    ]


def closest_of_class(kept: EvaluatedImages, train_images: np.ndarray, requested: int, limit: int) -> list[Pair]:
    """The images of one class with the training image nearest to each, the closest first."""
    rows, nearest, distance = rows_of(kept, requested), kept.samples["nearest"], kept.samples["distance"]
    known = rows[(nearest[rows] >= 0) & (nearest[rows] < len(train_images)) & (distance[rows] >= 0)]
    order = known[np.argsort(distance[known], kind="stable")][:limit]
    mirrored = kept.samples["flipped"] == 1
    return [
        Pair(
            np.asarray(kept.images[row]),
            np.asarray(train_images[nearest[row]])[:, :: -1 if mirrored[row] else 1],
            float(distance[row]),
            None,
            bool(mirrored[row]),
        )
        for row in order
    ]


def pair_sheet(pairs: Sequence[Pair], columns: int) -> Image.Image:
    """Each pair as generated | nearest real, side by side, n at least 1."""
    joined = [np.asarray(sheet([pair.fake, pair.real], 2)) for pair in pairs]
    return sheet(joined, columns, gap=14)


def to_csv(results: Sequence[dict[str, Any]]) -> str:
    """A line for each result and for each of its classes; the column `class` is empty where a line is over all."""
    lines: list[dict[str, Any]] = []
    for result in results:
        about = {key: result.get(key) for key in CONDITIONS}
        keys = EvaluationResult.read(result).score_keys
        whole = {key: result.get(key) for name in keys for key in (name, f"{name}_ci")}
        lines.append(
            about
            | {"class": "", "n_real": result.get("n_real"), "n_fake": result.get("n_fake")}
            | flatten(whole)
            | {f"floor_{key}": (result.get("floor") or {}).get(key) for key in keys}
            | {"times_floor": result.get("times_floor")}
        )
        for name, row in (result.get("per_class") or {}).items():
            rest = {key: value for key, value in row.items() if key != "absent"}
            lines.append(about | {"class": name} | flatten(rest))
    columns = list(dict.fromkeys(name for line in lines for name in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    for line in lines:
        writer.writerow({key: csv_cell(value) if isinstance(value, str) else value for key, value in line.items()})
    return text.getvalue()


def flatten(values: dict[str, Any]) -> dict[str, Any]:
    """An interval [low, high] as two columns, <key>_low and <key>_high; no other list is kept."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if key.endswith("_ci"):
            flat |= {f"{key}_{end}": value[at] if value else None for at, end in enumerate(("low", "high"))}
        elif not isinstance(value, list | dict):
            flat[key] = value
    return flat


def newest_utility(store: Store, run_id: str, *, of_run: bool = True) -> UtilityResult | None:
    """The newest finished comparison of classifiers of a run. of_run: of images that it drew, not of changed copies alone."""
    jobs = store.jobs(kind="utility", subject=run_id, states=("finished",))
    found = (UtilityResult.read(job.result) for job in jobs if job.result)
    return next((one for one in found if one.of_run or not of_run), None)


def lights(store: Store, run_id: str, stored: dict[str, Any]) -> tuple[dict[str, dict[str, str]], str]:
    """The lights of a stored evaluation and of the newest `utility` of its run: as JSON, and in words, a line for each."""
    shown = of_evaluation(EvaluationResult.read(stored), newest_utility(store, run_id))
    return to_json(shown), in_words(shown)


def report(store: Store, workspace: Workspace, job: Job) -> str:
    """A finished job `evaluate` as one HTML file, with the newest `utility` of its run."""
    run = store.run(job.subject)
    folder = workspace.run(run.id)
    stored = store.job(job.id).result or read_json(folder / "evaluations" / job.id / "result.json", {})
    result = EvaluationResult.read(stored)
    rows, _ = run_folder.read_lines(folder / "collapse.jsonl")
    return html.to_html(
        result,
        pictures(
            result,
            read_images(folder / "evaluations" / job.id),
            read_training_set(workspace.dataset(run.dataset_id), result),
        ),
        newest_utility(store, run.id),
        rows,
        title=run.name,
        evaluated_at=job.finished_at or store.job(job.id).finished_at,
    )


def pictures(
    result: EvaluationResult, kept: EvaluatedImages | None, train: tuple[np.ndarray, np.ndarray] | None
) -> html.Pictures:
    """The images of a report as PNG files; none where they are gone."""
    if kept is None or not len(kept.images):
        return html.Pictures(None, None, [])
    by_class = np.argsort(kept.samples["asked"], kind="stable")  # as the real ones are
    fakes = png(sheet(kept.images[spread(by_class, 48)], 12))
    if train is None or not len(train[0]):
        return html.Pictures(fakes, None, [])
    reals = png(sheet(train[0][spread(np.arange(len(train[0])), 48)], 12))
    pairs = [
        (png(sheet([pair.fake, pair.real], 2)), about_pair(pair.distance, pair.ratio, pair.flipped))
        for pair in closest_pairs(result.memorization, kept, train[0])
    ]
    return html.Pictures(fakes, reals, pairs)
