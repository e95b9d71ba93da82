"""What a search has found: its winner against the plain baseline, once on the test images, and the sentence that says so."""

from typing import Any

import numpy as np

from gan_core.evaluation.utility import gain
from gan_core.evaluation.utility.arms import Pool
from gan_core.evaluation.utility.found import Found, FoundRow, Reason
from gan_core.evaluation.utility.protocol import Arm
from gan_core.evaluation.utility.race import Race, Row
from gan_core.evaluation.utility.words import arm_in_words, baseline_in_words, use_in_words
from gan_core.jobs.shared.arm_scorer import ArmScorer
from gan_core.requests.improve import ImproveRequest
from gan_core.text import count

UNMEASURED: dict[str, Any] = {"baseline": None, "chosen": None, "gain": None, "gain_ci95": None}


def nothing(request: ImproveRequest, reason: Reason, sentence: str, notes: list[str]) -> Found:
    """The safe answer where nothing could be compared: no synthetic images."""
    return Found(
        choice=Arm().model_dump(mode="json"),
        classifier=request.classifier,
        **UNMEASURED,
        race=[],
        protocol=Found().protocol,
        run=request.run,
        dataset=request.dataset,
        seed=request.seed,
        minutes=request.minutes,
        reason=reason,
        sentence=f"Use no synthetic images: {sentence[0].lower()}{sentence[1:]}",
        notes=notes,
    )


def found_of(outcome: Race, scorer: ArmScorer, request: ImproveRequest, about: dict[str, Any]) -> Found:
    """The test images are looked at here, and nowhere before. about: further fields."""
    rungs, real, choice = scorer.rungs, scorer.task.real, outcome.choice
    values = (
        nothing(request, "", " ", []).to_json()
        | about
        | {
            "choice": choice.model_dump(mode="json"),
            "updates": rungs[-1].updates,
            "batch": scorer.task.options.batch,
            "seeds": list(rungs[-1].seeds),
            "best_real": outcome.real.model_dump(mode="json"),
            "control": outcome.control.model_dump(mode="json") if outcome.control else None,
            "own": outcome.own,
            "lead": outcome.lead,
            "lead_error": outcome.error,
            "lead_needed": outcome.needed,
            "race": [row_of(row) for row in outcome.rows],
            "rungs": [{"updates": rung.updates, "seeds": len(rung.seeds)} for rung in rungs],
            "made": {
                way: per_class(pool, real.classes)
                for way in choice.way.split("+")
                if (pool := scorer.task.pools.get(way)) is not None
            },
        }
    )
    if outcome.lead is None:
        said = "the time ended before the best arms could be compared. Give it more minutes."
        return Found(**values | {"reason": "too_little_time", "sentence": f"Use no synthetic images: {said}"})
    values |= verdict(outcome, scorer, request.seed)
    return Found(**values | {"sentence": sentence(outcome, values)})


def verdict(outcome: Race, scorer: ArmScorer, seed: int) -> dict[str, Any]:
    """Of the last rung on the test images: the plain baseline, the choice, and what its synthetic images are measured against."""
    test = scorer.task.real.test
    labels, classes = np.asarray(test.labels, np.int64), len(scorer.task.real.classes)
    rival = rival_of(outcome)
    right = {arm.name: scorer.right(arm, test) for arm in {outcome.plain, rival, outcome.choice}}
    plain, own, chosen = (right[arm.name] for arm in (outcome.plain, rival, outcome.choice))
    accuracy = lambda table: float(gain.balanced_accuracy(table, labels, classes).mean())
    over_plain, bounds = gain.gain_over(plain, chosen, labels, classes)
    over_own, own_bounds = gain.gain_over(own, chosen, labels, classes)
    over_images = lambda base: gain.bootstrap(chosen.mean((0, 1, 2)) - base.mean((0, 1, 2)), labels, seed)
    return {
        "baseline": accuracy(plain),
        "baseline_ci95": gain.of_another(plain, labels, classes, seed),
        "chosen": accuracy(chosen),
        "chosen_ci95": gain.of_another(chosen, labels, classes, seed),
        "gain": over_plain,
        "gain_ci95": hull(bounds, over_images(plain)),
        "own_gain": over_own,
        "own_gain_ci95": hull(own_bounds, over_images(own)),
    }


def rival_of(outcome: Race) -> Arm:
    """What the gain of the synthetic images is measured over: real images alone, used as well as was found."""
    if outcome.control is None:
        return outcome.real
    last = {row.arm: row.validation[max(row.validation)] for row in outcome.rows if row.validation}
    return max(outcome.real, outcome.control, key=lambda arm: last[arm])


def hull(one: list[float], other: list[float]) -> list[float]:
    """The interval that holds both: over the seeds of the classifier, and over the test images."""
    return [min(one[0], other[0]), max(one[1], other[1])]


def row_of(row: Row) -> dict[str, Any]:
    use, arm = row.arm.use, row.arm
    return FoundRow(
        name=arm.name,
        way=arm.way,
        use=use_in_words(use) if use else "",
        share=use.share if use else None,
        baseline=baseline_in_words(arm.baseline),
        validation=row.validation[max(row.validation)] if row.validation else None,
        by_rung={str(rung): value for rung, value in row.validation.items()},
        dropped_at=row.dropped_at,
        why=row.why,
    ).to_json()


def per_class(pool: Pool, classes: list[str]) -> dict[str, int]:
    """How many synthetic images of each class a way has."""
    counts = np.bincount(pool.labels, minlength=len(classes)).tolist()
    return dict(zip(classes, counts, strict=True))


def sentence(outcome: Race, values: dict[str, Any]) -> str:
    others = sum(bool(row.validation) for row in outcome.rows) - 1  # there may have been no time for some
    if outcome.choice == outcome.plain:
        assert outcome.lead is not None and outcome.needed is not None
        return (
            f"Use no synthetic images: of {count(others, 'other arm')} compared, none was ahead of the plain baseline by more than "
            f"chance on the validation images. The best was ahead by {100 * outcome.lead:+.1f} points, and "
            f"{100 * outcome.needed:.1f} are needed. The plain baseline has {values['baseline']:.1%} on the test images."
        )
    low, high = values["gain_ci95"]
    said = (
        f"Use {arm_in_words(outcome.choice)}: {values['chosen']:.1%} on the test images against {values['baseline']:.1%} with the "
        f"plain baseline, {100 * values['gain']:+.1f} points (95 % interval {100 * low:+.1f} to {100 * high:+.1f})."
    )
    if high < 0:
        return f"{said} That is worse, although it was ahead on the validation images: an export does not follow it."
    if low <= 0:
        said += " The test images do not confirm the gain of the validation images."
    return f"{said}{of_whom(outcome)}"


def of_whom(outcome: Race) -> str:
    """Whose the gain is, where it is not the synthetic images' own for all that is known."""
    if outcome.choice.use is None or outcome.own:
        return ""
    if outcome.own is None:
        return (
            " There was no time for the control, real images again in the place of the synthetic ones, so it is not known whether "
            "the gain is the synthetic images' own."
        )
    return (
        " On the validation images it was not ahead by more than chance of real images shown again in the place of the synthetic "
        "ones, so the gain is not shown to be the synthetic images' own."
    )
