"""What a search says of its race."""

from gan_core.evaluation.utility.protocol import AS_IT_IS, PLAIN, Arm, Use
from gan_core.evaluation.utility.race import Race, Row
from gan_core.jobs.shared.search_result import rival_of, sentence


def test_an_arm_that_there_was_no_time_for_does_not_count_as_compared():
    plain, other, late = Arm(baseline=PLAIN), Arm(baseline=AS_IT_IS), Arm(way="gan", use=Use(share=0.5))
    rows = [Row(plain, {1: 0.5, 2: 0.5}, None, None), Row(other, {1: 0.4}, 1, "behind"), Row(late, {}, 0, "time")]
    said = sentence(Race(plain, plain, plain, -0.1, 0.01, 0.02, rows), {"baseline": 0.5})
    assert "of 1 other arm compared" in said


def test_a_gain_that_the_control_has_too_is_not_said_to_be_the_synthetic_images_own():
    plain, arm, again = Arm(), Arm(way="gan", use=Use(share=0.5)), Arm(way="again", use=Use(share=0.5))
    values = {"baseline": 0.5, "chosen": 0.6, "gain": 0.1, "gain_ci95": [0.05, 0.15]}
    said = {}
    for own in (True, False, None):
        rows = [Row(plain, {1: 0.5}, None, None), Row(arm, {1: 0.6}, None, None)]
        rows += [Row(again, {1: 0.4 if own else 0.6}, None, None)] if own is not None else []
        outcome = Race(arm, plain, plain, 0.1, 0.01, 0.02, rows, None if own is None else again, own)
        said[own] = sentence(outcome, values)
        assert rival_of(outcome) == (again if own is False else plain)
    assert "own" not in said[True] and "is not shown" in said[False] and "no time" in said[None]
