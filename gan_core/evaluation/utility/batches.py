"""Which images each batch of an arm shows, decided before training: real ones by the sampling, synthetic ones in added slots.

The real rows follow from labels, sampling, updates, batch and seed alone. So all arms of a baseline show every real image equally
often, in the same batches, however many synthetic images stand beside them.
"""

from typing import NamedTuple

import numpy as np

from gan_core.evaluation.classifier import order
from gan_core.evaluation.utility.protocol import FIRST_PART, MOST_FILLED, Sampling, Use, rare_classes


class Plan(NamedTuple):
    """Row numbers, one line for each update. synthetic has fewer lines than real where its phase is the first one.

    real: int64 [updates, batch]; synthetic: int64 [<= updates, slots]; pretrain: int64 [updates before, batch], synthetic.
    """

    real: np.ndarray
    synthetic: np.ndarray
    pretrain: np.ndarray


NOTHING = np.empty((0, 0), np.int64)


def generator(seed: int, part: int) -> np.random.Generator:
    """Of its own for every part of a training, so that one part takes no random numbers from another."""
    return np.random.default_rng([seed, part])


def plan(labels: np.ndarray, pool_labels: np.ndarray, sampling: Sampling, use: Use | None, size: "Size") -> Plan:
    """labels int64 [N] of the real images, pool_labels int64 [M] of the synthetic ones. Raises ValueError where the pool has no
    image of the classes of the use."""
    real = real_rows(labels, sampling, size)
    if use is None:
        return Plan(real, NOTHING, NOTHING)
    num_classes = int(max(labels.max(), pool_labels.max(initial=0))) + 1
    slots = slots_by_class(np.bincount(labels, minlength=num_classes), use, size.batch)
    slots = np.where(np.bincount(pool_labels, minlength=num_classes) > 0, slots, 0)
    pool = SyntheticRows(pool_labels, slots, size.seed)
    if not slots.any():
        raise ValueError("the pool has no image of the classes that shall get some")
    if use.share == 1:
        return Plan(NOTHING, pool.rows(size.updates, size.batch), NOTHING)
    if use.phase == "pretrain":
        before = max(1, round(size.updates * slots.sum() / size.batch))
        return Plan(real, NOTHING, pool.rows(before, size.batch))
    shown = size.updates if use.phase == "throughout" else max(1, round(FIRST_PART * size.updates))
    added = max(1, round(slots.sum()))
    return Plan(real, pool.rows(shown, added), NOTHING)


class Size(NamedTuple):
    updates: int
    batch: int  # real images in each
    seed: int


def real_rows(labels: np.ndarray, sampling: Sampling, size: Size) -> np.ndarray:
    """int64 [updates, batch]. In each pass an image comes as often as the sampling says, to less than one."""
    rng = generator(size.seed, 0)
    counts = np.bincount(labels)
    natural, balanced = np.ones(len(labels)), 1 / counts[labels]
    late = {"natural": size.updates, "balanced": 0, "deferred": round(FIRST_PART * size.updates)}[sampling]
    rows = [order(natural, late * size.batch, rng)] if late else []
    if late < size.updates:
        rows.append(order(balanced, (size.updates - late) * size.batch, rng))
    return np.concatenate(rows).reshape(size.updates, size.batch)


def slots_by_class(counts: np.ndarray, use: Use, batch: int) -> np.ndarray:
    """float [K]: synthetic images of each class beside a batch of real ones, on average. counts: training images of each."""
    known = counts > 0  # no generator saw a class without training images
    if use.fill:
        missing = np.where(known, counts.max() - counts, 0) / counts.sum()
        return batch * missing * min(1.0, MOST_FILLED / max(missing.sum(), 1e-9))
    chosen = known & rare_classes(counts) if use.classes == "rare" else known
    per_real = use.share / (1 - use.share) if use.share < 1 else 1.0
    return batch * per_real * chosen / known.sum()


def shows(counts: np.ndarray, use: Use, pool_labels: np.ndarray) -> bool:
    """Whether a pool has images of the classes that a use shows synthetic images of. counts: training images of each class."""
    there = np.bincount(pool_labels, minlength=len(counts)) > 0
    return bool((slots_by_class(counts, use, 1)[there] > 0).any())


class SyntheticRows(NamedTuple):
    """The rows of a pool, each class as often as its slots say."""

    labels: np.ndarray
    slots: np.ndarray
    seed: int

    def rows(self, updates: int, batch: int) -> np.ndarray:
        """int64 [updates, batch]."""
        of_class = np.bincount(self.labels, minlength=len(self.slots))
        weights = (self.slots / np.maximum(of_class, 1))[self.labels]
        return order(weights, updates * batch, generator(self.seed, 1)).reshape(updates, batch)


def pasted_rows(labels: np.ndarray, size: Size) -> np.ndarray:
    """int64 [updates, batch]: the images whose parts CMO pastes on the batch, a class the more often the fewer it has."""
    counts = np.bincount(labels)
    return order(1.0 / counts[labels] ** 2, size.updates * size.batch, generator(size.seed, 2)).reshape(
        size.updates, size.batch
    )
