"""Is an image as realistic as real images of its class that no network was trained on?

realism is that of arXiv:1904.06991, section 5: the largest of radius / distance over balls around training images of the class,
each as large as the distance to its NEIGHBORS-th neighbor. The line is the level of the validation images: of the class where it
has LEAST_VALIDATION of them, else of all classes together.

Lite0Realism looks with EfficientNet-Lite0, which knows textures that a classifier of the dataset's own classes may ignore. It
refuses what is less realistic than all but LEAST_PERCENTILE of validation images. Below DOUBT_PERCENTILE it asks a detector,
trained on other images of the same generator: it refuses what that finds less real than all but DETECTOR_PERCENTILE of validation
images.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_core.errors import UserError
from gan_core.evaluation.detector import Detector
from gan_core.evaluation.inputs import RealImages
from gan_core.evaluation.neighbors import distance_blocks, radii

NEIGHBORS = 3  # k of the balls
LEAST_VALIDATION = 20  # validation images that a line is taken from
LEAST_PERCENTILE, DOUBT_PERCENTILE, DETECTOR_PERCENTILE = 5.0, 25.0, 5.0
TRAIN_IMAGES, VALIDATION_IMAGES = 4000, 1000  # looked at, over all classes
LEAST_OF_CLASS = 40  # of them of a class, where it has so many
DETECTOR_IMAGES = 400  # generated images that the detector learns from, over all classes


class Balls(NamedTuple):
    """Balls around real images: features float32 [m, F] of their centers, radii [m]."""

    features: np.ndarray
    radii: np.ndarray


class Line(NamedTuple):
    """Realism below `least` is refused, below `doubt` it is for the detector to say."""

    least: float
    doubt: float


def balls_of(features: np.ndarray, should_stop: Callable[[], bool] | None = None) -> Balls | None:
    """The smaller half of the balls around features [n, F]: a large one is an outlier's and makes everything realistic.

    None where there are too few images, or all are equal.
    """
    if len(features) <= NEIGHBORS + 1:
        return None
    found = radii(features, NEIGHBORS, should_stop)
    small = found <= np.median(found)
    return Balls(features[small], found[small]) if found.any() else None


def realism(features: np.ndarray, balls: Balls) -> np.ndarray:
    """features [n, F] -> [n]: the largest of radius / distance over the real balls; 1 or more is inside one."""
    found = np.zeros(len(features))
    for block in distance_blocks(features, balls.features):
        ratio = balls.radii[block.base] / np.maximum(block.distances, 1e-9)
        found[block.queries] = np.maximum(found[block.queries], ratio.max(1))
    return found


class Looked(NamedTuple):
    """refused bool [n]; realism and real [n]: the detector's chance of being real, NaN where it was not asked for."""

    refused: np.ndarray
    realism: np.ndarray
    real: np.ndarray


class Lite0Realism:
    """read(images uint8 [n, S, S, C], rows or None) -> features float32 [n, 1280] of EfficientNet-Lite0, on the CPU.

    draw(labels int64 [n]) -> uint8 [n, S, S, C]: images of the generator that are judged nowhere else; None for no detector. known:
    classes with a line. Raises Stopped.
    """

    def __init__(
        self,
        real: RealImages,
        read: Callable[[np.ndarray, np.ndarray | None], np.ndarray],
        draw: Callable[[np.ndarray], np.ndarray] | None = None,
        seed: int = 0,
        should_stop: Callable[[], bool] | None = None,
    ):
        self.read, classes, rng = read, len(real.classes), np.random.default_rng(seed)
        labels, held = np.asarray(real.train.labels), np.asarray(real.validation.labels)
        rows = some_of_each(labels, classes, TRAIN_IMAGES, rng)
        held_rows = some_of_each(held, classes, VALIDATION_IMAGES, rng)
        train = read(real.train.images, rows)
        validation = read(real.validation.images, held_rows) if len(held_rows) else train[:0]
        self.balls = {
            label: balls
            for label in range(classes)
            if (balls := balls_of(train[labels[rows] == label], should_stop)) is not None
        }
        self.lines = lines_of(
            {label: realism(validation[held[held_rows] == label], of) for label, of in self.balls.items()}
        )
        self.known = set(self.lines)
        self.detector: Detector | None = None
        self.least_real = 0.0
        if draw is not None and len(validation) >= LEAST_VALIDATION and self.known:
            self.learn(train, validation, draw, labels[rows], rng)

    def learn(
        self,
        train: np.ndarray,
        validation: np.ndarray,
        draw: Callable[[np.ndarray], np.ndarray],
        labels: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Train the detector on as many generated as training images of the same classes; without enough there is none."""
        some = rng.permutation(len(train))[:DETECTOR_IMAGES]
        try:
            self.detector = Detector.train(train[some], self.read(draw(labels[some]), None), seed=0)
        except UserError:
            return
        self.least_real = float(np.percentile(self.detector.score(validation), DETECTOR_PERCENTILE))

    def __call__(self, label: int, images: np.ndarray) -> Looked:
        """images uint8 [n, S, S, C] requested of one class; one without a line is never refused."""
        unknown = np.full(len(images), np.nan)
        if label not in self.known or not len(images):
            return Looked(np.zeros(len(images), bool), unknown, unknown)
        features, line = self.read(images, None), self.lines[label]
        found = realism(features, self.balls[label])
        if self.detector is None:
            return Looked(found < line.least, found, unknown)
        real = self.detector.score(features)
        return Looked((found < line.least) | ((found < line.doubt) & (real < self.least_real)), found, real)


def some_of_each(labels: np.ndarray, classes: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Rows, sorted, of at most `most` images over all classes, or LEAST_OF_CLASS of each class where that is more."""
    each = max(LEAST_OF_CLASS, most // max(1, classes))
    return np.sort(
        np.concatenate([rng.permutation(np.flatnonzero(labels == label))[:each] for label in range(classes)])
    )


def lines_of(of_validation: dict[int, np.ndarray]) -> dict[int, Line]:
    """Realism of the validation images by class -> its line, that of all classes where it has too few of them."""
    pooled = np.concatenate([*of_validation.values(), np.empty(0)])
    found = {}
    for label, own in of_validation.items():
        values = own if len(own) >= LEAST_VALIDATION else pooled
        if len(values) >= LEAST_VALIDATION:
            found[label] = Line(*(float(np.percentile(values, q)) for q in (LEAST_PERCENTILE, DOUBT_PERCENTILE)))
    return found
