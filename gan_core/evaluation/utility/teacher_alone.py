"""The teacher's own row in a table of arms: how right it is on the test images without any other classifier."""

from collections.abc import Sequence

import numpy as np

from gan_core.evaluation.inputs import RealImages
from gan_core.evaluation.results import Arm
from gan_core.evaluation.teacher import Teacher
from gan_core.evaluation.utility.gain import of_another, recalls

KEY = "teacher"
TITLE = "The teacher alone: EfficientNet-Lite0 (ImageNet) with a linear head"


def teacher_alone(taught: Sequence[tuple[Teacher, RealImages]], seed: int) -> Arm:
    """taught: a teacher for each draw of the training images, all with the same test images. ci95: over draws and test images.

    Raises Stopped.
    """
    labels, classes = np.asarray(taught[0][1].test.labels, np.int64), taught[0][1].classes
    right = np.stack([teacher.right(real.test) for teacher, real in taught])[:, None, None]
    row = recalls(right, labels, classes) | {"ci95": of_another(right, labels, len(classes), seed)}
    return Arm(**row, title=TITLE)
