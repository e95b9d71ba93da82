import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_core.errors import FieldErrors
from gan_core.settings.families import TRAITS
from gan_core.settings.schema import GROUPS, TrainConfig, build


@pytest.mark.parametrize(
    "field, value, word",
    [
        ("lr_G", math.nan, "finite"),
        ("lr_D", math.inf, "finite"),
        ("lr_G", -1.0, "above 0"),
        ("lr_G", 1.0, "at most 0.1"),
        ("batch", 0, "at least 1"),
        ("batch", True, "whole number"),
        ("batch", 2.5, "whole number"),
        ("batch", "32", "whole number"),
        ("conditional", 1, "true or false"),
        ("loss", "nonsense", "one of"),
        ("epochs", 0.0, "above 0"),
        ("seed", -1, "at least 0"),
    ],
)
def test_nonsense_is_refused_in_one_sentence_that_names_the_field(field, value, word):
    with pytest.raises(FieldErrors) as caught:
        build({field: value})
    assert list(caught.value.fields) == [field]
    text = caught.value.fields[field]
    assert field in text and word in text and text.endswith(".") and "\n" not in text


def test_an_unknown_setting_is_refused_and_the_near_one_named():
    with pytest.raises(FieldErrors, match="did you mean 'batch'"):
        build({"bacth": 3})


def test_all_bad_fields_are_told_at_once():
    with pytest.raises(FieldErrors) as caught:
        build({"batch": 0, "lr_G": math.nan, "width": 1})
    assert set(caught.value.fields) == {"batch", "lr_G", "width"}


def test_settings_are_frozen_and_survive_json():
    settings_ = TrainConfig()
    with pytest.raises(Exception, match="frozen"):
        settings_.batch = 3
    assert build(json.loads(settings_.model_dump_json())) == settings_


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*TrainConfig.model_fields, "other"]), json_values, max_size=6))
def test_any_json_gives_settings_or_field_errors(values):
    try:
        built = build(values)
    except FieldErrors as refused:
        assert set(refused.fields) <= set(values)
    else:
        assert all(math.isfinite(v) for v in built.model_dump().values() if isinstance(v, float))


def test_every_field_explains_itself():
    for name, field in TrainConfig.model_fields.items():
        assert field.title and field.description and field.description.endswith("."), name
        assert field.json_schema_extra["group"] in GROUPS, name


def test_families_here_and_in_models_are_the_same():
    from gan_core.models import FAMILIES
    from gan_core.training.augment.diffaugment import AUGMENTS
    from gan_core.training.losses import LOSSES

    options = lambda name: set(TrainConfig.model_fields[name].annotation.__args__)
    assert set(TRAITS) == set(FAMILIES)
    assert set(LOSSES) == options("loss")
    assert set(AUGMENTS) == options("augment")


@pytest.mark.parametrize(
    "field, value, text",
    [
        ("epochs", 0.0, "Epochs (epochs) must be above 0, not 0."),
        ("epochs", -5.0, "Epochs (epochs) must be above 0, not -5."),
        ("batch", 100_000, "Batch size (batch) must be at most 1024, not 100000."),
        ("batch", 1.5, "Batch size (batch) must be a whole number, not 1.5."),
        ("batch", None, "Batch size (batch) must be a whole number."),
        ("lr_G", None, "Learning rate of G (lr_G) must be a number."),
    ],
)
def test_numbers_in_a_refusal_are_written_as_people_write_them(field, value, text):
    with pytest.raises(FieldErrors) as caught:
        build({field: value})
    assert caught.value.fields[field] == text
