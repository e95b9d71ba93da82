"""What a dataset, a family and the other settings refuse, and what they leave without effect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_core.errors import FieldErrors
from gan_core.settings import rules
from gan_core.settings.families import TRAITS
from gan_core.settings.rules import RULES, check, check_family, without_effect
from gan_core.settings.schema import TrainConfig, build

COUNTS = {"a": 40, "b": 40}
OPTIONS = {
    name: st.sampled_from(field.annotation.__args__)
    for name, field in TrainConfig.model_fields.items()
    if name in ("loss", "penalty", "condition", "augment", "optimizer", "schedule")
}
SWITCHES = {name: st.booleans() for name in ("conditional", "minibatch_std", "spectral_norm", "reuse_fakes", "guide")}
SHARES = {name: st.sampled_from([0.0, 0.3]) for name in ("label_start", "label_full", "label_smoothing", "label_noise")}


@given(
    st.fixed_dictionaries(
        {"family": st.sampled_from(list(TRAITS)), "freeze_d": st.integers(0, 1), **OPTIONS, **SWITCHES, **SHARES}
    )
)
def test_the_value_that_a_rule_demands_is_accepted_and_greyed_out(values):
    for field in check_family(TrainConfig(**values)):
        for rule in RULES:
            if rule.field == field and rule.value is not rules.ANY:
                values[field] = rule.value
    refused = check_family(TrainConfig(**values))
    assert refused.keys() <= {"loss", "condition", "penalty", "label_full"}  # those that leave a choice
    assert not refused.keys() & without_effect(values).keys()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"family": "garbage128", "loss": "hinge"}, "loss"),
        ({"family": "cgan28", "condition": "projection"}, "condition"),
        ({"family": "dcgan", "penalty": "r1"}, "penalty"),
        ({"penalty": "gp", "loss": "relativistic"}, "penalty"),
        ({"family": "vae", "condition": "concat", "penalty": "none", "augment": "ada"}, "augment"),
        ({"family": "egan", "loss": "nonsaturating", "penalty": "none", "reuse_fakes": True}, "reuse_fakes"),
        ({"minibatch_std": True}, "minibatch_std"),
        ({"family": "stylegan2-lite", "spectral_norm": True}, "spectral_norm"),
        ({"loss": "hinge", "label_noise": 0.1}, "label_noise"),
        ({"freeze_d": 2}, "freeze_d"),
        ({"label_start": 0.5, "label_full": 0.2}, "label_full"),
        ({"batch": 1}, "batch"),
    ],
)
def test_each_refusal_names_its_setting(values, field):
    assert list(check_family(build(values))) == [field]


def test_a_penalty_of_strength_0_is_none():
    assert not check_family(build({"family": "dcgan", "penalty": "r1", "gamma": 0.0}))


def test_a_setting_without_effect_says_why():
    idle = without_effect({"penalty": "none", "conditional": False})
    assert "penalty" in idle["gamma"] and "Labels" in idle["balance_classes"]
    assert "loss" not in idle and "width" not in idle


def test_an_emptied_field_counts_as_its_default():
    assert without_effect({"freeze_d": None, "label_full": None}) == without_effect({})


def test_a_batch_larger_than_the_set_is_refused_with_one_that_fits():
    with pytest.raises(FieldErrors, match="80 training images: use 64 or less") as refused:
        check(build({"batch": 100}), size=32, train_counts=COUNTS)
    assert list(refused.value.fields) == ["batch"]


def test_a_class_too_small_is_refused_only_where_labels_are_used():
    counts = {"a": 40, "tiny": 3}
    with pytest.raises(FieldErrors, match="'tiny'") as refused:
        check(build({"batch": 8}), size=32, train_counts=counts)
    assert list(refused.value.fields) == ["conditional"]
    check(build({"batch": 8, "conditional": False}), size=32, train_counts=counts)


def test_a_size_the_family_cannot_draw_is_refused():
    with pytest.raises(FieldErrors, match="256 px") as refused:
        check(build({"batch": 8}), size=256, train_counts=COUNTS)
    assert list(refused.value.fields) == ["family"]


@given(st.integers(2, 10**6))
def test_the_largest_batch_fits_and_is_a_power_of_two(images):
    batch = rules.largest_batch(images)
    assert 2 <= batch <= images < 2 * batch or images < 4
    assert batch & (batch - 1) == 0
