"""The teacher: EfficientNet-Lite0 with its ImageNet weights and a linear head that is trained on a dataset's real training images.

It relabels generated images (soft labels, arXiv:1503.02531) and refuses those in which it does not see the requested class. What a
classifier learns from its labels is partly ImageNet's knowledge: compare with the same labels on changed copies of real images.

The head lies in the dataset's folder: teacher.safetensors with all numbers, teacher.json with those for people.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError
from scipy import optimize
from scipy.special import log_softmax, softmax

from gan_core.errors import UserError
from gan_core.evaluation.features.cache import FeatureCache
from gan_core.evaluation.features.extractors import Extractor, load_efficientnet_lite0
from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from gan_core.storage.workspace import atomic_write, write_json

VERSION = 1  # of the head and its file; another version is not read
TEMPERATURE = 2.0  # of soft labels
LEAST_PROBABILITY = 0.5  # of the requested class, for an image to be kept
LEAST_ABOVE_CHANCE = 0.05  # balanced accuracy on validation images, for a teacher that knows something
MOST_IMAGES = 20_000  # training images that a head is fitted to, evenly from all classes
DECAYS = (0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)  # L2 penalties that are tried, the strongest first
STEPS = 200  # of L-BFGS, at most, for each
NEVER = -1e4  # logit of a class without training images
FILE = "teacher.safetensors"


class Head(NamedTuple):
    """logits = (features - mean) / scale @ weight.T + bias; mean, scale float32 [D], weight [K, D], bias [K]."""

    mean: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """float [N, D] -> float32 [N, K]."""
        return ((features - self.mean) / self.scale @ self.weight.T + self.bias).astype(np.float32)


class Taught(NamedTuple):
    """keeps bool [N]: the teacher sees the requested class; soft float32 [N, K]: its soft labels."""

    keeps: np.ndarray
    soft: np.ndarray


class Teacher:
    """notes: JSON facts that travel in its file: "facts" it was made from, "decay", "accuracy", "per_class".

    accuracy: balanced accuracy on the validation images, 0 to 1. All methods take images uint8 [N, S, S, C] and may raise Stopped.
    """

    def __init__(
        self,
        extractor: Extractor,
        head: Head,
        notes: dict[str, Any],
        device: str = "cpu",
        progress: Progress = Progress(),  # noqa: B008  it is immutable
        cache: FeatureCache | None = None,
    ):
        self.extractor, self.head, self.notes = extractor, head, notes
        self.device, self.progress, self.cache = device, progress, cache
        self.accuracy: float = notes["accuracy"]

    @property
    def knows(self) -> bool:
        """Whether it is better than chance by more than LEAST_ABOVE_CHANCE."""
        taught = sum(count > 0 for count in self.notes["facts"]["train_counts"])
        return self.accuracy > 1 / taught + LEAST_ABOVE_CHANCE

    def logits(self, images: np.ndarray) -> np.ndarray:
        """float32 [N, K]; nothing is cached."""
        if not len(images):
            return np.empty((0, len(self.head.bias)), np.float32)
        return self.head(self.extractor.extract(images, self.device, self.progress.should_stop).features)

    def soft_labels(self, images: np.ndarray) -> np.ndarray:
        """float32 [N, K], the probabilities at temperature 2; each row sums to 1."""
        return softened(self.logits(images))

    def keeps(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """bool [N]: the requested class has a probability of at least .5."""
        return kept(self.logits(images), labels)

    def taught(self, images: np.ndarray, labels: np.ndarray) -> Taught:
        """Both at the cost of one."""
        logits = self.logits(images)
        return Taught(kept(logits, labels), softened(logits))

    def right(self, split: Labeled) -> np.ndarray:
        """bool [N]: whether its class of highest probability is the label. The features of a split are cached."""
        features = features_of(self.extractor, split.images, None, self.device, self.progress, self.cache)
        return np.asarray(self.head(features).argmax(1) == np.asarray(split.labels))

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. The same head gives the same bytes."""
        text = json.dumps({"version": VERSION, **self.notes}, sort_keys=True, allow_nan=False)
        data = safetensors.numpy.save(
            {name: np.ascontiguousarray(value, np.float32) for name, value in self.head._asdict().items()},
            {"ganvas_teacher": text},
        )
        atomic_write(path, lambda file: file.write(data))


