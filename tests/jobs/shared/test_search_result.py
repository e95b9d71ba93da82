"""What a search says of its race."""

from gan_core.evaluation.utility.protocol import AS_IT_IS, PLAIN, Arm, Use
from gan_core.evaluation.utility.race import Race, Row
from gan_core.jobs.shared.search_result import sentence


def test_an_arm_that_there_was_no_time_for_does_not_count_as_compared():
    plain, other, late = Arm(baseline=PLAIN), Arm(baseline=AS_IT_IS), Arm(way="gan", use=Use(share=0.5))
    rows = [Row(plain, {1: 0.5, 2: 0.5}, None, None), Row(other, {1: 0.4}, 1, "behind"), Row(late, {}, 0, "time")]
    said = sentence(Race(plain, plain, plain, -0.1, 0.01, 0.02, rows), {"baseline": 0.5})
    assert "of 1 other arm compared" in said
