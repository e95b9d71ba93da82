"""What a comparison is made of: draws of the training images with their generators, and how its classifiers are trained."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from gan_core.evaluation.utility.arms import ArmOptions, Pool
from gan_core.evaluation.utility.protocol import BATCH, USES, Arm, ClassifierName, Use

Synthetic = Callable[[int, int], np.ndarray]  # (label, count) -> uint8 [at most count, S, S, C]
SoftLabels = Callable[[np.ndarray], np.ndarray]  # uint8 [N, S, S, C] -> float32 [N, K]


class Classifying(Protocol):
    """What a trained classifier can do; arms.Fitted."""

    def right(self, split: Labeled) -> np.ndarray: ...


Train = Callable[[Arm, RealImages, Mapping[str, Pool], ArmOptions, Progress], Classifying]


class Draw(NamedTuple):
    """A draw of the training images, and what makes synthetic images from it: one for each trained generator.

    soft: the labels of a teacher of these training images, None where there is none.
    """

    real: RealImages
    generators: Sequence[Synthetic]
    soft: SoftLabels | None = None


class Settings(NamedTuple):
    """seeds: classifiers of each generator of each draw. updates: None chooses them on validation. tries: classifiers of each arm
    on validation. uses: to choose among. way: how the synthetic images are made, in a word. flips: mirrors in every arm."""

    classifier: ClassifierName = "small"
    seeds: int = 3
    updates: int | None = None
    batch: int | None = None
    tries: int = 1
    uses: Sequence[Use] = USES
    way: str = "gan"
    flips: bool = False
    seed: int = 0
    device: str = "cpu"

    def options(self, updates: int, number: int) -> ArmOptions:
        """number: of the classifier, for seeds that no other one has."""
        batch = self.batch or BATCH[self.classifier]
        return ArmOptions(self.classifier, updates, batch, self.seed + number, self.device, self.flips)


def without_test(real: RealImages) -> RealImages:
    """What decisions may see."""
    return real._replace(test=Labeled(real.test.images[:0], real.test.labels[:0]))


def class_counts(real: RealImages) -> np.ndarray:
    return np.bincount(np.asarray(real.train.labels, np.int64), minlength=len(real.classes))
