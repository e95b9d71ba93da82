"""Does it help? The same small classifier with and without synthetic images, tested on real held-out images.

Arms, each with the same network, start values, number of updates and seeds:
  real            the real training images as they are
  oversampling    the real images, every class shown equally often
  classical       oversampling and classical augmentation (augment.py): what the gain is measured against
  synthetic       classical, and synthetic images in between
  synthetic_only  synthetic images alone, every class equally often (the CAS of arXiv:1905.10887)

How synthetic images are mixed in: at share s every class is filled up with synthetic images to (1 + s) times the largest real
class, as a balanced export would. In a balanced dataset that is s synthetic images for each real one; a rare class gets more.
`share` is fixed beforehand; the sweep over `shares` is shown but decides nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.classifier import fit
from gan_core.evaluation.classifier_augment import Policy
from gan_core.evaluation.utility_gain import compare, mean_and_interval, recalls
from gan_core.text import and_more

TITLES = {
    "real": "Real images",
    "oversampling": "Real images, rare classes shown as often",
    "classical": "The same with classical augmentation",
    "synthetic": "The same with synthetic images added",
    "synthetic_only": "Synthetic images only",
}
FEW_SEEDS = 5
FEW_TEST_IMAGES = 20  # of a class: fewer say little about its recall

Synthetic = Callable[[int, int], np.ndarray] | tuple[np.ndarray, np.ndarray]


def utility(
    train_images: np.ndarray,
    train_labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
    classes: list[str],
    synthetic: Synthetic,
    *,
    seeds: int = 5,
    updates: int = 300,
    batch: int = 64,
    shots: int | None = None,
    share: float = 1.0,
    shares: Sequence[float] = (0.25, 0.5, 1.0, 2.0),
    flips: bool = False,
    seed: int = 0,
    device: str = "cpu",
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """The facts of the comparison for JSON: arms, gain over `classical` with intervals, sweep, verdict, caveats.

    images uint8 [N, S, S, C], labels int64 [N]. synthetic(label, count) -> uint8 [count, S, S, C], or (images, labels).
    shots: at most so many real images a class, drawn anew for each seed. Everything follows from `seed`. Raises UserError
    one_class, no_test_images, bad_seeds, bad_shots, Stopped.
    """
    train_labels, test_labels = np.asarray(train_labels, np.int64), np.asarray(test_labels, np.int64)
    counts = np.bincount(train_labels, minlength=len(classes))
    check(counts, test_labels, seeds, shots, [share, *shares])
    counts = np.minimum(counts, shots) if shots else counts
    say = on_progress or (lambda done, text: None)
    sweep = sorted({share, *shares})
    most = most_useful(counts, max(sweep), updates * batch)
    pool = Pool(synthetic, most, lambda done: say(0.1 * done, "Drawing synthetic images"), should_stop)

    plans: dict[str | float, tuple[float | None, Policy]] = {  # name -> share of synthetic images, augmentation
        "real": (None, "none"),
        "oversampling": (None, "none"),
        "classical": (None, "classical"),
        "synthetic_only": (None, "none"),
        **{part: (part, "classical") for part in sweep},
    }
    right: dict[str | float, list[np.ndarray]] = {name: [] for name in plans}
    done_updates: dict[str | float, set[int]] = {name: set() for name in plans}
    labels, step = np.concatenate([train_labels, pool.labels]), 0
    for number in range(seeds):
        rows = few(train_labels, shots, np.random.default_rng([seed, number]))
        real = np.isin(np.arange(len(train_labels)), rows).astype(float)
        for name, (part, policy) in plans.items():
            if name == "synthetic_only" and not len(pool.labels):
                continue
            tell = lambda at, _, step=step: say(0.1 + 0.9 * (step + at) / (seeds * len(plans)), "Training classifiers")
            fitted = fit(
                [train_images, pool.images] if len(pool.labels) else train_images,
                labels,
                len(classes),
                updates=updates,
                batch=batch,
                seed=seed + number,
                weights=shown(name, part, real, pool.labels, counts),
                balanced=name != "real",  # also where the pool leaves a class short
                augment=policy,
                flips=flips and policy == "classical",
                device=device,
                on_progress=tell,
                should_stop=should_stop,
            )
            predicted = fitted.classify(test_images, device, should_stop).logits.argmax(1)
            right[name].append(predicted == test_labels)
            done_updates[name].add(fitted.notes["updates"])
            step += 1
    sources: dict[str, str | float] = {
        "real": "real",
        "oversampling": "oversampling",
        "classical": "classical",
        "synthetic": share,
    }
    arms = {
        arm: {
            **recalls(np.array(right[name]), test_labels, classes),
            "title": TITLES[arm],
            "updates": max(done_updates[name]),
        }
        for arm, name in (sources | {"synthetic_only": "synthetic_only"}).items()
        if right[name]
    }
    base = np.array(right["classical"])
    result = compare(base, np.array(right[share]), test_labels, classes, seed)
    return {
        "seeds": seeds,
        "updates": updates,
        "batch": batch,
        "shots": shots,
        "share": share,
        "n_train": int(counts.sum()),
        "n_test": len(test_labels),
        "n_synthetic": len(pool.labels),
        "gan_seeds": 1,
        "arms": arms,
        **result,
        "sweep": [row(part, base, np.array(right[part]), test_labels, classes) for part in sweep],
        "caveats": caveats(result, seeds, shots, share, test_labels, classes, pool, most),
    }


def check(counts: np.ndarray, test_labels: np.ndarray, seeds: int, shots: int | None, shares: list[float]) -> None:
    if (counts > 0).sum() < 2:
        raise UserError(
            "one_class",
            "This dataset has training images of one class only, so there is nothing to classify.",
            "Import one with more classes.",
        )
    if not len(test_labels):
        raise UserError(
            "no_test_images", "This dataset has no held-out images to test on.", "Import it again with a test share."
        )
    if seeds < 2:
        raise UserError("bad_seeds", f"A comparison needs at least 2 seeds, not {seeds}.", "5 or more is usual.")
    if shots is not None and shots < 1:
        raise UserError("bad_shots", "At least one real image a class is needed.", "Leave it out to use all of them.")
    if not all(0 < part <= 100 for part in shares):
        raise UserError("bad_share", "A synthetic share must be above 0 and at most 100.", "0.25 to 2 is usual.")


def most_useful(counts: np.ndarray, share: float, images_shown: int) -> np.ndarray:
    """How many synthetic images of each class to draw [classes]: as planned, but no more than a classifier gets to see."""
    known = counts > 0  # the generator never saw a class without training images
    planned = np.ceil((1 + share) * counts.max() - counts)
    return np.where(known, np.minimum(planned, np.ceil(images_shown / known.sum())), 0).astype(int)


def few(labels: np.ndarray, shots: int | None, rng: np.random.Generator) -> np.ndarray:
    """Rows of at most `shots` images of each class."""
    order = rng.permutation(len(labels))
    if shots is None:
        return order
    return np.concatenate([order[labels[order] == label][:shots] for label in np.unique(labels)])


def shown(
    name: str | float, part: float | None, real: np.ndarray, pool_labels: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """How often each row of (real, pool) is shown, relative to the others."""
    if name == "synthetic_only":
        return np.concatenate([0 * real, np.ones(len(pool_labels))])
    if part is None:
        return np.concatenate([real, np.zeros(len(pool_labels))])
    # A class needs (1 + s) max - n synthetic images. Where the pool has fewer, each stands for several; where it has more,
    # only the first are used, so that a small share is tested with few images.
    missing = (1 + part) * counts.max() - counts
    weights = np.zeros(len(pool_labels))
    for label in np.unique(pool_labels):
        rows = np.flatnonzero(pool_labels == label)[: int(np.ceil(missing[label]))]
        weights[rows] = missing[label] / len(rows)
    return np.concatenate([real, weights])


class Pool:
    """The synthetic images of all arms and seeds, drawn once: images uint8 [N, S, S, C], labels int64 [N]."""

    def __init__(
        self,
        synthetic: Synthetic,
        wanted: np.ndarray,
        on_progress: Callable[[float], None],
        should_stop: Callable[[], bool] | None,
    ):
        images, labels, drawn = [], [], 0
        for label in np.flatnonzero(wanted):
            if should_stop and should_stop():
                raise Stopped
            if isinstance(synthetic, tuple):
                some = synthetic[0][np.flatnonzero(np.asarray(synthetic[1]) == label)[: wanted[label]]]
            else:
                some = synthetic(int(label), int(wanted[label]))
            drawn += len(some)
            images.append(some)
            labels.append(np.full(len(some), label, np.int64))
            on_progress(drawn / wanted.sum())
        self.images, self.labels = np.concatenate(images), np.concatenate(labels)


def row(part: float, base: np.ndarray, arm: np.ndarray, test_labels: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """One line of the sweep."""
    own, over = recalls(arm, test_labels, classes), recalls(base, test_labels, classes)
    gain, interval = mean_and_interval(np.array(own["values"]) - np.array(over["values"]))
    accuracy = {key: own[key] for key in ("balanced_accuracy", "ci95")}
    return {"share": part, **accuracy, "gain": gain, "gain_ci95": interval}


def caveats(
    result: dict[str, Any],
    seeds: int,
    shots: int | None,
    share: float,
    test_labels: np.ndarray,
    classes: list[str],
    pool: Pool,
    wanted: np.ndarray,
) -> list[str]:
    """Plain sentences that belong beside the verdict."""
    told = ["One trained generator was judged: another training run may help more, or less."]
    if seeds < FEW_SEEDS:
        told.append(f"With {seeds} seeds the intervals are wide and shaky: use at least {FEW_SEEDS}.")
    if shots:
        told.append(
            f"The classifier saw at most {shots} real images of a class, but the generator may have learnt from more: "
            "part of a gain can be those images coming back."
        )
    low, high = result["test_bootstrap_ci95"]
    if low <= 0 <= high and result["verdict"] == "helps":
        told.append("On another draw of held-out images the gain could vanish: there are too few to be sure.")
    held_out = np.bincount(test_labels, minlength=len(classes))
    gone = [name for name, count in zip(classes, held_out, strict=True) if not count]
    scarce = [name for name, count in zip(classes, held_out, strict=True) if 0 < count < FEW_TEST_IMAGES]
    for names, what in (
        (gone, "no held-out images and no recall"),
        (scarce, f"fewer than {FEW_TEST_IMAGES} held-out images"),
    ):
        if names:
            which = and_more([repr(name) for name in names], 3)
            told.append(f"Of class {which} there are {what}." if names is gone else f"Class {which}: {what}.")
    empty = [classes[label] for label in np.flatnonzero(wanted) if not (pool.labels == label).any()]
    if empty:
        told.append(f"Without any synthetic image: {', '.join(repr(name) for name in empty[:5])}.")
    told.append(f"The verdict uses a share of {share:g}, fixed beforehand; the best of a sweep would flatter.")
    return told
