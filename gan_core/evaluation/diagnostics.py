"""What a set of generated images shows besides its scores: label agreement, variety, copies, known modes, real or generated.

Everything here is a function of images, labels and features; a part that cannot be computed leaves its reason in `absent`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from gan_core.evaluation import memorization
from gan_core.evaluation.acceptance import Found
from gan_core.evaluation.collapse.reference import MOST_IMAGES, Reference
from gan_core.evaluation.collapse.variety import z_sensitivity
from gan_core.evaluation.collapse.verdict import Examination, examine
from gan_core.evaluation.dataset_classifier import DatasetClassifier
from gan_core.evaluation.detector import Detector, TrainedOn
from gan_core.evaluation.features.cache import FeatureReader
from gan_core.evaluation.features.extractors import Extractor
from gan_core.evaluation.inputs import Progress, RealImages
from gan_core.evaluation.mode_counting import KnownModes
from gan_core.evaluation.networks import Networks
from gan_core.evaluation.result_parts import Agreement, ClassifierQuality, Collapse, DetectorTest, Memorization, Modes
from gan_core.evaluation.scores.all_scores import Attempts

COPY_IMAGES = 10_000  # generated images whose nearest training image is searched
HELD_OUT_IMAGES = 2000  # validation images that copying is compared with
PIXEL_IMAGES = 1000  # of each side whose pixels say how much the noise matters
REFERENCE_IMAGES = (
    1000  # real images that variety is compared with, at least; as many as generated ones where those are more
)
PARTS = ("referee", "agreement", "collapse", "memorisation", "modes", "two_sample")


class Generated(NamedTuple):
    """images uint8 [N, H, W, C] of the requested classes `labels` int64 [N]; conditional: they were requested by class."""

    images: np.ndarray
    labels: np.ndarray
    conditional: bool


class Diagnostics(NamedTuple):
    """parts: of EvaluationResult by JSON key. per_class: keys to merge into its table. samples: arrays [N], an entry per image."""

    parts: dict[str, Any]
    per_class: dict[str, dict[str, Any]]
    absent: dict[str, str]
    samples: dict[str, np.ndarray]
    detector: Detector | None


def diagnose(
    generated: Generated,
    real: RealImages,
    networks: Networks,
    features: tuple[np.ndarray, np.ndarray],
    read: FeatureReader,
    *,
    known: KnownModes | None,
    seed: int,
    progress: Progress,
) -> Diagnostics:
    """features: real and generated [*, D] of the scores' extractor, for the detector. Raises Stopped."""
    found = Diagnosis(generated, real, networks, read, seed)
    found.agreement()
    progress(0.2)
    found.collapse()
    progress(0.4)
    found.memorization(progress.should_stop)
    progress(0.8)
    detector = found.detector(*features)
    found.modes(known)
    progress(1.0)
    return Diagnostics(found.parts, found.per_class, found.absent, found.samples, detector)


