"""Utility: does synthetic data help a classifier? The best training with it against the best without it, on real test images.

First everything is chosen on the validation images: the number of updates for the plain baseline, then the baseline, then the use
of the synthetic images. Then the arms below are trained anew, over draws of the training images, generators and seeds, and the
test images are looked at for the first time.

  real            the real training images as they are
  classical       the plain baseline: every class equally often, classical augmentation
  baseline        the baseline that was best on validation: what the gain is measured against
  synthetic       that baseline with synthetic images, in the use that was best on validation
  control         the same, with real training images again in the place of the synthetic ones
  synthetic_only  synthetic images alone, every class equally often (the CAS of arXiv:1905.10887)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from gan_core.errors import UserError
from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from gan_core.evaluation.results import Arm as ArmResult
from gan_core.evaluation.results import ChoiceRow, Gain, UtilityResult
from gan_core.evaluation.utility import batches, protocol
from gan_core.evaluation.utility.arms import ArmOptions, Pool, choose_updates, train_arm
from gan_core.evaluation.utility.gain import balanced_accuracy, compare, gain_over, recalls
from gan_core.evaluation.utility.protocol import ALONE, AS_IT_IS, BATCH, PLAIN, USES, Arm, Baseline, ClassifierName, Use
from gan_core.text import and_more

TITLES = {
    "real": "Real images as they are",
    "classical": "Every class as often, classical augmentation",
    "baseline": "The best training on real images alone",
    "synthetic": "The same with synthetic images added",
    "control": "Real images again in the place of the synthetic ones",
    "synthetic_only": "Synthetic images only",
}
AGAIN = "again"  # the way of `control`: the training images themselves
FEW_TEST_IMAGES = 20  # of a class: fewer say little about its recall
POOL_TIMES, LEAST_POOL, MOST_POOL = (
    3,
    200,
    20_000,
)  # synthetic images of a class to its largest real one; of a class; of all

Synthetic = Callable[[int, int], np.ndarray]  # (label, count) -> uint8 [at most count, S, S, C]


class Classifying(Protocol):
    """What a trained classifier can do; arms.Fitted."""

    def right(self, split: Labeled) -> np.ndarray: ...


Train = Callable[[Arm, RealImages, Mapping[str, Pool], ArmOptions, Progress], Classifying]


class Draw(NamedTuple):
    """A draw of the training images, and what makes synthetic images from it: one for each trained generator."""

    real: RealImages
    generators: Sequence[Synthetic]


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


class Decisions(NamedTuple):
    """What was chosen on validation. use: the best of the uses, None where there are no synthetic images. helps: it was better than
    the baseline. baselines, uses: the balanced accuracy of each on validation."""

    updates: int
    baseline: Baseline
    use: Use | None
    helps: bool
    baselines: list[ChoiceRow]
    uses: list[ChoiceRow]


def utility(
    draws: Sequence[Draw],
    settings: Settings = Settings(),  # noqa: B008  it is immutable
    progress: Progress = Progress(),  # noqa: B008
    train: Train = train_arm,
) -> UtilityResult:
    """Arms, gain over the baseline with intervals, what was chosen and how, verdict, caveats, all from settings.seed.

    All draws have the same test images and equally many generators. Raises UserError one_class, no_test_images, bad_seeds; Stopped.
    """
    check(draws, settings)
    blind = [Draw(without_test(draw.real), draw.generators) for draw in draws]
    updates = settings.updates or choose_updates(
        blind[0].real, settings.options(0, 0), progress.part(0, 0.1, "How many updates a classifier needs")
    )
    pools = draw_pools(blind, updates, settings, progress.part(0.1, 0.2, "Drawing synthetic images"))
    decisions = decide(blind, pools, updates, settings, progress.part(0.2, 0.5, "Choosing on validation images"), train)
    arms = arms_of(decisions, settings.way)
    right = score(draws, pools, arms, updates, settings, progress.part(0.5, 1, "Training classifiers"), train)
    return verdict(draws, pools, decisions, right, settings)


def check(draws: Sequence[Draw], settings: Settings) -> None:
    real = draws[0].real
    if any(len(np.unique(draw.real.train.labels)) < 2 for draw in draws):
        raise UserError(
            "one_class",
            "This dataset has training images of one class only, so there is nothing to classify.",
            "Import one with more classes.",
        )
    if not len(real.test.labels):
        raise UserError(
            "no_test_images", "This dataset has no held-out images to test on.", "Import it again with a test share."
        )
    if settings.seeds < 1 or settings.seeds * len(draws) * len(draws[0].generators) < 2:
        raise UserError(
            "bad_seeds", f"A comparison needs at least 2 classifiers, not {settings.seeds}.", "5 or more is usual."
        )
    same = all(np.array_equal(draw.real.test.labels, real.test.labels) for draw in draws)
    if not same or len({len(draw.generators) for draw in draws}) > 1:
        raise ValueError("draws with other test images, or another number of generators")


def without_test(real: RealImages) -> RealImages:
    """What decisions may see."""
    return real._replace(test=Labeled(real.test.images[:0], real.test.labels[:0]))


def draw_pools(draws: Sequence[Draw], updates: int, settings: Settings, progress: Progress) -> list[list[Pool]]:
    """The synthetic images of each draw and generator, drawn once for all arms and seeds; no more than a classifier gets to see."""
    shown = updates * (settings.batch or BATCH[settings.classifier])
    found: list[list[Pool]] = []
    whole, done = sum(len(draw.generators) for draw in draws), 0
    for draw in draws:
        counts = class_counts(draw.real)
        most = min(shown, MOST_POOL) // max(1, int((counts > 0).sum())) + 1
        wanted = np.where(counts > 0, min(most, max(LEAST_POOL, POOL_TIMES * int(counts.max()))), 0)
        found.append([])
        for synthetic in draw.generators:
            part = progress.part(done / whole, (done + 1) / whole)
            found[-1].append(pool_of(synthetic, wanted, draw.real, part))
            done += 1
    return found


def pool_of(synthetic: Synthetic, wanted: np.ndarray, real: RealImages, progress: Progress) -> Pool:
    """wanted: how many of each class [K]; of some there may be fewer."""
    images, labels = [real.train.images[:0]], [np.empty(0, np.int64)]
    for label in np.flatnonzero(wanted):
        progress.check()
        images.append(synthetic(int(label), int(wanted[label])))
        labels.append(np.full(len(images[-1]), label, np.int64))
        progress.report(float(sum(map(len, images)) / wanted.sum()), "")
    return Pool(np.concatenate(images), np.concatenate(labels))


def class_counts(real: RealImages) -> np.ndarray:
    return np.bincount(np.asarray(real.train.labels, np.int64), minlength=len(real.classes))


def decide(
    draws: Sequence[Draw],
    pools: list[list[Pool]],
    updates: int,
    settings: Settings,
    progress: Progress,
    train: Train = train_arm,
) -> Decisions:
    """Choose baseline and use on validation; try t of an arm is of draw and generator t. draws: without test images."""
    counts = class_counts(draws[0].real)
    uses = list(settings.uses)
    for pool in (pool for some in pools for pool in some):
        uses = usable(uses, counts, pool.labels)
    if not len(draws[0].real.validation.labels):
        fixed = uses[min(1, len(uses) - 1)] if uses else None
        return Decisions(updates, PLAIN, fixed, False, [], [])
    stages = protocol.stages(even=len(set(counts[counts > 0].tolist())) == 1)
    whole, done = 1 + sum(map(len, stages)) + len(uses), 0

    def validation(arm: Arm) -> float:
        nonlocal done
        values = []
        for number in range(settings.tries):
            draw = number % len(draws)
            real, pool = draws[draw].real, pools[draw][number % len(pools[draw])]
            at = (done + number / settings.tries) / whole
            part = progress.part(at, at + 1 / whole / settings.tries)
            fitted = train(arm, real, {settings.way: pool}, settings.options(updates, number), part)
            labels = np.asarray(real.validation.labels, np.int64)
            values.append(float(balanced_accuracy(fitted.right(real.validation), labels, len(counts))))
        done += 1
        return float(np.mean(values))

    baseline, scores = choose_baseline(stages, lambda one: validation(Arm(baseline=one)))
    of_use = {use: validation(arm_of(baseline, settings.way, use)) for use in uses}
    best = max(of_use, key=lambda use: of_use[use]) if of_use else None
    return Decisions(
        updates,
        baseline,
        best,
        best is not None and of_use[best] > scores[baseline],
        [ChoiceRow(name=one.name, validation=value) for one, value in scores.items()],
        [ChoiceRow(name=use.name, validation=value) for use, value in of_use.items()],
    )


def choose_baseline(
    stages: list[list[dict[str, str]]], validation: Callable[[Baseline], float]
) -> tuple[Baseline, dict[Baseline, float]]:
    """The best by stages of changes (protocol.stages), and the score of each that was tried; of equals the first tried."""
    best = PLAIN
    scores = {best: validation(best)}
    for stage in stages:
        for change in stage:
            changed = Baseline.model_validate(best.model_dump() | change)
            scores[changed] = validation(changed)
        best = max(scores, key=lambda one: scores[one])
    return best, scores


def usable(uses: Iterable[Use], counts: np.ndarray, pool_labels: np.ndarray) -> list[Use]:
    """Those uses that make a difference on such a dataset, and of which the pool has images."""
    return [use for use in protocol.uses_for(counts, uses) if batches.shows(counts, use, pool_labels)]


def arm_of(baseline: Baseline, way: str, use: Use) -> Arm:
    return Arm(baseline=protocol.baseline_for(baseline, use), way=way, use=use)


def arms_of(decisions: Decisions, way: str) -> dict[str, Arm]:
    """The arms of the verdict, by key of TITLES."""
    arms = {
        "real": Arm(baseline=AS_IT_IS),
        "classical": Arm(baseline=PLAIN),
        "baseline": Arm(baseline=decisions.baseline),
    }
    if decisions.use is None:
        return arms
    alone = Arm(baseline=decisions.baseline, way=way, use=ALONE)
    used, control = (arm_of(decisions.baseline, one, decisions.use) for one in (way, AGAIN))
    return {**arms, "synthetic": used, "control": control, "synthetic_only": alone}


def score(
    draws: Sequence[Draw],
    pools: list[list[Pool]],
    arms: Mapping[str, Arm],
    updates: int,
    settings: Settings,
    progress: Progress,
    train: Train = train_arm,
) -> dict[str, np.ndarray]:
    """arm -> bool [draws, generators, seeds, N]: whether each classifier is right about each test image.

    Each has start values and an order of its own, which no classifier had on validation; equal arms are trained once.
    """
    right: dict[str, np.ndarray] = {}
    different = {arm.name: arm for arm in arms.values()}
    shape = (len(draws), len(draws[0].generators), settings.seeds)
    whole, done = len(different) * int(np.prod(shape)), 0
    for name, arm in different.items():
        found = np.empty((*shape, len(draws[0].real.test.labels)), bool)
        for number, place in enumerate(np.ndindex(shape)):
            real, pool = draws[place[0]].real, pools[place[0]][place[1]]
            options = settings.options(updates, settings.tries + number)
            part = progress.part(done / whole, (done + 1) / whole)
            pools_of = {settings.way: pool, AGAIN: Pool(*real.train)}
            found[place] = train(arm, real, pools_of, options, part).right(real.test)
            done += 1
        right[name] = found
    return {key: right[arm.name] for key, arm in arms.items()}


def verdict(
    draws: Sequence[Draw],
    pools: list[list[Pool]],
    decisions: Decisions,
    right: Mapping[str, np.ndarray],
    settings: Settings,
) -> UtilityResult:
    real, classes = draws[0].real, draws[0].real.classes
    labels = np.asarray(real.test.labels, np.int64)
    base = right["baseline"]
    arm = right.get("synthetic", base)

    def over(before: np.ndarray, after: np.ndarray) -> Gain:
        value, bounds = gain_over(before, after, labels, len(classes))
        return Gain(gain=value, ci95=bounds)

    result = UtilityResult(
        protocol=protocol.VERSION,
        classifier=settings.classifier,
        draws=len(draws),
        gan_seeds=len(draws[0].generators),
        seeds=settings.seeds,
        updates=decisions.updates,
        batch=settings.batch or BATCH[settings.classifier],
        way=settings.way,
        baseline=decisions.baseline.name,
        use=decisions.use.name if decisions.use else None,
        chosen=decisions.helps,
        n_train=len(real.train.labels),
        n_validation=len(real.validation.labels),
        n_test=len(labels),
        n_synthetic=len(pools[0][0].labels),
        arms={
            key: ArmResult(**recalls(right[key], labels, classes), title=title, updates=decisions.updates)
            for key, title in TITLES.items()
            if key in right
        },
        baseline_gain=over(right["classical"], base),
        total_gain=over(right["classical"], arm),
        baselines=decisions.baselines,
        uses=decisions.uses,
        **compare(base, arm, labels, classes, settings.seed, right.get("control")),
    )
    known = class_counts(real) > 0
    empty = [name for label, name in enumerate(classes) if known[label] and not (pools[0][0].labels == label).any()]
    return result.model_copy(update={"caveats": caveats(result, labels, classes, empty)})


def caveats(result: UtilityResult, test_labels: np.ndarray, classes: list[str], empty: list[str]) -> list[str]:
    """Plain sentences that belong beside the verdict. empty: classes of which there is no synthetic image."""
    found = []
    if result.draws * result.gan_seeds == 1:
        found.append(
            "One trained generator was tested, so the interval is over the seeds of the classifier alone: another training run may "
            "help more, or less."
        )
    elif result.draws == 1:
        found.append("One draw of the training images was tested: with other images the gain may be another.")
    if not result.n_validation:
        found.append(
            "There are no validation images, so nothing was chosen: the baseline and the use are the usual ones."
        )
    if result.use is None:
        found.append("There were no synthetic images to test.")
    low, high = result.test_bootstrap_ci95 or (0.0, 0.0)
    if low <= 0 <= high and (result.gain_ci95 or [0.0])[0] > 0:
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
    return found
