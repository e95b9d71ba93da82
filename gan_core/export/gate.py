"""What is good enough to be exported: images in which a classifier of the real ones sees the class that was asked for.

With noise somewhat wider than in training, which reaches rarer images and more wrong ones (GaFi, Lampis et al., arXiv:2305.10118).
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gan_core.errors import Stopped

LEAST_ACCURACY = 0.8  # of the classifier on held-out images: a worse one would throw away good images
WIDE = 1.2  # times the noise of training
BATCH_IMAGES = 64
PATIENCE_IMAGES = 2000  # drawn for a class before it is given up
LEAST_SHARE = 0.02  # kept of those


class LabelGate:
    """make_fakes of archive.write_zip, by drawing until enough images of a class have passed.

    draw(class index, count, start) -> uint8 [count, H, W, C]: images start, start + 1, ... of an endless row, the same at every
    call. sees(images) -> int [count], the class that the classifier sees. kept[class index]: which of that row were kept.
    """

    def __init__(
        self,
        draw: Callable[[int, int, int], np.ndarray],
        sees: Callable[[np.ndarray], np.ndarray],
        classes: list[str],
        should_stop: Callable[[], bool] = lambda: False,
    ):
        self.draw, self.sees, self.classes, self.should_stop = draw, sees, classes, should_stop
        self.kept: dict[int, list[int]] = {}
        self.drawn: dict[int, int] = {}
        self.rows: dict[int, Iterator[np.ndarray]] = {}
        self.given: dict[int, int] = {}  # images handed out of each row
        self.given_up: set[int] = set()

    def __call__(self, label: int, count: int, start: int) -> np.ndarray:
        """Images start, start + 1, ... of those that passed, uint8 [count, H, W, C]. Raises Stopped."""
        if self.given.get(label, -1) != start:
            self.rows[label], self.kept[label], self.drawn[label] = self.passing(label), [], 0
            for _ in range(start):
                next(self.rows[label])
        self.given[label] = start + count
        return np.stack([next(self.rows[label]) for _ in range(count)])

    def passing(self, label: int) -> Iterator[np.ndarray]:
        """After PATIENCE_IMAGES a class of which next to nothing passes is filled unchecked."""
        self.given_up.discard(label)
        for first in range(0, 2**62, BATCH_IMAGES):
            if self.should_stop():
                raise Stopped
            if first >= PATIENCE_IMAGES and len(self.kept[label]) < LEAST_SHARE * first:
                self.given_up.add(label)
            images = self.draw(label, BATCH_IMAGES, first)
            passed = range(len(images)) if label in self.given_up else np.flatnonzero(self.sees(images) == label)
            for offset in passed:
                self.kept[label].append(first + int(offset))
                self.drawn[label] = first + int(offset) + 1
                yield images[offset]

    def report(self) -> dict[str, Any]:
        """Images drawn and kept, up to the last one that was handed out, by class name."""
        return {
            "noise": WIDE,
            "drawn": sum(self.drawn.values()),
            "kept": sum(map(len, self.kept.values())),
            "classes": {
                self.classes[label]: {"drawn": self.drawn[label], "kept": len(kept)}
                for label, kept in sorted(self.kept.items())
            },
            "given_up": [self.classes[label] for label in sorted(self.given_up)],
        }

    def sentence(self) -> str:
        """What was kept, and which classes went unchecked."""
        drawn, kept = sum(self.drawn.values()), sum(map(len, self.kept.values()))
        told = f"{kept:,} of {drawn:,} images drawn: the classifier of the real images saw another class in the others"
        if not self.given_up:
            return f"{told}."
        names = ", ".join(self.classes[label] for label in sorted(self.given_up)[:10])
        return f"{told}. It hardly ever saw what was asked for in {names}, so these are unchecked: train longer."
