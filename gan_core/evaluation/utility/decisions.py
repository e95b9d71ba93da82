"""What `utility` decides on the validation images alone: the baseline, then the use of the synthetic images."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from gan_core.evaluation.inputs import Progress
from gan_core.evaluation.results import ChoiceRow
from gan_core.evaluation.utility import batches, protocol
from gan_core.evaluation.utility.arms import Pool
from gan_core.evaluation.utility.draws import Draw, Settings, Train, class_counts
from gan_core.evaluation.utility.gain import balanced_accuracy
from gan_core.evaluation.utility.protocol import PLAIN, Arm, Baseline, Use


class Decisions(NamedTuple):
    """What was chosen on validation. use: the best of the uses, None where there are no synthetic images. helps: it was better than
    the baseline. baselines, uses: the balanced accuracy of each on validation."""

    updates: int
    baseline: Baseline
    use: Use | None
    helps: bool
    baselines: list[ChoiceRow]
    uses: list[ChoiceRow]


def decide(
    draws: Sequence[Draw],
    pools: list[list[Pool]],
    updates: int,
    settings: Settings,
    progress: Progress,
    train: Train,
) -> Decisions:
    """Choose baseline and use on validation; try t of an arm is of draw and generator t. draws: without test images."""
    counts = class_counts(draws[0].real)
    uses = list(settings.uses)
    for pool in (pool for some in pools for pool in some):
        uses = usable(uses, counts, pool)
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


def usable(uses: Iterable[Use], counts: np.ndarray, pool: Pool) -> list[Use]:
    """Those uses that make a difference on such a dataset, and of which the pool has images, and soft labels for soft ones."""
    known = [use for use in uses if use.labels == "hard" or pool.soft is not None]
    return [use for use in protocol.uses_for(counts, known) if batches.shows(counts, use, pool.labels)]


def arm_of(baseline: Baseline, way: str, use: Use) -> Arm:
    return Arm(baseline=protocol.baseline_for(baseline, use), way=way, use=use)
