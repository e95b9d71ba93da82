"""Real digits with features of a small classifier, and generators that fail in a known way."""

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from gan_core.evaluation.collapse.reference import Reference
from gan_core.evaluation.features.extractors import Features

CLASSES = [f"digit {digit}" for digit in range(10)]


class Digits(NamedTuple):
    """Three disjoint parts of the real digits: images uint8 [N, 8, 8, 1] and labels; look(images) -> Features [N, 24]."""

    train: np.ndarray
    train_labels: np.ndarray
    held: np.ndarray
    held_labels: np.ndarray
    fresh: np.ndarray
    fresh_labels: np.ndarray
    look: object

    def reference(self) -> Reference:
        known = (self.look(self.train), self.train_labels, self.look(self.held), self.held_labels)
        return Reference.build(*known, 10, n_train=len(self.train))


def digits(n_train: int = 500, n_held: int = 250, wanted: tuple[int, ...] = tuple(range(10))) -> Digits:
    data = load_digits()
    rows = np.random.default_rng(0).permutation(np.flatnonzero(np.isin(data.target, wanted)))
    images = np.rint(data.images[rows] * 255 / 16).astype(np.uint8)[..., None]
    labels = np.searchsorted(wanted, data.target[rows]).astype(np.int64)
    cuts = [n_train, n_train + n_held]
    (train, held, fresh), (a, b, c) = np.split(images, cuts), np.split(labels, cuts)
    flat = lambda pictures: pictures.reshape(-1, 64) / 255
    pca = PCA(24, random_state=0).fit(flat(train))
    network = LogisticRegression(max_iter=300).fit(pca.transform(flat(train)), a)

    def look(pictures: np.ndarray) -> Features:
        if not len(pictures):
            return Features(np.empty((0, 24), np.float32), np.empty((0, len(wanted)), np.float32))
        features = pca.transform(flat(pictures)).astype(np.float32)
        return Features(features, network.decision_function(features).astype(np.float32))

    return Digits(train, a, held, b, fresh, c, look)


def draw(images: np.ndarray, labels: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An image of each label in y: int64 [N] -> rows [N]."""
    rows = [np.flatnonzero(labels == c) for c in range(labels.max() + 1)]
    return np.array([rng.choice(rows[c]) for c in y])
