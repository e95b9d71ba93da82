"""Utility: does synthetic data help a classifier? The same small one with and without it, tested on real held-out images.

Arms, each with the same network, start values, number of updates and seeds:
  real            the real training images as they are
  oversampling    the real images, every class shown equally often
  classical       oversampling and classical augmentation (classifier_augment.py): what the gain is measured against
  synthetic       classical, and synthetic images in between
  synthetic_only  synthetic images alone, every class equally often (the CAS of arXiv:1905.10887)

How synthetic images are mixed in: at share s every class is filled up with synthetic images to (1 + s) times the largest real
class, as a balanced export would. In a balanced dataset that is s synthetic images for each real one; a rare class gets more.
`share` is fixed beforehand; the sweep over `shares` is shown but decides nothing.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from gan_core.errors import UserError
from gan_core.evaluation.classifier import FitOptions, fit
from gan_core.evaluation.classifier_augment import Policy
from gan_core.evaluation.inputs import Progress, RealImages
from gan_core.evaluation.results import Arm, SweepRow, UtilityResult
from gan_core.evaluation.utility.gain import compare, mean_and_interval, recalls
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


class Settings(NamedTuple):
    """seeds: repetitions, each with its own start values and order. shots: at most so many real images a class, drawn anew for
    each seed. share: of synthetic images, that decides the verdict; shares: others, for the sweep. flips: mirror in `classical`.
    """

    seeds: int = 5
    updates: int = 300
    batch: int = 64
    shots: int | None = None
    share: float = 1.0
    shares: Sequence[float] = (0.25, 0.5, 1.0, 2.0)
    flips: bool = False
    seed: int = 0
    device: str = "cpu"

    @property
    def sweep(self) -> list[float]:
        return sorted({self.share, *self.shares})


class ArmPlan(NamedTuple):
    """What the classifiers of an arm are shown. share: of synthetic images beside the real ones, None for none."""

    share: float | None = None
    augment: Policy = "none"
    balanced: bool = True
    synthetic_only: bool = False


PLANS = {
    "real": ArmPlan(balanced=False),
    "oversampling": ArmPlan(),
    "classical": ArmPlan(augment="classical"),
    "synthetic_only": ArmPlan(synthetic_only=True),
}


def utility(
    real: RealImages,
    synthetic: Synthetic,
    settings: Settings = Settings(),  # noqa: B008  it is immutable
    progress: Progress = Progress(),  # noqa: B008
) -> UtilityResult:
    """Arms, gain over `classical` with intervals, sweep, verdict, caveats.

    synthetic(label, count) -> uint8 [count, S, S, C], or (images, labels). Everything follows from settings.seed. Raises UserError
    one_class, no_test_images, bad_seeds, bad_shots, bad_share; Stopped.
    """
    train_labels, test_labels = (np.asarray(split.labels, np.int64) for split in (real.train, real.test))
    counts = np.bincount(train_labels, minlength=len(real.classes))
    check(counts, test_labels, settings)
    counts = np.minimum(counts, settings.shots) if settings.shots else counts
    wanted = most_useful(counts, max(settings.sweep), settings.updates * settings.batch)
    pool = Pool(synthetic, wanted, progress.part(0, 0.1, "Drawing synthetic images"))
    right = train_arms(real, pool, counts, settings, progress.part(0.1, 1, "Training classifiers"))
    base = right["classical"]
    found = compare(base, right[settings.share], test_labels, real.classes, settings.seed)
    result = UtilityResult(
        seeds=settings.seeds,
        updates=settings.updates,
        batch=settings.batch,
        shots=settings.shots,
        share=settings.share,
        n_train=int(counts.sum()),
        n_test=len(test_labels),
        n_synthetic=len(pool.labels),
        gan_seeds=1,
        arms={
            arm: Arm(**recalls(right[name], test_labels, real.classes), title=title, updates=settings.updates)
            for arm, title in TITLES.items()
            if (name := settings.share if arm == "synthetic" else arm) in right
        },
        sweep=[sweep_row(share, base, right[share], test_labels, real.classes) for share in settings.sweep],
        **found,
    )
    empty = [real.classes[label] for label in np.flatnonzero(wanted) if not (pool.labels == label).any()]
    return result.model_copy(update={"caveats": caveats(result, test_labels, real.classes, empty)})


def train_arms(
    real: RealImages, pool: "Pool", counts: np.ndarray, settings: Settings, progress: Progress
) -> dict[str | float, np.ndarray]:
    """arm, or share of the sweep -> bool [seeds, N]: whether the classifier of a seed is right about each held-out image."""
    plans: dict[str | float, ArmPlan] = {part: ArmPlan(part, "classical") for part in settings.sweep}
    plans = {**dict[str | float, ArmPlan](PLANS.items()), **plans}
    if not len(pool.labels):
        del plans["synthetic_only"]
    train_labels, test_labels = (np.asarray(split.labels, np.int64) for split in (real.train, real.test))
    images = [real.train.images, pool.images] if len(pool.labels) else real.train.images
    labels, step, steps = np.concatenate([train_labels, pool.labels]), 0, settings.seeds * len(plans)
    right: dict[str | float, list[np.ndarray]] = {name: [] for name in plans}
    for number in range(settings.seeds):
        rows = few(train_labels, settings.shots, np.random.default_rng([settings.seed, number]))
        chosen = np.isin(np.arange(len(train_labels)), rows).astype(float)
        for name, plan in plans.items():
            options = FitOptions(
                updates=settings.updates,
                batch=settings.batch,
                seed=settings.seed + number,
                weights=weights_of(plan, chosen, pool.labels, counts),
                balanced=plan.balanced,  # also where the pool leaves a class short
                augment=plan.augment,
                flips=settings.flips and plan.augment == "classical",
                device=settings.device,
            )
            fitted = fit(images, labels, len(real.classes), options, progress.part(step / steps, (step + 1) / steps))
            predicted = fitted.classify(real.test.images, settings.device, progress.should_stop).logits.argmax(1)
            right[name].append(predicted == test_labels)
            step += 1
    return {name: np.array(each) for name, each in right.items()}


def check(counts: np.ndarray, test_labels: np.ndarray, settings: Settings) -> None:
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
    if settings.seeds < 2:
        raise UserError(
            "bad_seeds", f"A comparison needs at least 2 seeds, not {settings.seeds}.", "5 or more is usual."
        )
    if settings.shots is not None and settings.shots < 1:
        raise UserError("bad_shots", "At least one real image a class is needed.", "Leave it out to use all of them.")
    if not all(0 < part <= 100 for part in settings.sweep):
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


def weights_of(plan: ArmPlan, real: np.ndarray, pool_labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """How often each row of (real, pool) is shown, relative to the others. real [N]: 1 for the rows that are used."""
    if plan.synthetic_only:
        return np.concatenate([0 * real, np.ones(len(pool_labels))])
    if plan.share is None:
        return np.concatenate([real, np.zeros(len(pool_labels))])
    # A class needs (1 + s) max - n synthetic images. Where the pool has fewer, each stands for several; where it has more,
    # only the first are used, so that a small share is tested with few images.
    missing = (1 + plan.share) * counts.max() - counts
    weights = np.zeros(len(pool_labels))
    for label in np.unique(pool_labels):
        rows = np.flatnonzero(pool_labels == label)[: int(np.ceil(missing[label]))]
        weights[rows] = missing[label] / len(rows)
    return np.concatenate([real, weights])


class Pool:
    """The synthetic images of all arms and seeds, drawn once: images uint8 [N, S, S, C], labels int64 [N]. wanted: by class."""

    def __init__(self, synthetic: Synthetic, wanted: np.ndarray, progress: Progress):
        images, labels, drawn = [], [], 0
        for label in np.flatnonzero(wanted):
            progress.check()
            if isinstance(synthetic, tuple):
                some = synthetic[0][np.flatnonzero(np.asarray(synthetic[1]) == label)[: wanted[label]]]
            else:
                some = synthetic(int(label), int(wanted[label]))
            drawn += len(some)
            images.append(some)
            labels.append(np.full(len(some), label, np.int64))
            progress.report(drawn / wanted.sum(), "")
        self.images, self.labels = np.concatenate(images), np.concatenate(labels)


def sweep_row(share: float, base: np.ndarray, arm: np.ndarray, test_labels: np.ndarray, classes: list[str]) -> SweepRow:
    own, over = recalls(arm, test_labels, classes), recalls(base, test_labels, classes)
    gain, interval = mean_and_interval(np.array(own["values"]) - np.array(over["values"]))
    return SweepRow(
        share=share, balanced_accuracy=own["balanced_accuracy"], ci95=own["ci95"], gain=gain, gain_ci95=interval
    )


def caveats(result: UtilityResult, test_labels: np.ndarray, classes: list[str], empty: list[str]) -> list[str]:
    """Plain sentences that belong beside the verdict. empty: classes of which there is no synthetic image."""
    found = ["One trained generator was tested: another training run may help more, or less."]
    if (result.seeds or 0) < FEW_SEEDS:
        found.append(f"With {result.seeds} seeds the intervals are wide and uncertain: use at least {FEW_SEEDS}.")
    if result.shots:
        found.append(
            f"The classifier saw at most {result.shots} real images of a class, but the generator may have learned from more: "
            "part of a gain can come from those images."
        )
    low, high = result.test_bootstrap_ci95 or (0.0, 0.0)
    if low <= 0 <= high and result.helps:
        found.append("With other held-out images the gain could vanish: there are too few to be sure.")
    held_out = np.bincount(test_labels, minlength=len(classes))
    none = [repr(name) for name, count in zip(classes, held_out, strict=True) if not count]
    scarce = [repr(name) for name, count in zip(classes, held_out, strict=True) if 0 < count < FEW_TEST_IMAGES]
    if none:
        found.append(f"Class {and_more(none, 3)}: no held-out images, so the recall is not known.")
    if scarce:
        found.append(f"Class {and_more(scarce, 3)}: fewer than {FEW_TEST_IMAGES} held-out images.")
    if empty:
        found.append(f"Without any synthetic image: {and_more([repr(name) for name in empty], 5)}.")
    found.append(
        f"The verdict uses a share of {result.share:g}, fixed beforehand; the best share of a sweep would look too good."
    )
    return found