class Diagnosis:
    """Collects the parts of one evaluation; each method computes one of them."""

    def __init__(self, generated: Generated, real: RealImages, networks: Networks, read: FeatureReader, seed: int):
        self.generated, self.real, self.networks, self.read, self.seed = generated, real, networks, read, seed
        self.parts: dict[str, Any] = dict.fromkeys(PARTS)
        self.per_class: dict[str, dict[str, Any]] = {name: {} for name in real.classes}
        self.attempt = Attempts()
        self.absent = self.attempt.absent
        self.seen = read(networks.of_classes, generated.images)
        n = len(generated.images)
        self.samples = {"asked": generated.labels, "predicted": np.full(n, -1), "confidence": np.ones(n)}

    def agreement(self) -> None:
        """How often the dataset classifier predicts the requested class, beside how often it is right on held-out images."""
        classifier, requested = self.networks.classifier, self.generated.labels
        if classifier is None:
            self.absent |= dict.fromkeys(("referee", "agreement"), self.networks.no_classifier)
            return
        self.parts["referee"] = quality(classifier)
        probabilities = softmax(self.seen.logits.astype(np.float64), axis=1)
        predicted = probabilities.argmax(axis=1)
        self.samples |= {"predicted": predicted, "confidence": probabilities[np.arange(len(requested)), requested]}
        if not self.generated.conditional:
            self.absent["agreement"] = "These images were generated without labels, so label agreement is not defined."
            return
        confusion = np.zeros((len(classifier.classes), len(classifier.classes)), int)
        np.add.at(confusion, (requested, predicted), 1)
        self.parts["agreement"] = Agreement(
            overall=float((requested == predicted).mean()), real=classifier.accuracy, confusion=confusion.tolist()
        )

    def collapse(self) -> None:
        found = self.attempt("collapse", self.examination)
        if found is None:
            return
        self.parts["collapse"] = Collapse.read(
            {key: getattr(found, key) for key in ("verdict", "sentence", "todo", "indicators", "absent")}
        )
        for name, row in zip(self.real.classes, found.per_class, strict=True):
            self.per_class[name] = {key: value for key, value in row.items() if key != "n_fake"}  # all draws' stands

    def examination(self) -> Examination:
        (train, held_out, _, classes), generated, rng = self.real, self.generated, np.random.default_rng(self.seed)
        most = min(max(len(generated.images), REFERENCE_IMAGES), MOST_IMAGES)
        rows, held = (rng.permutation(len(split.images))[:most] for split in (train, held_out))
        network, classifier = self.networks.of_classes, self.networks.classifier
        reference = Reference.build(
            self.read(network, train.images, rows),
            train.labels[rows],
            self.read(network, held_out.images, held),
            held_out.labels[held],
            len(classes),
            classifier.accuracy if classifier else None,
            classifier.per_class if classifier else None,
            n_train=len(train.images),
        )
        sensitivity: tuple[float | None, float | None] = None, None
        if generated.conditional:
            some = np.sort(rows[:PIXEL_IMAGES])
            sensitivity = (
                z_sensitivity(generated.images[:PIXEL_IMAGES], generated.labels[:PIXEL_IMAGES]),
                z_sensitivity(train.images[some], train.labels[some]),
            )
        requested = generated.labels if generated.conditional else None
        return examine(reference, self.seen, requested, z_sensitivity=sensitivity, classes=classes)

    def memorization(self, should_stop: Callable[[], bool]) -> None:
        images, network = self.generated.images[:COPY_IMAGES], self.networks.of_classes
        found = self.attempt(
            "memorisation",
            lambda: copies(
                images,
                self.real,
                None if self.networks.classifier is None else network,
                self.read,
                seed=self.seed,
                should_stop=should_stop,
            ),
        )
        if found is not None:
            for key in ("nearest", "distance", "flipped"):
                self.samples[key] = padded(found.pop(key), len(self.generated.images))
            self.parts["memorisation"] = Memorization.read(found)

    def detector(self, real: np.ndarray, fake: np.ndarray) -> Detector | None:
        extractor, shape = self.networks.extractor, self.generated.images.shape
        about = TrainedOn(extractor.name, extractor.weights_hash, shape[1], "L" if shape[3] == 1 else "RGB")
        trained = self.attempt("two_sample", lambda: Detector.train(real, fake, self.seed, about))
        if trained is not None:
            self.parts["two_sample"] = DetectorTest.read(trained.test)
        return trained

    def modes(self, known: KnownModes | None) -> None:
        if known is not None:
            found = self.attempt("modes", lambda: known.count(self.generated.images))
            self.parts["modes"] = None if found is None else Modes.read(found)


def quality(classifier: DatasetClassifier) -> ClassifierQuality:
    """How far the predictions of the classifier can be trusted."""
    return ClassifierQuality(
        accuracy=classifier.accuracy,
        accuracy_ci=classifier.accuracy_ci,
        n_test=classifier.n_test,
        per_class=dict(zip(classifier.classes, classifier.per_class, strict=True)),
    )


def copies(
    images: np.ndarray,
    real: RealImages,
    network: Extractor | None,
    read: FeatureReader,
    *,
    seed: int,
    should_stop: Callable[[], bool],
    found: Found | None = None,
) -> dict[str, Any]:
    """memorization.copying of images uint8 [N, H, W, C] in pixels and, where there is a network, in its features too.

    found: what the checks of an export found of these images already, so that it is not computed again.
    """
    rows = np.sort(np.random.default_rng(seed).permutation(len(real.validation.images))[:HELD_OUT_IMAGES])
    held_out, spaces = real.validation.images[rows], {}
    if network is not None:
        features = read(network, images).features if found is None or found.features is None else found.features
        train, held = (read(network, some).features for some in (real.train.images, held_out))
        spaces[network.name] = features, train, held
    known = None if found is None else memorization.KnownPixels(found.space, found.near)
    return memorization.copying(
        images, real.train.images, held_out, spaces=spaces, seed=seed, known=known, should_stop=should_stop
    )


def padded(values: np.ndarray, length: int) -> np.ndarray:
    """values [n] -> [length]; of the images that were not searched -1."""
    longer = np.full(length, False if values.dtype == bool else -1, values.dtype)
    longer[: len(values)] = values
    return longer
