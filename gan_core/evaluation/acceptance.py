"""The checks of the quality filter: each drawn image is compared with the real images of its class.

check     an image is refused where
label     the dataset classifier predicts another class, and its probability of the requested class is lower than for all but a
          fifth of the validation images of that class: what it confuses in real images it does not refuse in generated ones
realism   it lies further from the real images of its class than validation images do, see realism.py: than all but 1 % of them in
          the features of that classifier, or by the stricter lines of Lite0Realism
copy      it is a near copy of a training image, mirrored or not, by the rule of near_copies.py
teacher   the teacher gives the requested class a probability below .5; it is asked on request only
twin      it is a near duplicate of one of the images kept last (WINDOW, or as many as there are real ones): closer than all but
          1 % of new real images would be, were there so many; the more there are, the closer by chance, see duplicate_limit
"""

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np

from gan_core.errors import Stopped
from gan_core.evaluation.classifier import FEATURES, Classifier
from gan_core.evaluation.features.extractors import Features
from gan_core.evaluation.inputs import RealImages
from gan_core.evaluation.near_copies import (
    LEAST_IMAGES,
    TRAIN_SAMPLE,
    Neighbors,
    PixelSpace,
    TrainingSpace,
    in_pixels,
    mirrored,
    pixel_side,
)
from gan_core.evaluation.realism import LEAST_VALIDATION, Balls, Lite0Realism, balls_of, realism
from gan_core.evaluation.recent_images import WINDOW, RecentImages, duplicate_limit, some_rows
from gan_core.evaluation.teacher import Teacher

REALISM_PERCENTILE = 1.0
LABEL_PERCENTILE = 20.0
LEAST_POWER = 0.5  # of the validation images of other classes that a threshold refuses: else the label is not checked
LEAST_RECALL = 0.5  # of a class with too few validation images for a threshold
MOST_IMAGES = 10_000  # training images of a class that are compared with
MOST_CLASSIFIED = 2000  # of them by the classifier, for realism
AT_ONCE = 1000  # images in memory


class Checked(NamedTuple):
    """refused [n]: '' or the check that refused; facts [n] by name: agreement, realism, real, nearest_distance, nearest_row.

    realism: by Lite0 where it looks, else by the classifier; real: the detector's chance of being real.

    The nearest training image is that of all classes where all were searched, else that of the class; see AcceptanceChecks.
    """

    refused: list[str]
    facts: dict[str, np.ndarray]


class ClassReference(NamedTuple):
    """What new images of one class are compared with.

    balls: in the classifier's features, None where it does not check realism; least_realism: 0 for none. variance: the trace of the
    covariance of all its features, or of its pixels where there is no classifier. nearest: rows of the training set and their
    pixels, in which the nearest training image is searched where not all classes are; None for no search.
    """

    duplicate_limit: float
    variance: float
    size: int  # training images
    balls: Balls | None = None
    least_realism: float = 0.0
    nearest: tuple[np.ndarray, TrainingSpace] | None = None


class Found(NamedTuple):
    """What the checks found of images that were kept, so that nothing is computed twice; see memorization.copying.

    near: their two nearest training images in `space`; features: by the dataset classifier, None where there was none.
    """

    space: PixelSpace
    near: Neighbors
    features: np.ndarray | None

    def of(self, rows: np.ndarray) -> "Found":
        """Of some of the images."""
        return Found(self.space, self.near.of(rows), None if self.features is None else self.features[rows])


