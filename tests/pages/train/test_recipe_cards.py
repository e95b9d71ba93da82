"""The cards of the recipes: which can be selected, with image and time."""

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from gan_core.settings import recipes
from gan_core.storage.store import Store
from pages.train import recipe_cards
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page

DONE = seeded_workspace.RUNS["finished"]


def test_every_picture_belongs_to_a_recipe_and_says_what_it_shows():
    facts = recipe_cards.measured_facts()
    assert set(facts) <= set(recipes.RECIPES)
    files = {path.stem for path in recipe_cards.PICTURES.glob("*.png")}
    assert files == {name for name, fact in facts.items() if "images_seen" in fact} and len(files) > 5
    for name in files:
        with Image.open(recipe_cards.PICTURES / f"{name}.png") as picture:
            assert picture.width <= 700 and (recipe_cards.PICTURES / f"{name}.png").stat().st_size < 60_000
        assert facts[name]["images_seen"] > 0 and facts[name]["data"]


def test_a_card_shows_its_picture_and_a_rough_time_until_one_is_measured(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    shown = letters(at)
    assert "Drawn by this recipe: Handwritten digits, after" in shown and "Roughly" in shown
    assert "as measured" not in shown
    store = Store(full)
    told = {"images_per_second": 100.0, "memory_bytes": 1, "checkpoint_bytes": 1, "device": "cpu"}
    asked = {"config": recipes.RECIPES["quick"].config.model_dump()}
    seeded_workspace.add_job(store, "probe", seeded_workspace.DATASET, "finished", asked, result=told)
    asked = {"config": recipes.RECIPES["best"].config.model_dump() | {"width": 16}}  # says nothing of the recipe
    seeded_workspace.add_job(store, "probe", seeded_workspace.DATASET, "finished", asked, result=told)
    shown = letters(open_page("train", ds=seeded_workspace.DATASET))
    assert "3 min here, as measured" in shown and shown.count("as measured") == 1  # 30 epochs of 620 images


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("quick", "Drawn by this recipe: Handwritten digits, after"),
        ("garbage-gan-128", "Drawn by this recipe: Garbage, after 252 images shown, batch 2."),
        ("not-drawn-yet", "No picture yet: it takes a GPU"),
    ],
)
def test_a_card_says_how_its_picture_came_or_why_there_is_none(recipe, said):
    page = f"from pages.train import recipe_cards\nrecipe_cards.picture({recipe!r})"
    (caption,) = AppTest.from_string(page).run().caption
    assert caption.value.replace("\\", "").startswith(said)


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
