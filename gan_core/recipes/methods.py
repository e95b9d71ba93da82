"""Published methods with their papers' settings, at sizes that a laptop or one GPU can train."""

from gan_core.recipes.recipe import Recipe

RECIPES: dict[str, Recipe] = {}