class AcceptanceChecks:
    """The ImageChecks of an export's quality filter, and of its preview.

    classifier: trained on these classes, None where there is none; lite0: looks at realism, None where only the classifier does.
    teacher: None where it is not asked. checks: of label, realism, copy, teacher, twin.
    keep_found: what was found of the kept images stays in memory for found_of. All classes are searched for the nearest training
    image where copies are checked or what was found is kept; otherwise the class alone.
    """

    def __init__(
        self,
        real: RealImages,
        classifier: Classifier | None,
        checks: tuple[str, ...],
        seed: int = 0,
        should_stop: Callable[[], bool] = lambda: False,
        keep_found: bool = False,
        lite0: Lite0Realism | None = None,
        teacher: Teacher | None = None,
    ):
        self.real, self.classifier, self.seed, self.should_stop = real, classifier, seed, should_stop
        self.train_labels, self.held_labels = np.asarray(real.train.labels), np.asarray(real.validation.labels)
        known = {"copy", "twin"} | ({"label", "realism"} if classifier else {"realism"} if lite0 else set())
        known |= {"teacher"} if teacher else set()
        self.lite0, self.teacher = lite0 if "realism" in checks else None, teacher if "teacher" in checks else None
        self.checks = tuple(check for check in checks if check in known)
        wanted = classifier is not None and {"label", "realism"} & set(self.checks)
        self.thresholds = self.label_thresholds() if wanted else {}
        self.unknown = frozenset(np.unique(self.train_labels).tolist()) - self.thresholds.keys()
        self.side = pixel_side(real.train.images)
        self.keep_found, self.all_classes = keep_found, keep_found or "copy" in self.checks
        self.realism_known: set[int] = set(self.lite0.known) if self.lite0 else set()
        self.diversity: dict[int, float] = {}  # class -> variance of the kept images over that of the real ones
        self.found: dict[int, list[tuple[Neighbors, np.ndarray | None]]] = {}  # class -> of the kept images, in batches
        self.label: int | None = None
        self.reference: ClassReference | None = None
        self.begin_moments()

    @cached_property
    def space(self) -> PixelSpace:
        """The training images of all classes, which are read when they are first needed."""
        return PixelSpace(self.real.train.images, self.should_stop)

    def begin_moments(self) -> None:
        self.kept, self.feature_sum, self.square_sum = 0, np.zeros(1), 0.0
        self.recent: RecentImages | None = None

    def label_thresholds(self) -> dict[int, float]:
        """class -> the probability below which an image is refused where another class is predicted; without classes that the
        classifier cannot check."""
        rows = np.sort(np.random.default_rng(self.seed).permutation(len(self.held_labels))[:MOST_IMAGES])
        if not len(rows):
            return {}
        predicted, probability = predictions(self.classify(self.real.validation.images, rows).logits)
        labels, thresholds = self.held_labels[rows], dict[int, float]()
        for label in np.unique(self.train_labels).tolist():
            own, threshold = labels == label, 1.0
            if own.sum() >= LEAST_VALIDATION:
                threshold = float(np.percentile(probability[own, label], LABEL_PERCENTILE))
            elif not own.any() or (predicted[own] == label).mean() < LEAST_RECALL:
                continue
            refused = (predicted[~own] != label) & (probability[~own, label] < threshold)
            if own.all() or refused.mean() >= LEAST_POWER:
                thresholds[label] = threshold
        return thresholds

    def begin(self, label: int) -> None:
        """Forget what was kept; look at the real images of a class, unless it is the class of last time."""
        if label != self.label or self.reference is None:
            self.label, self.reference = label, self.class_reference(label)
        self.begin_moments()
        if "twin" in self.checks:
            values = self.side**2 * self.real.train.images.shape[3]
            self.recent = RecentImages(max(WINDOW, self.reference.size), values, self.reference.duplicate_limit)
        self.diversity.pop(label, None)
        self.found[label] = []

    def class_reference(self, label: int) -> ClassReference:
        rng = np.random.default_rng([self.seed, label])
        rows = np.sort(rng.permutation(np.flatnonzero(self.train_labels == label))[:MOST_IMAGES])
        images = self.real.train.images
        pixels = in_pixels(images, self.side, rows)
        limit, nearest = 0.0, None
        if len(rows) > 2:
            own_class = TrainingSpace(pixels, mirrored(self.side, images.shape[3]), self.should_stop)
            limit, nearest = own_class.equal, None if self.all_classes else (rows, own_class)
            if len(rows) >= LEAST_IMAGES:
                window = max(WINDOW, len(rows))
                limit = max(limit, duplicate_limit(own_class.own_distance(some_rows(len(rows))), len(rows), window))
        features = pixels
        if self.classifier is not None:
            some = np.sort(rng.permutation(rows)[:MOST_CLASSIFIED])
            features = self.classify(images, some).features
        variance = float(features.var(axis=0, dtype=np.float64).sum()) if len(rows) > 1 else 0.0
        reference = ClassReference(limit, variance, len(rows), nearest=nearest)
        if self.classifier is None or label in self.unknown:
            return reference
        balls = balls_of(features, self.should_stop)
        held = np.flatnonzero(self.held_labels == label)[:TRAIN_SAMPLE]
        if balls is None or len(held) < LEAST_VALIDATION:
            return reference._replace(balls=balls)
        self.realism_known.add(label)
        usual = realism(self.classify(self.real.validation.images, held).features, balls)
        return reference._replace(balls=balls, least_realism=float(np.percentile(usual, REALISM_PERCENTILE)))

    def classify(self, images: np.ndarray, rows: np.ndarray) -> Features:
        """Of images[rows], AT_ONCE in memory at a time. Raises Stopped."""
        assert self.classifier is not None
        parts = [Features(np.empty((0, FEATURES), np.float32), np.empty((0, self.classifier.num_classes), np.float32))]
        for start in range(0, len(rows), AT_ONCE):
            if self.should_stop():
                raise Stopped
            parts.append(self.classifier.classify(np.asarray(images[rows[start : start + AT_ONCE]])))
        return Features(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def __call__(self, label: int, images: np.ndarray, skip: np.ndarray) -> Checked:
        """images uint8 [n, S, S, C] in the order they are drawn, skip bool [n]: taken out by a person."""
        assert self.reference is not None and label == self.label
        refused, facts = [""] * len(images), dict[str, np.ndarray]()

        def refuse(check: str, bad: np.ndarray) -> None:
            for row in np.flatnonzero(bad) if check in self.checks else ():
                refused[row] = refused[row] or check

        features = pixels = in_pixels(images, self.side)
        if self.classifier is not None:
            features, logits = self.classifier.classify(images)  # on the CPU: the same choice everywhere
            predicted, probability = predictions(logits)
            facts["agreement"] = probability[:, label]
            if label not in self.unknown:
                refuse("label", (predicted != label) & (probability[:, label] < self.thresholds[label]))
            if self.reference.balls is not None:
                facts["realism"] = realism(features, self.reference.balls)
                refuse("realism", facts["realism"] < self.reference.least_realism)
        if self.lite0 is not None and label in self.lite0.known:
            left = np.flatnonzero([not reason for reason in refused])  # the others need not be looked at
            looked = self.lite0(label, images[left])
            for row in left[looked.refused].tolist():
                refused[row] = "realism"
            for name in ("realism", "real"):
                facts[name] = np.full(len(images), np.nan)
                facts[name][left] = getattr(looked, name)
        near = None
        if self.all_classes:
            near = self.space.neighbors(images)
            facts["nearest_distance"], facts["nearest_row"] = near.distance[:, 0], near.row[:, 0]
            if "copy" in self.checks:
                refuse("copy", self.space.copies(near))
        elif self.reference.nearest is not None:
            rows, own_class = self.reference.nearest
            in_class = own_class.neighbors(pixels, 1)
            facts["nearest_distance"], facts["nearest_row"] = in_class.distance[:, 0], rows[in_class.row[:, 0]]
        if self.teacher is not None:
            left = np.flatnonzero([not reason for reason in refused])
            sees = self.teacher.keeps(images[left], np.full(len(left), label))
            refuse("teacher", np.isin(np.arange(len(images)), left[~sees]))
        if self.recent is not None:  # near duplicates of good images, also of those that a person took out
            for row in self.recent.duplicates(pixels, np.flatnonzero([not reason for reason in refused])):
                refused[row] = "twin"
        kept = np.array([not reason for reason in refused]) & ~skip
        if self.keep_found and near is not None:
            self.found[label].append((near.of(kept), None if self.classifier is None else features[kept]))
        self.add_diversity(label, features[kept])
        return Checked(refused, facts)

    def found_of(self, counts: list[int]) -> Found | None:
        """Of the first counts[label] kept images of each class since its `begin`, class after class; None where nothing is kept."""
        parts: list[Neighbors] = []
        by_classifier: list[np.ndarray] = []
        for label, count in enumerate(counts):
            for near, features in self.found.get(label, []) if count else []:
                few = np.arange(min(count, len(near.row)))
                parts.append(near.of(few))
                if features is not None:
                    by_classifier.append(features[few])
                count -= len(few)
        if not parts:
            return None
        near = Neighbors(*(np.concatenate(values) for values in zip(*parts, strict=True)))
        return Found(self.space, near, np.concatenate(by_classifier) if by_classifier else None)

    def add_diversity(self, label: int, features: np.ndarray) -> None:
        """Count features [n, F] of kept images into the class's diversity."""
        assert self.reference is not None
        features = features.astype(np.float64)
        self.kept += len(features)
        self.feature_sum = self.feature_sum + features.sum(axis=0)
        self.square_sum += float(np.square(features).sum())
        if self.kept > 1 and self.reference.variance > 0:
            variance = self.square_sum / self.kept - float(np.square(self.feature_sum / self.kept).sum())
            self.diversity[label] = max(0.0, variance) / self.reference.variance


def predictions(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """logits [n, K] -> the predicted class [n], and the probability of each class [n, K]."""
    chances = np.exp(logits - logits.max(1, keepdims=True))
    return logits.argmax(1), chances / chances.sum(1, keepdims=True)
