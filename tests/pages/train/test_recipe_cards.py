"""The cards of the recipes: which can be chosen, with image and time."""

import pytest

from gan_core.settings import recipes
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page


def test_recipes_of_other_sizes_are_named_and_cannot_be_chosen(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    at.segmented_control(key="recipe_group").set_value("Student projects").run()
    fashion = recipes.RECIPES["fashion-dcgan-28"]
    assert f"{fashion.title}: draws 28 px, and this dataset is 32 px." in letters(at)
    assert not [button for button in at.button if button.key == "recipe_fashion-dcgan-28"]


@pytest.mark.parametrize("group", [title for title, group in recipes.GROUPS.items() if group])
def test_every_recipe_that_fits_can_be_chosen_in_its_group(group, full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    at.segmented_control(key="recipe_group").set_value(group).run()
    for name, recipe in recipes.GROUPS[group].items():
        buttons = [button for button in at.button if button.key == f"recipe_{name}"]
        if 32 in recipe.sizes and name != "quick":
            buttons[0].click().run()
            assert not at.exception and at.session_state["recipe"] == name
            assert not at.button(key="train_start").disabled, (name, letters(at))
            assert at.segmented_control(key="recipe_group").value == group
            assert f"From the recipe {recipe.title}." in letters(at)
