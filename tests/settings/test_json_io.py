"""Settings as JSON: what goes out comes in again, and what cannot be is refused with a sentence for each setting."""

import json

import pytest

from gan_core.errors import FieldErrors, UserError
from gan_core.settings import json_io, recipes

NOW = recipes.start("quick", size=32, train_images=620)


def read(text):
    return json_io.read(text, NOW, size=32, train_images=620)


@pytest.mark.parametrize("name", ["quick", "wgan-gp", "kmeans", "stylegan2-ada"])
def test_what_goes_out_comes_in_again(name):
    settings = recipes.start(name, size=32, train_images=620).model_copy(update={"minutes": 2.5, "seed": 9})
    assert read(json_io.write(settings)) == settings
    assert read(json_io.write(settings).encode()) == settings


def test_a_run_folder_speaks_the_same():
    value = {"schema": 1, "run": "r" + "0" * 16, "name": "x", "dataset": "d", "config": NOW.model_dump() | {"batch": 8}}
    assert read(json.dumps(value)).batch == 8


def test_what_is_left_out_stays_as_it_is_or_is_as_the_recipe_has_it():
    changed = NOW.model_copy(update={"lr_D": 1e-5})
    found = json_io.read('{"batch": 32}', changed, size=32, train_images=620)
    assert found == changed.model_copy(update={"batch": 32})
    found = json_io.read('{"recipe": "dcgan", "seed": 4}', changed, size=32, train_images=620)
    assert found == recipes.start("dcgan", size=32, train_images=620).model_copy(update={"seed": 4})


def test_each_bad_setting_has_a_sentence_of_its_own():
    with pytest.raises(FieldErrors) as refused:
        read('{"batch": 1.5, "lr_g": 0.1, "epochs": NaN, "conditional": "yes", "loss": "hing", "minutes": 5}')
    assert refused.value.fields == {
        "batch": "Batch size (batch) must be a whole number, not 1.5.",
        "lr_g": "There is no setting 'lr_g'; did you mean 'lr_G'?",
        "epochs": "Epochs (epochs) must be a finite number, not nan.",
        "conditional": "Use the class labels (conditional) must be true or false, not 'yes'.",
        "loss": "Loss (loss) must be one of 'nonsaturating', 'minimax', 'hinge', 'least-squares', 'wasserstein' or "
        "'relativistic', not 'hing'.",
    }


@pytest.mark.parametrize(
    ("name", "said"), [("quik", "There is no recipe 'quik'"), ("fashion-dcgan-28", "draws images of 28 px")]
)
def test_a_recipe_that_cannot_be_is_told_with_the_rest(name, said):
    with pytest.raises(FieldErrors) as refused:
        read(json.dumps({"recipe": name, "batch": 0}))
    assert said in refused.value.fields["recipe"] and "at least 1" in refused.value.fields["batch"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_json"),
        ("{'batch': 3}", "not_json"),
        (b"\xff\xfe\x00", "not_json"),
        ("[" * 50_000, "not_json"),
        ("[1]", "no_settings"),
        ("3", "no_settings"),
        ("{}", "no_settings"),
        ('{"config": 3}', "no_settings"),
        ('{"schema": 7, "config": {"batch": 3}}', "other_schema"),
        ('{"batch": 3, "batch": 4}', "named_twice"),
        ('{"batch": ' + "1" * 5000 + "}", "not_json"),
        (" " * 200_000, "settings_too_large"),
    ],
)
def test_what_is_no_settings_is_refused_in_one_sentence(text, code):
    with pytest.raises(UserError) as refused:
        read(text)
    assert refused.value.code == code and refused.value.what.endswith(".")


def test_a_recipe_or_schema_of_another_kind_is_refused_too():
    with pytest.raises(FieldErrors, match="no recipe"):
        read('{"recipe": ["quick"]}')
    with pytest.raises(FieldErrors):
        read('{"schema": 1, "name": "x"}')
