"""The words of the comparison: names, JSON, and which uses make a difference where."""

import itertools
from typing import get_args

import pytest
from pydantic import ValidationError

from gan_core.evaluation.utility.protocol import (
    FILL,
    USES,
    Arm,
    Baseline,
    Mix,
    Policy,
    Sampling,
    Use,
    baseline_for,
    rare_classes,
    stages,
    uses_for,
)


def test_every_arm_has_a_name_of_its_own_and_survives_json():
    baselines = [
        Baseline(sampling=sampling, policy=policy, mix=mix)
        for sampling, policy, mix in itertools.product(get_args(Sampling), get_args(Policy), get_args(Mix))
    ]
    uses = [
        Use(share=share, classes=classes, phase=phase, labels=labels)
        for share, classes, phase, labels in itertools.product(
            (0.25, 0.5), ("all", "rare"), ("throughout", "first", "pretrain"), ("hard", "soft")
        )
    ]
    arms = [Arm(baseline=one) for one in baselines]
    arms += [
        Arm(baseline=one, way=way, use=use)
        for one in baselines[:3]
        for way in ("gan", "copies")
        for use in [*uses, FILL]
    ]
    assert len({arm.name for arm in arms}) == len({hash(arm) for arm in arms}) == len(arms)
    assert all(Arm.model_validate_json(arm.model_dump_json()) == arm for arm in arms)


@pytest.mark.parametrize(
    "wrong", [{"share": 0}, {"share": 0.5, "fill": True}, {"share": 1, "phase": "first"}, {"share": 2}]
)
def test_a_use_that_shows_nothing_or_two_things_is_refused(wrong):
    with pytest.raises(ValidationError):
        Use(**wrong)


def test_an_arm_has_images_and_a_use_of_them_or_neither():
    for wrong in ({"way": "gan"}, {"use": Use()}):
        with pytest.raises(ValidationError):
            Arm(**wrong)


def test_an_even_dataset_has_no_rare_class_and_nothing_to_fill():
    assert rare_classes([100, 49, 50, 0]).tolist() == [False, True, False, False]
    even = uses_for([50, 50, 0])
    assert even and not any(use.fill or use.classes == "rare" for use in even)
    assert set(USES) == set(uses_for([100, 20]))
    assert {use.name for use in USES if use not in uses_for([100, 80])} == {"50% rare"}


def test_a_filled_dataset_is_shown_image_by_image():
    assert baseline_for(Baseline(mix="cmo"), FILL) == Baseline(sampling="natural", mix="cmo")
    assert baseline_for(Baseline(), Use()) == Baseline()


def test_sampling_is_no_choice_where_the_classes_are_even():
    assert [len(stage) for stage in stages(even=False)] == [2, 3, 3]
    assert [len(stage) for stage in stages(even=True)] == [3, 3]
