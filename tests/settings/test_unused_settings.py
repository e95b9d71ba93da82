from hypothesis import given
from hypothesis import strategies as st

from gan_core.settings.families import TRAITS
from gan_core.settings.rules import check_family
from gan_core.settings.schema import GROUPS, TrainConfig
from gan_core.settings.unused_settings import without_effect

OPTIONS = {
    name: st.sampled_from(field.annotation.__args__)
    for name, field in TrainConfig.model_fields.items()
    if name in ("loss", "penalty", "condition", "augment", "optimizer", "schedule")
}
SWITCHES = {name: st.booleans() for name in ("conditional", "minibatch_std", "spectral_norm", "reuse_fakes")}
SHARES = {name: st.sampled_from([0.0, 0.3]) for name in ("label_start", "label_full", "label_smoothing", "label_noise")}


@given(
    st.fixed_dictionaries(
        {"family": st.sampled_from(list(TRAITS)), "freeze_d": st.integers(0, 1), **OPTIONS, **SWITCHES, **SHARES}
    )
)
def test_what_is_greyed_out_is_never_what_has_to_be_changed(values):
    config = TrainConfig(**values)
    assert not set(check_family(config)) & set(without_effect(config.model_dump()))


def test_a_setting_without_effect_says_why():
    idle = without_effect({"penalty": "none", "conditional": False})
    assert idle["gamma"] == "There is no penalty." and idle["balance_classes"] == "Labels are not used."
    assert "loss" not in idle and "width" not in idle


def test_an_emptied_field_counts_as_its_default():
    assert without_effect({"freeze_d": None, "label_full": None}) == without_effect({})


def test_every_setting_is_in_a_group_of_the_form():
    for name, field in TrainConfig.model_fields.items():
        assert field.json_schema_extra["group"] in GROUPS, name
