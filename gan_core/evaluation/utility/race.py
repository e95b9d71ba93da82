"""Successive halving (arXiv:1502.07943) over arms, on the validation images: what helps a classifier?

The first arm is the plain baseline. It, and the best arm without synthetic images, stay in the race to its end. Each rung trains
the arms that are left with more updates or more seeds. An arm is dropped where it is clearly behind the first of its rung, or where
the time does not allow more arms. The seeds of a rung are used in no other one, so the last rung scores the finalists anew, and it
alone decides: the best of many equal arms looks better than it is. Everything but the time is a pure function of the scores.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from gan_core.evaluation.utility.protocol import Arm

Why = Literal["behind", "time"]
Scores = dict[str, list[float]]  # name of an arm -> its score with each seed of a rung

CLEARLY = 1.5  # standard errors behind the first that drop an arm
NOISE = 0.02  # standard deviation of a difference of two scores, before there are enough to estimate it
NOISE_WEIGHT = 2  # differences that NOISE counts as
LEAST_ARMS = 3  # of a rung before the last: the plain baseline, the best without synthetic images, and one more


class Scorer(Protocol):
    """What trains the arms. Rungs are counted from 0."""

    def score(self, arm: Arm, rung: int) -> list[float]:
        """Balanced accuracy on the validation images with each seed of the rung."""

    def cost(self, arm: Arm) -> float:
        """How many times as long as the plain baseline an arm takes."""

    def image_error(self, one: Arm, other: Arm, rung: int) -> float:
        """The standard error of the difference of two arms over the validation images, 0 where it is not known."""


class Rung(NamedTuple):
    """updates, seeds: of each classifier. keep: arms that enter it at most. seconds: about how long the plain baseline takes."""

    updates: int
    seeds: tuple[int, ...]
    keep: int
    seconds: float


class Row(NamedTuple):
    """An arm of a race. validation: its mean score in each rung that it ran in, counted from 1. dropped_at: the last of them, 0
    where it ran in none, None where it was not dropped."""

    arm: Arm
    validation: dict[int, float]
    dropped_at: int | None
    why: Why | None


class Race(NamedTuple):
    """choice: the arm to use. real: the one to use without synthetic images. lead, error, needed: by how much the best other arm of
    the last rung is ahead of the plain baseline, the standard error of that, and what it would have to be to be chosen; None where
    the time ended the race before its last rung. control: the arm with real images again in the place of the synthetic ones of the
    choice. own: the choice is ahead of it by more than chance too, so the gain is the synthetic images' own. None where the choice
    has no synthetic images, or there was no time for the control."""

    choice: Arm
    plain: Arm
    real: Arm
    lead: float | None
    error: float | None
    needed: float | None
    rows: list[Row]
    control: Arm | None = None
    own: bool | None = None


class Joins(NamedTuple):
    """Arms that join the last rung. combine: that with the best baseline and the best synthetic images, None where it is one of the
    two. control: that with real images again in the place of the synthetic ones of an arm; it can not be chosen."""

    combine: Callable[[Arm, Arm], Arm | None] = lambda real, synthetic: None
    control: Callable[[Arm], Arm | None] = lambda arm: None


@dataclass
class State:
    """What a race has done so far: who entered each rung, the scores of those that ran, and whether the rung is over."""

    entered: list[list[str]] = field(default_factory=list)
    scores: list[Scores] = field(default_factory=list)
    ended: list[bool] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {"entered": self.entered, "scores": self.scores, "ended": self.ended}

    @classmethod
    def read(cls, value: Mapping[str, Any] | None) -> "State":
        return cls(**value) if value else cls()


def race(
    arms: Sequence[Arm],
    scorer: Scorer,
    rungs: Sequence[Rung],
    seconds_left: Callable[[], float],
    joins: Joins = Joins(),  # noqa: B008  it is immutable
    *,
    state: State | None = None,
    save: Callable[[State], None] = lambda state: None,
) -> Race:
    """arms: the first is the plain baseline; the last are given up first where the time is short.

    state: of an earlier attempt, which is continued. save is called with the state after each scored arm.
    """
    running = Running(arms, scorer, rungs, Clock(seconds_left), state or State(), save)
    for number in range(len(rungs)):
        if number == len(rungs) - 1:
            running.join(joins.combine)
        running.rung(number)
    return running.outcome(joins.control)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def seed_error(scores: Scores, first: str) -> float:
    """The standard error of the difference of two arms of a rung over its seeds, pooled over all its arms against `first`."""
    squares, freedom = NOISE_WEIGHT * NOISE**2, NOISE_WEIGHT
    for name, values in scores.items():
        if name != first:
            gaps = [a - b for a, b in zip(values, scores[first], strict=True)]
            squares += sum((gap - mean(gaps)) ** 2 for gap in gaps)
            freedom += len(gaps) - 1
    return math.sqrt(squares / freedom / len(scores[first]))


def margin(error: float, rivals: int) -> float:
    """How far the best of so many rivals has to be ahead: its standard error, times what the best of equal ones is ahead by chance.

    sqrt(ln n) is sqrt(2 ln n), which the largest of n normal deviates approaches, times sqrt(1/2): all differences share the scores
    of one baseline and so have a correlation of one half.
    """
    return error * max(1.0, math.sqrt(math.log(max(1, rivals))))


class Clock:
    """How much slower than planned the arms were, and how many there is time for."""

    def __init__(self, seconds_left: Callable[[], float]):
        self.seconds_left, self.planned, self.taken = seconds_left, 0.0, 0.0

    @property
    def left(self) -> float:
        """Seconds as the rungs count them."""
        pace = max(0.5, self.taken / self.planned) if self.planned else 1.0
        return self.seconds_left() / pace

    def timed(self, planned: float, act: Callable[[], list[float]]) -> list[float]:
        before = self.seconds_left()
        found = act()
        self.planned, self.taken = self.planned + planned, self.taken + before - self.seconds_left()
        return found


class Running:
    """A race while it runs. Names stand for arms, as in its state."""

    def __init__(
        self,
        arms: Sequence[Arm],
        scorer: Scorer,
        rungs: Sequence[Rung],
        clock: Clock,
        state: State,
        save: Callable[[State], None],
    ):
        self.arms = {arm.name: arm for arm in arms}
        self.plain = arms[0].name
        self.scorer, self.rungs, self.clock, self.state, self.save = scorer, rungs, clock, state, save
        self.dropped: dict[str, Why] = {}
        self.field = list(self.arms)  # who may enter the next rung, the best first

    def rung(self, number: int) -> None:
        """Let those enter that the rung and the time allow, score them, and drop those that are clearly behind."""
        state = self.state
        if len(state.entered) == number:
            state.entered.append(self.entrants(number))
            state.scores.append({})
            state.ended.append(False)
            self.save(state)
        scores = state.scores[number]
        for name in state.entered[number]:
            if name in scores:
                continue
            if state.ended[number] or not self.scored(self.arms[name], number):
                break
        state.ended[number] = True
        if scores:
            self.drop(number)

    def scored(self, arm: Arm, number: int) -> bool:
        """Score an arm in a rung, where there is time for it."""
        seconds = self.rungs[number].seconds * self.scorer.cost(arm)
        if self.clock.left < seconds:
            return False
        self.state.scores[number][arm.name] = self.clock.timed(seconds, lambda: self.scorer.score(arm, number))
        self.save(self.state)
        return True

    def entrants(self, number: int) -> list[str]:
        """The first of the field, as many as the rung and the time allow, so that later rungs can have LEAST_ARMS.

        The plain baseline and the best arm without synthetic images are among them. None where there is no time for LEAST_ARMS,
        since the next rung is worth more. In the last rung there is time left for a control.
        """
        rung, later = self.rungs[number], self.rungs[number + 1 :]
        order = list(dict.fromkeys([self.plain, self.best_real(), *self.field]))[: rung.keep]
        left = self.clock.left - sum(LEAST_ARMS * one.seconds * self.dearest() for one in later)
        left -= 0 if later or len(order) < LEAST_ARMS else rung.seconds * self.dearest()
        chosen = []
        for name in order:
            left -= rung.seconds * self.scorer.cost(self.arms[name])
            if left < 0:
                break
            chosen.append(name)
        return chosen if len(chosen) >= min(LEAST_ARMS if later else 2, len(order)) else []

    def dearest(self) -> float:
        return max(self.scorer.cost(self.arms[name]) for name in [self.plain, *self.field[:LEAST_ARMS]])

    def best_real(self) -> str:
        return next(name for name in [*self.field, self.plain] if self.arms[name].use is None)

    def drop(self, number: int) -> None:
        """The next field: who ran in this rung and is not clearly behind its first, the best first."""
        scores = self.state.scores[number]
        order = self.order(number)
        self.dropped |= {name: "time" for name in self.field if name not in scores}
        if number == len(self.rungs) - 1:
            return
        stays = {self.plain, next(name for name in order if self.arms[name].use is None)}
        gap = lambda name: mean(scores[order[0]]) - mean(scores[name])
        error = lambda name: self.error(self.arms[order[0]], self.arms[name], number)
        behind = {name for name in order if gap(name) > CLEARLY * error(name)} - stays
        self.dropped |= dict.fromkeys(behind, "behind")
        self.field = [name for name in order if name not in behind]

    def order(self, number: int) -> list[str]:
        """The arms that ran in a rung, the best first."""
        scores = self.state.scores[number]
        return sorted(scores, key=lambda name: -mean(scores[name]))

    def error(self, one: Arm, other: Arm, number: int) -> float:
        """The standard error of the difference of two arms of a rung: over seeds or over images, whichever is larger."""
        over_images = self.scorer.image_error(one, other, number)
        scores = {name: values for name, values in self.state.scores[number].items() if name in self.arms}
        return max(seed_error(scores, self.plain), over_images)  # whether there is a control or not

    def join(self, combine: Callable[[Arm, Arm], Arm | None]) -> None:
        """Put the arm of the best baseline and the best synthetic images behind the two, where it is a new one."""
        synthetic = next((name for name in self.field if self.arms[name].use is not None), None)
        if synthetic is None or self.best_real() == self.plain:
            return
        joined = combine(self.arms[self.best_real()], self.arms[synthetic])
        if joined is not None and joined.name not in self.arms:
            self.arms[joined.name] = joined
            self.field.insert(min(2, len(self.field)), joined.name)

    def outcome(self, control: Callable[[Arm], Arm | None]) -> Race:
        """The choice: the plain baseline, unless another is ahead of it, and synthetic images only ahead of the best without."""
        number, arms = len(self.rungs) - 1, self.arms
        scores, order = self.state.scores[number], [name for name in self.order(number) if name in arms]
        if self.plain not in scores or len(order) < 2:
            plain = arms[self.plain]
            return Race(plain, plain, plain, None, None, None, self.rows(self.plain))
        compared = {
            name for rung in self.state.scores for name in rung if name in arms
        }  # the others had no time to be ahead
        lead = lambda arm, over: mean(scores[arm.name]) - mean(scores[over.name])
        needed = lambda arm, over: margin(self.error(arm, over, number), len(compared) - 1)
        ahead = lambda arm, over: arm != over and lead(arm, over) > needed(arm, over)
        plain, best = arms[self.plain], arms[next(name for name in order if name != self.plain)]
        real = arms[next(name for name in order if arms[name].use is None)]
        real = real if ahead(real, plain) else plain
        choice = best if best.use is not None and ahead(best, plain) and ahead(best, real) else real
        again = control(choice) if choice.use is not None else None
        if again is not None and again.name not in scores and not self.scored(again, number):
            again = None
        return Race(
            choice,
            plain,
            real,
            lead(best, plain),
            self.error(best, plain, number),
            needed(best, plain),
            self.rows(choice.name) + ([self.row(again, choice.name)] if again else []),
            again,
            ahead(choice, again) if again else None,
        )

    def rows(self, choice: str) -> list[Row]:
        return [self.row(arm, choice) for arm in self.arms.values()]

    def row(self, arm: Arm, choice: str) -> Row:
        ran = {at + 1: mean(scores[arm.name]) for at, scores in enumerate(self.state.scores) if arm.name in scores}
        finalist = arm.name == choice or arm.name in self.state.scores[-1]
        why = None if finalist else self.dropped.get(arm.name, "time")
        return Row(arm, ran, max(ran, default=0) if why else None, why)
