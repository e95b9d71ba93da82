"""Which arms a race tries, and how thorough a race the time allows."""

import pytest

from gan_core.evaluation.utility.candidates import Speed, candidates, combined, cost, plan_rungs
from gan_core.evaluation.utility.protocol import Arm, Baseline, Use

EVEN, UNEVEN = [50] * 10, [1000] * 5 + [50] * 5
WAYS = ("gan", "pasted", "gan+pasted", "copies")


def test_the_plain_baseline_is_first_and_every_way_comes_before_a_second_use_of_one():
    arms = candidates(EVEN, WAYS)
    assert arms[0] == Arm()
    assert {arm.way for arm in arms[1:6]} == {"none", *WAYS}


def test_an_even_dataset_has_no_arm_that_only_an_uneven_one_can_have():
    even, uneven = candidates(EVEN, WAYS), candidates(UNEVEN, WAYS)
    special = lambda arms: [
        arm
        for arm in arms
        if "deferred" in arm.name or "cmo" in arm.name or (arm.use and (arm.use.fill or arm.use.classes == "rare"))
    ]
    assert not special(even)
    assert {arm.use.classes for arm in special(uneven) if arm.use} == {"rare", "all"}
    assert any(arm.use and arm.use.fill for arm in uneven)  # what export --balance largest does


def test_only_ways_with_labels_of_a_teacher_have_soft_arms():
    arms = candidates(EVEN, WAYS, ["gan"])
    assert {arm.way for arm in arms if arm.use and arm.use.labels == "soft"} == {"gan"}


def test_without_images_only_baselines_are_raced():
    assert all(arm.use is None for arm in candidates(UNEVEN, ()))


def test_the_joined_arm_has_the_baseline_of_one_and_the_images_of_the_other():
    real, synthetic = Arm(baseline=Baseline(mix="cutmix")), Arm(way="gan", use=Use(share=0.25))
    assert combined(real, synthetic) == Arm(baseline=Baseline(mix="cutmix"), way="gan", use=Use(share=0.25))
    assert combined(real, real) is None


@pytest.mark.parametrize(
    ("use", "counts", "times"),
    [
        (None, EVEN, 1.0),
        (Use(share=0.5), EVEN, 2.0),
        (Use(share=0.25), EVEN, 4 / 3),
        (Use(share=0.5, phase="first"), EVEN, 1.6),
        (Use(share=0.5, classes="rare"), UNEVEN, 1.5),
        (Use(share=0, fill=True), [100, 50, 50], 1.5),
    ],
)
def test_the_cost_of_an_arm_is_the_images_that_it_is_shown(use, counts, times):
    assert cost(Arm(way="gan", use=use) if use else Arm(), counts) == pytest.approx(times)


@pytest.mark.parametrize("seconds", [5, 20, 60, 200, 600, 3000])
def test_a_plan_takes_no_longer_than_its_seconds_and_more_seconds_give_a_more_thorough_race(seconds):
    arms, speed = candidates(EVEN, WAYS), Speed(0.03, 0.5)
    first = [cost(arm, EVEN) for arm in arms]  # in the order in which they enter
    costs = sorted(first, reverse=True)
    planned = lambda limit: plan_rungs(arms, lambda arm: cost(arm, EVEN), 600, speed, limit, 0)
    taken = lambda rungs: sum(
        sum((costs if number else first)[: rung.keep]) * rung.seconds for number, rung in enumerate(rungs)
    )
    control = lambda rungs: costs[0] * rungs[-1].seconds if rungs and rungs[-1].keep >= 3 else 0
    assert taken(planned(seconds)) + control(planned(seconds)) <= seconds
    assert len(planned(seconds)) <= len(planned(2 * seconds))


def test_no_two_rungs_have_a_seed_in_common_and_later_ones_train_as_long_or_longer():
    rungs = plan_rungs(candidates(EVEN, WAYS), lambda arm: 1.5, 600, Speed(0.01, 0.1), 1000.0, seed=5)
    seeds = [seed for rung in rungs for seed in rung.seeds]
    assert len(seeds) == len(set(seeds)) and len(rungs) == 3
    assert [rung.updates for rung in rungs] == sorted(rung.updates for rung in rungs)
    assert [rung.keep for rung in rungs] == sorted((rung.keep for rung in rungs), reverse=True)


def test_too_little_time_for_two_arms_gives_no_plan():
    assert plan_rungs(candidates(EVEN, WAYS), lambda arm: 1.5, 600, Speed(0.03, 0.5), 10.0, 0) == []
