"""What is good enough to be exported: images in which a classifier of the real ones sees the class that was asked for.

With noise somewhat wider than in training, which reaches rarer images and more wrong ones (GaFi, Lampis et al., arXiv:2305.10118).
"""

from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gan_core.errors import Stopped

LEAST_ACCURACY = 0.8  # of the classifier on held-out images: a worse one would throw away good images
LEAST_RECALL = 0.5  # of a class that it is to judge
WIDE = 1.2  # times the noise of training
BATCH_IMAGES = 64
PATIENCE_IMAGES = 2048  # drawn for a class before it may be given up
LEAST_SHARE = 0.02  # kept of those
SHOWN_NAMES = 10


class LabelGate:
    """make_fakes of archive.write_zip, by drawing until enough images of a class have passed.

    draw(class index, count, start, noise) -> uint8 [count, H, W, C]: images start, start + 1, ... of an endless row, the same at
    every call. sees(images) -> int [count], the class that the classifier sees. unknown: classes that it knows too badly
    to judge, which are drawn as they come, and so is the rest of a class of which next to nothing passes.
    kept[class index]: which of the row were kept; passed[class index]: how many of these, the first ones, were checked.
    """

    def __init__(
        self,
        draw: Callable[[int, int, int, float], np.ndarray],
        sees: Callable[[np.ndarray], np.ndarray],
        classes: list[str],
        *,
        noise: float = WIDE,
        unknown: frozenset[int] = frozenset(),
        facts: dict[str, Any] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ):
        """noise: while images are checked; 1 afterwards. facts: of the classifier, for the report."""
        self.draw, self.sees, self.classes, self.noise = draw, sees, classes, noise
        self.unknown, self.facts, self.should_stop = unknown, facts or {}, should_stop
        self.kept: dict[int, array[int]] = {}
        self.passed: dict[int, int] = {}
        self.row: Iterator[np.ndarray] = iter(())
        self.next: tuple[int, int] | None = None  # class and number of the image that row gives next

    def __call__(self, label: int, count: int, start: int) -> np.ndarray:
        """Images start, start + 1, ... of those that passed, uint8 [count, H, W, C]. Raises Stopped."""
        if self.next != (label, start):
            self.row, self.kept[label], self.passed[label] = self.images(label), array("q"), 0
            for _ in range(start):
                next(self.row)
        self.next = label, start + count
        return np.stack([next(self.row) for _ in range(count)])

    def images(self, label: int) -> Iterator[np.ndarray]:
        checked = label not in self.unknown
        for first in range(0, 2**62, BATCH_IMAGES):
            if self.should_stop():
                raise Stopped
            if first == PATIENCE_IMAGES and self.passed[label] < LEAST_SHARE * first:
                checked = False
            images = self.draw(label, BATCH_IMAGES, first, self.noise if checked else 1.0)
            for offset in np.flatnonzero(self.sees(images) == label) if checked else range(BATCH_IMAGES):
                self.kept[label].append(first + int(offset))
                self.passed[label] += checked
                yield images[offset]

    def entry(self, label: int, number: int) -> dict[str, Any]:
        """What redraws file `number` of a class, counted from 0: which of the row it is, the noise, and whether it was checked."""
        checked = number < self.passed[label]
        return {"index": self.kept[label][number], "noise": self.noise if checked else 1.0, "checked": checked}

    def report(self) -> dict[str, Any]:
        """Images drawn, passed and unchecked by class name, up to the last one that was handed out."""
        rows = {}
        for label, kept in sorted(self.kept.items()):
            passed, drawn = self.passed[label], kept[-1] + 1 if kept else 0
            rows[self.classes[label]] = {"drawn": drawn, "passed": passed, "unchecked": len(kept) - passed}
        return {"noise": self.noise, "classifier": self.facts, "classes": rows}

    def sentence(self) -> str:
        """What was kept, and which classes went unchecked."""
        sure = [label for label, kept in self.kept.items() if self.passed[label] == len(kept)]
        drawn = sum(self.kept[label][-1] + 1 for label in sure if self.kept[label])
        told = ""
        if sure:
            told = (
                f"{sum(self.passed[label] for label in sure):,} of {drawn:,} images kept; in the others the classifier of the "
                "real images saw another class. "
            )
        unknown = [label for label in sorted(self.kept) if label in self.unknown]
        if unknown:
            told += f"Not checked, as the classifier itself does not know it: {self.names(unknown)}. "
        if given_up := [label for label in sorted(self.kept) if label not in sure and label not in self.unknown]:
            told += f"Not checked, as it was hardly ever seen in what was drawn: {self.names(given_up)}; train longer. "
        return told.strip() or "nothing was drawn."

    def names(self, labels: list[int]) -> str:
        more = f" and {len(labels) - SHOWN_NAMES} more" if len(labels) > SHOWN_NAMES else ""
        return ", ".join(self.classes[label] for label in labels[:SHOWN_NAMES]) + more
