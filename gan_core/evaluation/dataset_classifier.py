"""The referee: a classifier of the dataset's own classes, trained once on its train split and scored on its held-out split.

It lies in the dataset's folder: referee.safetensors is the referee with all its facts, referee.json says them to people.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from gan_core.errors import UserError
from gan_core.evaluation import classifier as classifiers
from gan_core.evaluation.classifier import Classifier
from gan_core.evaluation.classifier_augment import Policy
from gan_core.evaluation.features.extractors import Extractor
from gan_core.storage.workspace import write_json

LEAST_IMAGES = 5  # training images of a class that can be learnt at all
BATCH, PASSES = 64, 12
LEAST_UPDATES, MOST_UPDATES = 150, 600  # measured on two cores: some 10 s at 28 px, 20 s at 64 px for the most
AUGMENTED_BELOW = 20_000  # images; with more, no image is seen often enough to be learnt by heart


class Referee(NamedTuple):
    """accuracy, its Wilson 95 % interval and recall per class on n_test held-out images; None where there are none."""

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
    train_images: np.ndarray,
    train_labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
    classes: list[str],
    *,
    device: str = "cpu",
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    seed: int = 0,
) -> Referee:
    """The referee of the folder, trained now where there is none that is whole and made from such images.

    images uint8 [N, S, S, C], labels int64 [N]. Two processes may do this at once: each file is whole, the last one stays.
    Raises UserError one_class where fewer than 2 classes have LEAST_IMAGES training images; Stopped.
    """
    counts = np.bincount(np.asarray(train_labels), minlength=len(classes))
    if (counts >= LEAST_IMAGES).sum() < 2:
        raise UserError(
            "one_class",
            f"A classifier needs 2 classes with at least {LEAST_IMAGES} training images each.",
            "Import a dataset with more classes or more images.",
        )
    held_out = np.bincount(np.asarray(test_labels), minlength=len(classes))
    facts = {
        "classes": list(classes),
        "shape": [int(side) for side in train_images.shape[1:]],
        "train_counts": counts.tolist(),
        "test_counts": held_out.tolist(),
        "seed": seed,
    }
    path = Path(folder) / "referee.safetensors"
    kept = load(path, facts)
    if kept is None:
        policy: Policy = "light" if len(train_images) < AUGMENTED_BELOW else "none"
        trained = classifiers.fit(
            train_images,
            train_labels,
            len(classes),
            updates=update_count(len(train_images)),
            seed=seed,
            batch=BATCH,
            balanced=True,
            augment=policy,
            device=device,
            on_progress=(lambda share, _: on_progress(0.95 * share, "Training the referee")) if on_progress else None,
            should_stop=should_stop,
        )
        trained.notes |= {"facts": facts, **score(trained, test_images, test_labels, device, should_stop)}
        kept = load(path, facts)  # another process may have been quicker: all should judge by one referee
        if kept is None:
            trained.save(path)
            write_json(path.with_suffix(".json"), {"weights": classifiers.digest(trained.to_bytes()), **trained.notes})
            kept = told(trained, classifiers.digest(trained.to_bytes()))
    if on_progress:
        on_progress(1.0, "The referee is ready")
    return kept


def update_count(train_images: int) -> int:
    """Batches of BATCH: PASSES over the images, within bounds."""
    return min(MOST_UPDATES, max(LEAST_UPDATES, PASSES * train_images // BATCH))


def load(path: Path, facts: dict) -> Referee | None:
    """The referee in path if it is whole and made from these facts, else None."""
    try:
        data = classifiers.read(path)
        found = classifiers.from_bytes(data, path.name)
        return told(found, classifiers.digest(data)) if found.notes.get("facts") == facts else None
    except (UserError, KeyError, TypeError, json.JSONDecodeError):
        return None


def score(found: Classifier, images: np.ndarray, labels: np.ndarray, device: str, should_stop) -> dict:
    """Accuracy on held-out images as JSON facts."""
    labels, none = np.asarray(labels), [None] * found.num_classes
    if not len(labels):
        return {"accuracy": None, "accuracy_ci": None, "n_test": 0, "per_class": none}
    right = found.classify(images, device, should_stop).logits.argmax(1) == labels
    interval = stats.binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return {
        "accuracy": float(right.mean()),
        "accuracy_ci": [float(interval.low), float(interval.high)],
        "n_test": len(right),
        "per_class": [float(right[labels == c].mean()) if (labels == c).any() else None for c in range(len(none))],
    }


def told(found: Classifier, weights_hash: str) -> Referee:
    notes = found.notes
    return Referee(
        found,
        notes["facts"]["classes"],
        notes["accuracy"],
        notes["accuracy_ci"],
        notes["n_test"],
        notes["per_class"],
        weights_hash,
        "" if notes["n_test"] else "This dataset has no held-out images, so nobody knows how well its referee judges.",
    )


def as_extractor(referee: Referee) -> Extractor:
    """The referee as a feature network: features [N, 128], logits [N, classes]."""
    title, side = "Referee (this dataset's own classifier)", referee.classifier.network.side
    resize = "none" if side == referee.classifier.size else f"bilinear with antialias to {side} px"
    return Extractor("referee", title, resize, referee.weights_hash, referee.classifier.network)
