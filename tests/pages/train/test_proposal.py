"""The training size of the form follows its budget, unless the user has changed it."""

import dataclasses

import pytest

from gan_core.data.dataset import read_info, write_info
from gan_core.settings import recipes
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page

SIZE = 64  # px


@pytest.fixture
def train(full, monkeypatch):
    """The page, on a computer without a GPU, for a dataset whose training size depends on the budget."""
    monkeypatch.setattr("shutil.which", lambda name: None)
    folder = full.dataset(seeded_workspace.DATASET)
    write_info(folder, dataclasses.replace(read_info(folder), size=SIZE))
    return open_page("train", ds=seeded_workspace.DATASET)


def budget(at, minutes: float | None, epochs: float = 1e6):
    at.number_input(key="setting_minutes").set_value(minutes)
    at.number_input(key="setting_epochs").set_value(epochs).run()


def size(at) -> int:
    return at.selectbox(key="setting_train_size").value


def test_the_size_follows_the_minutes_and_the_epochs(train):
    assert size(train) == 16 and "16 is proposed: this run would show about 31,000 images" in letters(train)
    for minutes, px in ((6, 16), (30, 32), (600, 0), (30, 32)):
        budget(train, minutes)
        own = recipes.start("quick", size=SIZE, train_images=620, minutes=minutes, epochs=1e6)
        assert size(train) == own.train_size == px and f"{px} is proposed" in letters(train)
        assert train.number_input(key="setting_width").value == own.width
        assert train.number_input(key="setting_minutes").value == minutes
    assert "Training size" not in changed(train)
    budget(train, None, epochs=1.0)
    assert size(train) == 16


def changed(at) -> str:
    return next((box.value for box in at.caption if box.value.startswith("Changed from the recipe")), "")


def test_a_size_that_was_changed_stays_and_is_told(train):
    budget(train, 30)
    train.selectbox(key="setting_train_size").set_value(16).run()
    width = train.number_input(key="setting_width").value
    budget(train, 600)
    assert size(train) == 16 and train.number_input(key="setting_width").value == width
    assert "0 is proposed" in letters(train) and "that you have chosen stays" in letters(train)
    assert "Training size" in changed(train)
    train.button(key="settings_reset").click().run()
    assert size(train) == 16 and train.number_input(key="setting_minutes").value is None and not changed(train)


def test_another_setting_that_was_changed_stays(train):
    budget(train, 30)
    train.number_input(key="setting_width").set_value(48.0).run()
    budget(train, 600)
    assert size(train) == 0 and train.number_input(key="setting_width").value == 48


@pytest.mark.parametrize("minutes", [-5.0, 0.0])
def test_a_refused_budget_moves_nothing(train, minutes):
    budget(train, 600)
    budget(train, minutes)
    assert size(train) == 0 and train.button(key="train_start").disabled
    train.number_input(key="setting_minutes").set_value(30.0).run()
    assert size(train) == 32


def test_the_suggestion_and_the_form_agree_before_and_after(train):
    train.number_input(key="suggest_minutes").set_value(30.0).run()
    assert "trained at 32 px" in letters(train)
    train.button(key="suggest_use").click().run()
    assert size(train) == 32 and "that you have chosen" not in letters(train)
    train.number_input(key="setting_minutes").set_value(600.0).run()
    assert size(train) == 0


def test_other_recipes_propose_no_size(train):
    train.button(key="recipe_balanced").click().run()
    assert size(train) == 0 and "is proposed" not in letters(train)
