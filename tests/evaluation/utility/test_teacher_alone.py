"""The teacher's own row: its balanced accuracy on the test images, over draws, with an interval."""

import numpy as np
import pytest

from gan_core.evaluation.inputs import Labeled, RealImages
from gan_core.evaluation.utility.teacher_alone import TITLE, teacher_alone


class Right:
    """A teacher that is right about the rows it is told."""

    def __init__(self, wrong: list[int]):
        self.wrong = wrong

    def right(self, split: Labeled) -> np.ndarray:
        return ~np.isin(np.arange(len(split.labels)), self.wrong)


def test_each_class_counts_the_same_and_the_mean_is_over_draws():
    none = np.zeros((0, 4, 4, 1), np.uint8)
    test = Labeled(np.zeros((12, 4, 4, 1), np.uint8), np.repeat([0, 1], [10, 2]))
    real = RealImages(Labeled(none, np.zeros(0, int)), Labeled(none, np.zeros(0, int)), test, ["a", "b"])
    row = teacher_alone([(Right([0, 1]), real), (Right([11]), real)], 0)  # .9 and .75
    assert row.title == TITLE and row.balanced_accuracy == pytest.approx((0.9 + 0.75) / 2)
    assert row.per_class == pytest.approx({"a": 0.9, "b": 0.75})
    assert row.ci95[0] < 0.75 and row.ci95[1] > 0.9
    alone = teacher_alone([(Right([]), real)], 0)
    assert alone.balanced_accuracy == 1 and alone.ci95 == [1, 1]
