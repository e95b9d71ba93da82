import pytest

from gan_core.settings import recipes
from gan_core.settings.rules import check


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_every_recipe_fits_every_size_it_offers(name):
    recipe = recipes.RECIPES[name]
    assert recipe.config.recipe == name and recipe.sentence and recipe.shortfall and recipe.source
    for size in recipe.sizes:
        for images in (10, 100, 60_000):
            check(
                recipes.start(name, size=size, train_images=images),
                size=size,
                train_counts={"a": images // 2, "b": images - images // 2},
            )
