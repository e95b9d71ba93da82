"""The race of arms, by a simulated score: what is planted is found, and chance is not taken for a gain."""

import json
import zlib

import numpy as np
import pytest

from gan_core.evaluation.utility.candidates import candidates, combined, control
from gan_core.evaluation.utility.protocol import AGAIN, Arm, Baseline, Use
from gan_core.evaluation.utility.race import Joins, Race, Rung, State, margin, race

CLASSES, IMAGES = 10, 400  # of the validation split
RUNGS = [
    Rung(150, (0, 1), 12, 10.0),
    Rung(300, (1000, 1001), 6, 20.0),
    Rung(300, (2000, 2001, 2002, 2003), 4, 40.0),
]
ARMS = candidates([50] * CLASSES, ("gan", "pasted", "copies"))


class Simulated:
    """Classifiers that are right about each image with a probability of their own, and a clock that their training moves.

    gains: points of accuracy over the plain baseline by arm; arms also differ from image to image, as real ones do.
    """

    def __init__(self, seed: int, gains: dict[str, float] | None = None, slower: float = 1.0):
        self.seed, self.gains, self.slower, self.now, self.trained = seed, gains or {}, slower, 0.0, 0
        rng = np.random.default_rng(seed)
        self.ease = rng.normal(1.2, 1.5, IMAGES)  # about 72 % right, as a small network on photographs
        self.lift = (odds_to_chance(self.ease + 0.1) - odds_to_chance(self.ease)).mean() / 0.1
        self.share: dict[tuple[str, int], np.ndarray] = {}

    def right(self, arm: Arm, rung: int) -> np.ndarray:
        own = np.random.default_rng([self.seed, zlib.crc32(arm.name.encode())])
        odds = self.ease + 0.25 * own.normal(size=IMAGES) + self.gains.get(arm.name, 0.0) / 100 / self.lift
        own = np.random.default_rng([self.seed, rung, zlib.crc32(arm.name.encode())])
        seeds = len(RUNGS[rung].seeds)
        return own.random((seeds, IMAGES)) < odds_to_chance(odds) + own.normal(0, 0.01, (seeds, 1))

    def score(self, arm: Arm, rung: int) -> list[float]:
        self.now += self.slower * RUNGS[rung].seconds * self.cost(arm)
        self.trained += 1
        return self.right(arm, rung).mean(1).tolist()  # classes have equally many images

    def cost(self, arm: Arm) -> float:
        return 1.0 if arm.use is None else 1.5

    def image_error(self, one: Arm, other: Arm, rung: int) -> float:
        gaps = self.right(one, rung).mean(0) - self.right(other, rung).mean(0)
        return float(gaps.std(ddof=1) / IMAGES**0.5)

    def run(self, seconds: float = 1e6, state: State | None = None, save=lambda state: None) -> Race:
        left = lambda: seconds - self.now
        return race(ARMS, self, RUNGS, left, Joins(combined, control), state=state, save=save)


def odds_to_chance(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))


def gains_of(harm: float, **better: float) -> dict[str, float]:
    return {arm.name: -harm for arm in ARMS[1:]} | better


def test_without_any_gain_the_plain_baseline_stays():
    chosen = [Simulated(seed).run().choice for seed in range(50)]
    assert sum(arm == Arm() for arm in chosen) >= 40


def test_where_all_others_harm_the_plain_baseline_stays_always():
    assert all(Simulated(seed, gains_of(3)).run().choice == Arm() for seed in range(30))


@pytest.mark.parametrize("use", [Use(share=0.25), None])
def test_a_gain_of_three_points_is_found(use):
    best = Arm(way="gan", use=use) if use else Arm(baseline=Baseline(mix="mixup"))
    found = [Simulated(seed, gains_of(1) | {best.name: 3.0}).run() for seed in range(50)]
    assert sum(one.choice == best for one in found) >= 25
    assert sum(one.choice not in (best, Arm()) for one in found) <= 5


def test_a_gain_of_six_points_is_nearly_always_found():
    best = Arm(way="gan", use=Use(share=0.25))
    chosen = [Simulated(seed, gains_of(1) | {best.name: 6.0}).run().choice for seed in range(30)]
    assert sum(arm == best for arm in chosen) >= 27


def test_the_race_ends_within_its_seconds_even_where_arms_are_slower_than_planned():
    for seconds, slower in ((100, 1), (400, 1), (400, 2.5), (1500, 1.4)):
        simulated = Simulated(1, slower=slower)
        outcome = simulated.run(seconds)
        assert simulated.now <= seconds
        assert outcome.choice.name in {arm.name for arm in ARMS}


def test_more_seconds_let_more_arms_run():
    trained = []
    for seconds in (150, 300, 600, 1200):
        simulated = Simulated(2)
        simulated.run(seconds)
        trained.append(simulated.trained)
    assert trained == sorted(trained) and trained[0] < trained[-1]


