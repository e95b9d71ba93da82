"""RECIPES: named starting points, each with its source and one sentence on when to use it.

A recipe's name is a key in run folders: never rename one, only add. ours.py has our own, published.py methods with the settings of
their papers, students.py student systems; recipe.py the defaults of each family, designs.py what `best` is on a dataset.
"""

from gan_core.settings.recipes import ours, published, students
from gan_core.settings.recipes.designs import BEST, PATIENCE, design_of, shown
from gan_core.settings.recipes.recipe import Recipe
from gan_core.settings.rules import largest_batch
from gan_core.settings.schema import TrainConfig
from gan_core.settings.training_size import training_size

__all__ = ["GROUPS", "RECIPES", "Recipe", "start"]

GROUPS: dict[str, dict[str, Recipe]] = {
    "Ours": ours.RECIPES,
    "Published methods": published.RECIPES,
    "Student projects": students.RECIPES,
}
RECIPES: dict[str, Recipe] = {name: recipe for group in GROUPS.values() for name, recipe in group.items()}


def start(
    recipe: str,
    *,
    size: int,
    train_images: int,
    gpu: bool = False,
    minutes: float | None = None,
    epochs: float | None = None,
) -> TrainConfig:
    """The recipe's settings fitted to a dataset: a batch that it can fill, and what depends on the size or number of images.

    gpu, minutes, epochs: of the run, where they are known; they decide at which size `quick` is trained.

    Raises UserError no_recipe where `best` has no design for this size.
    """
    if recipe == BEST:
        return start_best(size, train_images)
    config = RECIPES[recipe].config
    changes: dict[str, object] = {"batch": min(config.batch, largest_batch(train_images))}
    if recipe == "quick" and size >= 64:
        # More pixels and, as a rule, fewer photographs: smaller batches, and each shown more often.
        changes |= {"batch": min(32, largest_batch(train_images)), "gamma": 1.0, "epochs": 50.0}
        side = training_size(size, gpu=gpu, train_images=train_images, epochs=epochs or 50.0, minutes=minutes)
        if side:
            changes |= ours.SMALL | {"train_size": side, "batch": min(config.batch, largest_batch(train_images))}
    if recipe == "stylegan2-ada" and size >= 64:
        changes["gamma"] = 2e-4 * size**2 / config.batch  # the paper's rule; at 32 px its 0.01 for CIFAR-10
    if recipe == "r3gan":
        changes |= published.R3GAN[size]
        changes["batch"] = min(published.R3GAN[size]["batch"], largest_batch(train_images))
    return config.model_copy(update=changes)


def start_best(size: int, train_images: int) -> TrainConfig:
    """`best`: the settings of the design for this dataset, with its budget and patience."""
    design = design_of(size, train_images)
    own = start(design.recipe, size=size, train_images=train_images)
    batch = min(design.changes.get("batch", own.batch), largest_batch(train_images))
    changes = design.changes | {"recipe": BEST, "epochs": shown(design, train_images), "patience": PATIENCE}
    return own.model_copy(update={**changes, "batch": batch})
