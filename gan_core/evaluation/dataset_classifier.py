"""The dataset classifier: trained once on a dataset's own classes, on its train split, and measured on its validation split.

It lies in the dataset's folder: referee.safetensors holds the weights and all numbers of the classifier, referee.json its numbers
for people. (The file names are older than the word dataset classifier.)
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from gan_core.errors import UserError
from gan_core.evaluation import classifier as classifiers
from gan_core.evaluation.classifier import Classifier
from gan_core.evaluation.features.extractors import Extractor
from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from gan_core.evaluation.names_and_thresholds import DATASET_CLASSIFIER, EXTRACTOR_TITLES
from gan_core.storage.workspace import write_json

LEAST_IMAGES = 5  # training images of a class that can be learned at all
BATCH, PASSES = 64, 12
LEAST_UPDATES, MOST_UPDATES = 150, 600  # measured on two cores: some 10 s at 28 px, 20 s at 64 px for the most
AUGMENTED_BELOW = 20_000  # images; with more, no image is seen often enough to be memorized


class DatasetClassifier(NamedTuple):
    """accuracy, its Wilson 95 % interval and recall per class on n_test validation images; None where there are none."""

    classifier: Classifier
    classes: list[str]
    accuracy: float | None
    accuracy_ci: list[float] | None
    n_test: int
    per_class: list[float | None]
    weights_hash: str  # first 8 hex digits of the file's SHA-256
    absent: str  # why there is no accuracy, else ''


def ready(
    folder: Path,
    real: RealImages,
    *,
    device: str = "cpu",
    progress: Progress = Progress(),  # noqa: B008  it is immutable
    seed: int = 0,
) -> DatasetClassifier:
    """The classifier in the dataset's folder, trained now where there is none that is whole and made from such images.

    Two processes may do this at once: each file is whole, the last one stays. Raises UserError one_class where fewer than 2
    classes have LEAST_IMAGES training images; Stopped.
    """
    counts = [
        np.bincount(np.asarray(split.labels), minlength=len(real.classes)) for split in (real.train, real.validation)
    ]
    if (counts[0] >= LEAST_IMAGES).sum() < 2:
        raise UserError(
            "one_class",
            f"A classifier needs 2 classes with at least {LEAST_IMAGES} training images each.",
            "Import a dataset with more classes or more images.",
        )
    facts = {
        "classes": list(real.classes),
        "shape": [int(side) for side in real.train.images.shape[1:]],
        "train_counts": counts[0].tolist(),
        "validation_counts": counts[1].tolist(),
        "seed": seed,
    }
    path = Path(folder) / "referee.safetensors"
    kept = load(path, facts)
    if kept is None:
        trained = train(real, seed, device, progress.part(0, 0.95, "Training the dataset classifier"))
        trained.notes |= {"facts": facts, **score(trained, real.validation, device, progress)}
        kept = load(path, facts)  # another process may have been quicker: all should use one classifier
        if kept is None:
            trained.save(path)
            write_json(path.with_suffix(".json"), {"weights": classifiers.digest(trained.to_bytes()), **trained.notes})
            kept = from_notes(trained, classifiers.digest(trained.to_bytes()))
    progress.report(1.0, "The dataset classifier is ready")
    return kept


def train(real: RealImages, seed: int, device: str, progress: Progress) -> Classifier:
    n = len(real.train.images)
    options = classifiers.FitOptions(
        updates=update_count(n),
        batch=BATCH,
        seed=seed,
        balanced=True,
        augment="light" if n < AUGMENTED_BELOW else "none",
        device=device,
    )
    return classifiers.fit(real.train.images, real.train.labels, len(real.classes), options, progress)


def update_count(train_images: int) -> int:
    """Batches of BATCH: PASSES over the images, within bounds."""
    return min(MOST_UPDATES, max(LEAST_UPDATES, PASSES * train_images // BATCH))


def load(path: Path, facts: dict[str, Any]) -> DatasetClassifier | None:
    """The classifier in path if it is whole and made from these facts, else None."""
    try:
        data = classifiers.read(path)
        found = classifiers.from_bytes(data, path.name)
        return from_notes(found, classifiers.digest(data)) if found.notes.get("facts") == facts else None
    except (UserError, KeyError, TypeError, json.JSONDecodeError):
        return None


def score(found: Classifier, validation: Labeled, device: str, progress: Progress) -> dict[str, Any]:
    """Accuracy on validation images as JSON facts."""
    labels, none = np.asarray(validation.labels), [None] * found.num_classes
    if not len(labels):
        return {"accuracy": None, "accuracy_ci": None, "n_test": 0, "per_class": none}
    right = found.classify(validation.images, device, progress.should_stop).logits.argmax(1) == labels
    interval = stats.binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return {
        "accuracy": float(right.mean()),
        "accuracy_ci": [float(interval.low), float(interval.high)],
        "n_test": len(right),
        "per_class": [float(right[labels == c].mean()) if (labels == c).any() else None for c in range(len(none))],
    }


def from_notes(found: Classifier, weights_hash: str) -> DatasetClassifier:
    notes = found.notes
    return DatasetClassifier(
        found,
        notes["facts"]["classes"],
        notes["accuracy"],
        notes["accuracy_ci"],
        notes["n_test"],
        notes["per_class"],
        weights_hash,
        ""
        if notes["n_test"]
        else "This dataset has no validation images, so the accuracy of its classifier is unknown.",
    )


def as_extractor(found: DatasetClassifier) -> Extractor:
    """The dataset classifier as a feature network: features [N, 128], logits [N, classes]."""
    side = found.classifier.network.side
    resize = "none" if side == found.classifier.size else f"bilinear with antialias to {side} px"
    title = EXTRACTOR_TITLES[DATASET_CLASSIFIER]
    return Extractor(DATASET_CLASSIFIER, title, resize, found.weights_hash, found.classifier.network)
