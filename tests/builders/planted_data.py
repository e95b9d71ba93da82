"""A small dataset with a known answer to whether synthetic images help: a few training images, many others of the same classes."""

from typing import NamedTuple

import numpy as np

from gan_core.evaluation.inputs import Labeled, RealImages

CLASSES = ["zero", "one", "two", "three"]
SIDE, PATTERNS, PIXEL_NOISE = 8, 3, 60


class Planted(NamedTuple):
    """real: 12 training images of each class but 4 of the last. others: real images that no split holds."""

    real: RealImages
    others: Labeled

    def held_out(self, label: int, count: int) -> np.ndarray:
        """The best generator there can be: real images that no split holds."""
        own = np.flatnonzero(self.others.labels == label)
        return self.others.images[own[:count]]

    def copies(self, label: int, count: int) -> np.ndarray:
        """The training images again."""
        own = np.flatnonzero(self.real.train.labels == label)
        return self.real.train.images[own[np.arange(count) % len(own)]]

    def noise(self, label: int, count: int) -> np.ndarray:
        return np.random.default_rng(label).integers(0, 256, (count, SIDE, SIDE, 1), dtype=np.uint8)

    def permuted(self, label: int, count: int) -> np.ndarray:
        """Real images of another class than they are said to be."""
        return self.held_out((label + 1) % len(CLASSES), count)


def planted(seed: int, test: int = 400) -> Planted:
    """Each class has patterns of its own, under noise. The patterns are the seed's, too."""
    rng = np.random.default_rng(seed)
    patterns = rng.integers(60, 196, (len(CLASSES), PATTERNS, SIDE, SIDE, 1))

    def some(counts: list[int]) -> Labeled:
        labels = np.repeat(np.arange(len(CLASSES)), counts)
        images = patterns[labels, rng.integers(0, PATTERNS, len(labels))]
        noisy = images + rng.normal(0, PIXEL_NOISE, images.shape)
        return Labeled(np.clip(noisy, 0, 255).astype(np.uint8), labels)

    even = lambda count: some([count // len(CLASSES)] * len(CLASSES))
    return Planted(RealImages(some([12, 12, 12, 4]), even(200), even(test), CLASSES), even(1200))
