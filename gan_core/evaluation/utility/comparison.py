"""Utility: does synthetic data help a classifier? The best training with it against the best without it, on real test images.

First everything is chosen on the validation images: the number of updates for the plain baseline, then the baseline, then the use
of the synthetic images. Then the arms below are trained anew, over draws of the training images, generators and seeds, and the
test images are looked at for the first time.

  real            the real training images as they are
  classical       the plain baseline: every class equally often, classical augmentation
  baseline        the baseline that was best on validation: what the gain is measured against
  synthetic       that baseline with synthetic images, in the use that was best on validation
  control         the same, with real training images again in the place of the synthetic ones, and a teacher's labels where
                  those have them
  synthetic_only  synthetic images alone, every class equally often (the CAS of arXiv:1905.10887)
"""

from collections.abc import Mapping, Sequence

import numpy as np

from gan_core.errors import UserError
from gan_core.evaluation.inputs import Progress, RealImages
from gan_core.evaluation.results import UtilityResult
from gan_core.evaluation.utility.arms import Pool, choose_updates, train_arm
from gan_core.evaluation.utility.decisions import Decisions, arm_of, decide
from gan_core.evaluation.utility.draws import Draw, Settings, Synthetic, Train, class_counts, without_test
from gan_core.evaluation.utility.protocol import AGAIN, ALONE, AS_IT_IS, BATCH, PLAIN, Arm
from gan_core.evaluation.utility.verdict import verdict

POOL_TIMES, LEAST_POOL, MOST_POOL = (
    3,
    200,
    20_000,
)  # synthetic images of a class to its largest real one; of a class; of all


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
    blind = [draw._replace(real=without_test(draw.real)) for draw in draws]
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
        raise UserError("no_test_images", "This dataset has no test images.", "Import it again with a test share.")
    if settings.seeds < 1 or settings.seeds * len(draws) * len(draws[0].generators) < 2:
        raise UserError(
            "bad_seeds", f"A comparison needs at least 2 classifiers, not {settings.seeds}.", "5 or more is usual."
        )
    same = all(np.array_equal(draw.real.test.labels, real.test.labels) for draw in draws)
    if not same or len({len(draw.generators) for draw in draws}) > 1:
        raise ValueError("draws with other test images, or another number of generators")


def draw_pools(draws: Sequence[Draw], updates: int, settings: Settings, progress: Progress) -> list[list[Pool]]:
    """The synthetic images of each draw and generator, drawn once for all arms and seeds; no more than a classifier gets to see."""
    shown = updates * (settings.batch or BATCH[settings.classifier])
    soft = any(use.labels == "soft" for use in settings.uses)
    found: list[list[Pool]] = []
    whole, done = sum(len(draw.generators) for draw in draws), 0
    for draw in draws:
        counts = class_counts(draw.real)
        most = min(shown, MOST_POOL) // max(1, int((counts > 0).sum())) + 1
        wanted = np.where(counts > 0, min(most, max(LEAST_POOL, POOL_TIMES * int(counts.max()))), 0)
        found.append([])
        for synthetic in draw.generators:
            part = progress.part(done / whole, (done + 1) / whole)
            pool = pool_of(synthetic, wanted, draw.real, part)
            found[-1].append(pool._replace(soft=draw.soft(pool.images)) if draw.soft and soft else pool)
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
    again = [real_again(draw, arms) for draw in draws]
    different = {arm.name: arm for arm in arms.values()}
    shape = (len(draws), len(draws[0].generators), settings.seeds)
    whole, done = len(different) * int(np.prod(shape)), 0
    for name, arm in different.items():
        found = np.empty((*shape, len(draws[0].real.test.labels)), bool)
        for number, place in enumerate(np.ndindex(shape)):
            real, pool = draws[place[0]].real, pools[place[0]][place[1]]
            options = settings.options(updates, settings.tries + number)
            part = progress.part(done / whole, (done + 1) / whole)
            pools_of = {settings.way: pool, AGAIN: again[place[0]]}
            found[place] = train(arm, real, pools_of, options, part).right(real.test)
            done += 1
        right[name] = found
    return {key: right[arm.name] for key, arm in arms.items()}


def real_again(draw: Draw, arms: Mapping[str, Arm]) -> Pool:
    """The images of the control, with the labels of the teacher where the synthetic ones have them: else the gain over it would
    be that of the labels."""
    use = arms["control"].use if "control" in arms else None
    soft = draw.soft(np.asarray(draw.real.train.images)) if use and use.labels == "soft" and draw.soft else None
    return Pool(*draw.real.train, soft)
