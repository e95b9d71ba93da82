"""Which arms a race tries, in which order they are given up, and how many of them, how long and how often, the time allows."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np

from gan_core.evaluation.utility.protocol import (
    AGAIN,
    FIRST_PART,
    MOST_FILLED,
    NO_IMAGES,
    PLAIN,
    Arm,
    Baseline,
    Use,
    baseline_for,
    rare_classes,
)
from gan_core.evaluation.utility.race import LEAST_ARMS, Rung

GAN = "gan"
SPARE = 1.1  # of the planned seconds: what is not measured beforehand
SCALES = (1.0, 0.75, 0.5, 0.35)  # of the updates that were chosen on the validation images
EARLY = 0.5  # of the updates of later rungs, in the first of three rungs
# Arms that enter each rung, and classifiers of each arm in it: the most that the time allows. A race is better cut to fewer arms
# than to classifiers that are half trained, which measure who learns fastest.
SHAPES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((20, 2), (8, 3), (5, 5)),
    ((20, 1), (8, 2), (5, 5)),
    ((16, 1), (6, 2), (4, 4)),
    ((12, 1), (5, 2), (4, 3)),
    ((10, 1), (4, 2), (4, 3)),
    ((8, 1), (4, 1), (4, 3)),
)
SMALL_SHAPES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((6, 1), (3, 3)),
    ((4, 1), (3, 2)),
    ((3, 2),),
    ((2, 2),),
)


class Speed(NamedTuple):
    """Seconds of one update of the plain baseline, and seconds beside the updates of one classifier."""

    update: float
    classifier: float

    def of(self, updates: int, seeds: int) -> float:
        return seeds * (updates * self.update + self.classifier)


def candidates(counts: Sequence[int], ways: Sequence[str], taught: Collection[str] = ()) -> list[Arm]:
    """The arms of a race; the first is the plain baseline, the last are given up first.

    counts: training images by class. ways: those that have images, the most promising first. taught: those of them that have the
    labels of a teacher.
    """
    uneven, rare = len({count for count in counts if count}) > 1, bool(rare_classes(counts).any())
    turns: list[list[Arm]] = [real_arms(uneven)]
    turns += [synthetic_arms(way, uneven, rare, way in taught) for way in ways]
    found = [Arm()]
    for place in range(max(map(len, turns))):
        found += [arms[place] for arms in turns if place < len(arms)]
    return list({arm.name: arm for arm in found}.values())


def real_arms(uneven: bool) -> list[Arm]:
    """Baselines other than the plain one."""
    changes = [{"sampling": "deferred"}, {"mix": "cmo"}] if uneven else []
    changes += [{"mix": "cutmix"}, {"policy": "strong"}, {"mix": "mixup"}, {"policy": "light"}]
    return [Arm(baseline=Baseline.model_validate(PLAIN.model_dump() | change)) for change in changes]


def synthetic_arms(way: str, uneven: bool, rare: bool, soft: bool) -> list[Arm]:
    """The uses of one way, the most promising first."""
    uses = [Use(share=0.5, labels="soft")] if soft else []
    uses += [Use(share=0.5, phase="first"), Use(share=0.25)]
    if way == GAN:
        uses += [Use(share=0.5, classes="rare")] if rare else []
        uses += [Use(share=0.5, phase="pretrain"), Use(share=0.5)]
        uses += [Use(share=0, fill=True)] if uneven else []
    return [Arm(baseline=baseline_for(PLAIN, use), way=way, use=use) for use in uses]


def combined(real: Arm, synthetic: Arm) -> Arm | None:
    """The baseline of one arm with the synthetic images of another."""
    if synthetic.use is None or synthetic.way == NO_IMAGES:
        return None
    return synthetic.model_copy(update={"baseline": baseline_for(real.baseline, synthetic.use)})


def control(arm: Arm) -> Arm | None:
    """Real images again in the place of the synthetic ones of an arm, in the same use; None where it has none."""
    return None if arm.use is None else arm.model_copy(update={"way": AGAIN})


def cost(arm: Arm, counts: Sequence[int]) -> float:
    """How many times as many images as the plain baseline an arm is shown. counts: training images by class."""
    use = arm.use
    if use is None:
        return 1.0
    if use.fill:
        present = [count for count in counts if count]
        return 1 + min(MOST_FILLED, len(present) * max(present) / sum(present) - 1)
    share = use.share / (1 - use.share) if use.share < 1 else 0.0
    if use.classes == "rare":
        present_classes = np.asarray(counts) > 0
        share *= float(rare_classes(counts)[present_classes].mean())
    return 1 + share * (FIRST_PART if use.phase == "first" else 1.0)


def plan_rungs(
    arms: Sequence[Arm], cost_of: Callable[[Arm], float], updates: int, speed: Speed, seconds: float, seed: int
) -> list[Rung]:
    """The most thorough race that so many seconds allow; [] where they do not even allow one arm beside the plain baseline.

    updates: of a classifier that is trained to the end. seed: the first of the seeds; no two rungs have one in common.
    """
    costs = sorted(map(cost_of, arms), reverse=True)
    tried = [(shape, scale) for scale in SCALES[:3] for shape in SHAPES]
    tried += [(shape, scale) for shape in SMALL_SHAPES for scale in SCALES]
    for shape, scale in tried:
        full = max(1, round(scale * updates))
        rungs = []
        for number, (keep, seeds) in enumerate(shape):
            own = max(1, round(EARLY * full)) if number == 0 and len(shape) > 2 else full
            numbers = tuple(seed + 1000 * number + one for one in range(seeds))
            rungs.append(Rung(own, numbers, keep, speed.of(own, seeds)))
        needed = sum(map(cost_of, arms[: rungs[0].keep])) * rungs[0].seconds  # the others may be any
        needed += sum(sum(costs[: rung.keep]) * rung.seconds for rung in rungs[1:])
        needed += costs[0] * rungs[-1].seconds if shape[-1][0] >= LEAST_ARMS else 0  # of a control
        if SPARE * needed <= seconds:
            return rungs
    return []