def test_without_time_for_a_second_arm_the_plain_baseline_is_the_answer():
    outcome = Simulated(0, {ARMS[1].name: 20.0}).run(seconds=45.0)
    assert outcome.choice == Arm() and outcome.lead is None
    assert {row.why for row in outcome.rows if row.arm != Arm()} == {"time"}


@pytest.mark.parametrize("killed_after", [1, 5, 13, 20])
def test_a_race_that_was_killed_goes_on_to_the_same_result(killed_after):
    gains, saved = {ARMS[2].name: 4.0}, []
    first, again = Simulated(7, gains), Simulated(7, gains)
    whole = first.run(save=lambda state: saved.append(json.dumps(state.to_json())))
    state = State.read(json.loads(saved[killed_after]))
    done = sum(map(len, state.scores))
    assert again.run(state=state) == whole
    assert again.trained == first.trained - done > 0


def test_the_plain_baseline_and_the_best_without_synthetic_images_run_in_every_rung():
    simulated = Simulated(
        3, {arm.name: 8.0 for arm in ARMS if arm.use} | {arm.name: -8.0 for arm in ARMS[1:] if not arm.use}
    )
    outcome = simulated.run()
    plain = next(row for row in outcome.rows if row.arm == Arm())
    assert sorted(plain.validation) == [1, 2, 3] and plain.dropped_at is None
    assert any(3 in row.validation for row in outcome.rows if row.arm.use is None)


def test_arms_that_are_clearly_behind_are_dropped_in_the_first_rung():
    bad = ARMS[1]
    row = next(row for row in Simulated(4, {bad.name: -25.0}).run().rows if row.arm == bad)
    assert (row.dropped_at, row.why) == (1, "behind")


def test_the_best_baseline_and_the_best_synthetic_images_are_joined_for_the_last_rung():
    real = next(arm for arm in ARMS[1:] if arm.use is None)
    synthetic = next(arm for arm in ARMS if arm.use is not None)
    joined = combined(real, synthetic)
    outcome = Simulated(5, {real.name: 8.0, synthetic.name: 8.0, joined.name: 16.0}).run()
    assert outcome.choice == joined
    assert sorted(next(row for row in outcome.rows if row.arm == joined).validation) == [3]


def test_synthetic_images_have_to_be_ahead_of_the_best_baseline_too():
    real = next(arm for arm in ARMS[1:] if arm.use is None)
    synthetic = Arm(way="gan", use=Use(share=0.25))
    gains = gains_of(3) | {real.name: 6.0, synthetic.name: 6.0, combined(real, synthetic).name: 5.0}
    chosen = [Simulated(seed, gains).run().choice for seed in range(30)]
    assert sum(arm == real for arm in chosen) >= 24


def test_what_real_images_shown_again_bring_too_is_not_the_synthetic_images_own():
    best = Arm(way="gan", use=Use(share=0.25))
    gains = gains_of(3) | {best.name: 10.0}
    for of_control, own in ((0.0, True), (10.0, False)):
        found = [Simulated(seed, gains | {control(best).name: of_control}).run() for seed in range(20)]
        chosen = [one for one in found if one.choice == best]
        assert len(chosen) >= 19 and all(one.control == control(best) for one in chosen)
        assert sum(one.own is own for one in chosen) >= 19
        assert {sorted(row.validation)[0] for row in chosen[0].rows if row.arm == control(best)} == {3}
    plain = Simulated(0, gains_of(3)).run()
    assert plain.control is None and plain.own is None and plain.choice == Arm()


def test_without_time_for_the_control_it_is_not_known_whose_the_gain_is():
    class Endless(Simulated):
        def cost(self, arm):
            return 1e9 if arm.way == AGAIN else super().cost(arm)

    best = Arm(way="gan", use=Use(share=0.25))
    outcome = Endless(0, gains_of(3) | {best.name: 10.0}).run()
    assert outcome.choice == best and outcome.control is None and outcome.own is None


def test_the_margin_grows_with_the_number_of_rivals_and_with_the_error():
    assert margin(0.01, 1) == margin(0.01, 2) == 0.01
    assert 0.01 < margin(0.01, 10) < margin(0.01, 20) < margin(0.02, 20)


def test_arms_that_there_was_no_time_for_do_not_raise_what_is_needed():
    more = [Arm(way=f"way{number}", use=Use()) for number in range(40)]
    few, many = (race(arms, Simulated(1), RUNGS, lambda: 1e6) for arms in (ARMS, ARMS + more))
    assert few.needed == many.needed is not None
    assert sum(not row.validation for row in many.rows) >= len(more)


def test_two_arms_of_one_name_are_refused_by_their_order():
    assert len({arm.name for arm in ARMS}) == len(ARMS) and ARMS[0] == Arm()
