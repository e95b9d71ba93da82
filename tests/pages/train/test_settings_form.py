"""The form of the settings: what it refuses, and what it greys out."""

import pytest

from gan_core.settings import recipes
from gan_core.settings.schema import TrainConfig
from gan_core.storage.store import Store
from pages.train import settings_text
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page


def test_a_refused_setting_is_told_at_its_field_and_start_is_off(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    assert not at.button(key="train_start").disabled
    at.number_input(key="setting_batch").set_value(1024).run()
    assert any("1024 is larger than the 620" in error.value.replace("\\", "") for error in at.error)
    assert at.button(key="train_start").disabled


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("batch", 100_000.0, "Batch size must be at most 1024, not 100000."),
        ("batch", 1.5, "Batch size must be a whole number, not 1.5."),
        ("batch", None, "Batch size must be a whole number."),
        ("epochs", -5.0, "Epochs must be above 0, not -5."),
        ("epochs", None, "Epochs must be a number."),
        ("lr_D", 3.0, "Learning rate of D must be at most 0.1, not 3."),
    ],
)
def test_a_number_out_of_bounds_is_refused_and_not_replaced(setting, value, said, full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    at.number_input(key=f"setting_{setting}").set_value(value).run()
    told = [error.value.replace("\\", "") for error in at.error]
    assert said in told and at.number_input(key=f"setting_{setting}").value == value
    assert f"Start is disabled: see {said.split(' must')[0]}." in told
    assert at.button(key="train_start").disabled


@pytest.mark.slow
def test_no_limit_is_a_value(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    assert at.number_input(key="setting_minutes").value is None and not at.error
    at.number_input(key="setting_batch").set_value(32.0).run()
    at.button(key="train_start").click().run()
    assert Store(full).runs()[0].config["batch"] == 32 and Store(full).runs()[0].config["minutes"] is None


def test_the_form_has_every_setting_and_greys_out_what_has_no_effect(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    shown = {w.key for kind in ("number_input", "selectbox", "toggle") for w in at.get(kind)}
    assert {f"setting_{name}" for name in TrainConfig.model_fields if name != "recipe"} <= shown
    assert not at.number_input(key="setting_gamma").disabled
    at.selectbox(key="setting_penalty").set_value("none").run()
    gamma = at.number_input(key="setting_gamma")
    assert (
        gamma.disabled and "There is no penalty" in gamma.help and gamma.value == recipes.RECIPES["quick"].config.gamma
    )
    assert not at.button(key="train_start").disabled


@pytest.mark.slow
def test_a_run_to_start_from_is_offered_where_it_fits_and_is_kept_with_its_refusal_where_not(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    start = lambda: at.selectbox(key="setting_start_from")
    assert len(start().options) == 1  # the seeded runs are 64 wide, the recipe is not
    at.number_input(key="setting_width").set_value(64.0).run()
    at.toggle(key="setting_guide").set_value(False).run()
    assert len(start().options) == 6 and at.number_input(key="setting_freeze_d").disabled  # one run has no checkpoint
    start().set_value(seeded_workspace.RUNS["finished"]).run()
    at.number_input(key="setting_freeze_d").set_value(2.0).run()
    assert not at.button(key="train_start").disabled
    at.number_input(key="setting_width").set_value(32.0).run()
    assert at.button(key="train_start").disabled and "network width 64 instead of 32" in letters(at)
    at.number_input(key="setting_width").set_value(64.0).run()
    at.button(key="train_start").click().run()
    config = Store(full).runs()[0].config
    assert (config["start_from"], config["freeze_d"]) == (seeded_workspace.RUNS["finished"], 2)


def test_the_path_of_published_weights_can_be_typed(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    assert at.selectbox(key="setting_start_from").proto.accept_new_options  # AppTest itself cannot type a new option
    assert not at.selectbox(key="setting_loss").proto.accept_new_options


def test_no_limit_is_said_of_epochs_alone():
    assert settings_text.differences(
        TrainConfig(epochs=1_000_000.0, seed=1_000_000), TrainConfig(seed=0, epochs=5.0)
    ) == [
        "Epochs: 5 → no limit",
        "Seed: 0 → 1000000",
    ]
