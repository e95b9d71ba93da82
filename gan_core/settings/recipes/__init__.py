"""RECIPES: named starting points, each with its source and one sentence on when to use it.

A recipe's name is a key in run folders: never rename one, only add. ours.py has our own, published.py methods with the settings of
their papers, students.py student systems; recipe.py the defaults of each family.
"""

from gan_core.settings.recipes import ours, published, students
from gan_core.settings.recipes.recipe import Recipe
from gan_core.settings.rules import largest_batch
from gan_core.settings.schema import TrainConfig

__all__ = ["GROUPS", "RECIPES", "Recipe", "start"]

GROUPS: dict[str, dict[str, Recipe]] = {
    "Ours": ours.RECIPES,
    "Published methods": published.RECIPES,
    "Student projects": students.RECIPES,
}
RECIPES: dict[str, Recipe] = {name: recipe for group in GROUPS.values() for name, recipe in group.items()}


def start(recipe: str, *, size: int, train_images: int) -> TrainConfig:
    """The recipe's settings fitted to a dataset: a batch that it can fill."""
    config = RECIPES[recipe].config
    changes: dict[str, object] = {"batch": min(config.batch, largest_batch(train_images))}
    if recipe == "quick" and size >= 64:
        # More pixels and, as a rule, fewer photographs: smaller batches, and each shown more often.
        changes |= {"batch": min(32, largest_batch(train_images)), "gamma": 1.0, "epochs": 50.0}
    if recipe == "stylegan2-ada" and size >= 64:
        changes["gamma"] = 2e-4 * size**2 / config.batch  # the paper's rule; at 32 px its 0.01 for CIFAR-10
    return config.model_copy(update=changes)