def softened(logits: np.ndarray) -> np.ndarray:
    return np.asarray(softmax(logits / TEMPERATURE, axis=1), np.float32)


def kept(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(softmax(logits, axis=1)[np.arange(len(logits)), np.asarray(labels)] >= LEAST_PROBABILITY)


def ready(
    folder: Path,
    real: RealImages,
    device: str = "cpu",
    progress: Progress = Progress(),  # noqa: B008  it is immutable
    cache: FeatureCache | None = None,
) -> Teacher:
    """The teacher in the dataset's folder, trained now where there is none that is whole and made from such images.

    Test images are not looked at. Two processes may do this at once: each file is whole, the last one stays. Raises as `fit`.
    """
    path, extractor = Path(folder) / FILE, load_efficientnet_lite0()
    found = load(path, facts_of(real, extractor))
    if found is None:
        teacher = fit(real, device, progress, cache, extractor)
        teacher.save(path)
        write_json(path.with_suffix(".json"), teacher.notes)
    else:
        teacher = Teacher(extractor, *found, device, progress, cache)
    progress.report(1.0, "The teacher is ready")
    return teacher


def known(teacher: Teacher) -> Teacher:
    """The teacher itself. Raises UserError knows_nothing where it is hardly better than chance."""
    if teacher.knows:
        return teacher
    raise UserError(
        "knows_nothing",
        f"The teacher is right for {teacher.accuracy:.0%} of the validation images, which is hardly better than chance.",
        "Leave its labels and its check out: they would do harm here.",
    )


def fit(
    real: RealImages,
    device: str = "cpu",
    progress: Progress = Progress(),  # noqa: B008  it is immutable
    cache: FeatureCache | None = None,
    extractor: Extractor | None = None,
) -> Teacher:
    """Train a head on real.train; its L2 penalty is the one with the lowest loss on real.validation. Every class counts the same.

    Raises UserError one_class, no_validation_images; Stopped.
    """
    extractor, num_classes = extractor or load_efficientnet_lite0(), len(real.classes)
    facts = facts_of(real, extractor)
    if sum(count > 0 for count in facts["train_counts"]) < 2:
        raise UserError(
            "one_class", "A teacher needs training images of at least 2 classes.", "Import one with more classes."
        )
    if not len(real.validation.labels):
        raise UserError(
            "no_validation_images",
            "There are no validation images to try a teacher on.",
            "Import the dataset again with a validation share.",
        )
    rows = evenly(np.asarray(real.train.labels), num_classes)
    looking = progress.part(0, 0.8, "The teacher looks at real images")
    train = Labeled(
        features_of(extractor, real.train.images, rows, device, looking.part(0, 0.9), cache),
        np.asarray(real.train.labels)[rows],
    )
    held = Labeled(
        features_of(extractor, real.validation.images, None, device, looking.part(0.9, 1), cache),
        np.asarray(real.validation.labels),
    )
    head, decay = best_head(train, held, num_classes, progress.part(0.8, 1, "Training the teacher"))
    recalls = class_recalls(head(held.images).argmax(1) == held.labels, held.labels, num_classes)
    known_recalls = [value for value in recalls if value is not None]
    notes = {"facts": facts, "decay": decay, "accuracy": float(np.mean(known_recalls)), "per_class": recalls}
    return Teacher(extractor, head, notes, device, progress, cache)


def facts_of(real: RealImages, extractor: Extractor) -> dict[str, Any]:
    """What a head in a folder must have been made from. Test images are no part of it."""
    count = lambda split: np.bincount(np.asarray(split.labels), minlength=len(real.classes)).tolist()
    return {
        "classes": list(real.classes),
        "shape": [int(side) for side in real.train.images.shape[1:]],
        "train_counts": count(real.train),
        "validation_counts": count(real.validation),
        "features": f"{extractor.name} {extractor.weights_hash}",
    }


def load(path: Path, facts: dict[str, Any]) -> tuple[Head, dict[str, Any]] | None:
    """(head, notes) of the file if it is whole and made from these facts, else None."""
    try:
        data = path.read_bytes()
        arrays = safetensors.numpy.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        notes = json.loads(header["__metadata__"]["ganvas_teacher"])
        head = Head(**arrays)
        fits = notes.pop("version") == VERSION and notes["facts"] == facts and 0 <= notes["accuracy"] <= 1
        shaped = head.weight.shape == (len(facts["classes"]), len(head.mean)) and head.scale.shape == head.mean.shape
        finite = all(np.isfinite(value).all() for value in arrays.values())
        return (head, notes) if fits and shaped and finite else None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None


def features_of(
    extractor: Extractor,
    images: np.ndarray,
    rows: np.ndarray | None,
    device: str,
    progress: Progress,
    cache: FeatureCache | None,
) -> np.ndarray:
    """float32 [N, 1280] of images[rows], through the cache where there is one."""
    rows = np.arange(len(images)) if rows is None else rows
    if cache is not None and len(rows):
        return cache.get(extractor, images, rows, device, progress.report, progress.should_stop).features
    parts = [np.empty((0, 1280), np.float32)]
    for batch in extractor.batches(images, rows, device, progress.should_stop):
        parts.append(batch.features)
        progress.report(sum(map(len, parts)) / len(rows), "")
    return np.concatenate(parts)


def evenly(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Ascending rows of at most MOST_IMAGES images: of a class at most its even share, spread over all of its rows."""
    if len(labels) <= MOST_IMAGES:
        return np.arange(len(labels))
    most = max(1, MOST_IMAGES // num_classes)
    rows = [np.flatnonzero(labels == label) for label in range(num_classes)]
    return np.sort(np.concatenate([own[np.linspace(0, len(own) - 1, min(len(own), most)).astype(int)] for own in rows]))


def best_head(train: Labeled, held: Labeled, num_classes: int, progress: Progress) -> tuple[Head, float]:
    """(the head with the lowest class-balanced cross-entropy on held, its L2 penalty). Both hold features [N, D] as images.

    Each penalty starts from the head of the stronger one before it; after two that are worse than the best no weaker one is tried.
    """
    mean = train.images.mean(0)
    scale = np.maximum(train.images.std(0), 1e-6) * np.float32(train.images.shape[1] ** 0.5)  # a row is about 1 long
    x, y = (train.images - mean) / scale, train.labels
    weights = balanced_weights(y, num_classes)
    taught = np.bincount(y, minlength=num_classes) > 0
    start = np.zeros((num_classes, x.shape[1] + 1))
    heads: list[tuple[float, Head, float]] = []
    for number, decay in enumerate(DECAYS):
        progress(number / len(DECAYS))
        start = minimized(x, y, weights, decay, start)
        bias = np.where(taught, start[:, -1], NEVER)
        head = Head(mean, scale, start[:, :-1].astype(np.float32), bias.astype(np.float32))
        heads.append((cross_entropy(head(held.images), held.labels, num_classes), head, decay))
        best = min(range(len(heads)), key=lambda at: heads[at][0])
        if number >= best + 2:
            break
    return heads[best][1], heads[best][2]


def balanced_weights(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """[N], the same sum for every class that is there, 1 in all."""
    counts = np.bincount(labels, minlength=num_classes)
    return 1 / (counts[labels] * np.count_nonzero(counts))


def cross_entropy(logits: np.ndarray, labels: np.ndarray, num_classes: int) -> float:
    """The mean of the classes' means."""
    own = log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
    return float(-(balanced_weights(labels, num_classes) * own).sum())


def minimized(x: np.ndarray, y: np.ndarray, weights: np.ndarray, decay: float, start: np.ndarray) -> np.ndarray:
    """[K, D + 1], weights and bias of softmax regression by L-BFGS: cross-entropy plus decay / 2 times the squared weights."""
    rows = np.arange(len(y))

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        table = flat.reshape(start.shape)
        chances = log_softmax(x @ table[:, :-1].T.astype(np.float32) + table[:, -1], axis=1)
        value = -(weights * chances[rows, y]).sum() + decay / 2 * np.square(table[:, :-1]).sum()
        error = np.exp(chances)
        error[rows, y] -= 1
        error *= weights[:, None]
        slope = np.empty_like(table)
        slope[:, :-1] = error.T.astype(np.float32) @ x + decay * table[:, :-1]
        slope[:, -1] = error.sum(0)
        return float(value), slope.ravel()

    found = optimize.minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(found.x).reshape(start.shape)


def class_recalls(right: np.ndarray, labels: np.ndarray, num_classes: int) -> list[float | None]:
    """Of each class the share that is right; None where there is no image of it."""
    return [float(right[labels == c].mean()) if (labels == c).any() else None for c in range(num_classes)]
