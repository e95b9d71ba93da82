"""What a recipe that is made for a GPU says on a computer without one: how long it would take, and what to do."""

from gan_core.settings import recipes
from gan_core.settings.run_time import cpu_images_per_second
from gan_core.settings.schema import TrainConfig, images_total
from gan_core.text import duration

LONG_SECONDS = 2 * 3600


def notice(config: TrainConfig, size: int, train_images: int) -> str:
    """Two sentences; '' where the networks are not made for a GPU, or the run is short. size in px.

    With a time limit it is told how many of the recipe's images are shown until then.
    """
    speed, recipe = cpu_images_per_second(config, size), recipes.RECIPES.get(config.recipe)
    if speed is None or recipe is None:
        return ""
    usual = images_total(recipes.start(config.recipe, size=size, train_images=train_images), train_images)
    total = images_total(config, train_images)
    if config.minutes is not None and config.minutes * 60 * speed < min(usual, total):
        shown = round(config.minutes * 60 * speed)
        what = f"in {config.minutes:g} minutes a CPU shows it roughly {shown:,} of the {usual:,} images that it is made for."
    elif total / speed > LONG_SECONDS and config.minutes is None:
        what = f"on a CPU its {total:,} images take roughly {duration(total / speed)}."
    else:
        return ""
    if size in recipes.RECIPES["quick"].sizes:
        todo = "On a CPU choose the recipe Quick, which learns more in the same time."
    else:
        todo = "On a CPU import the images again at 128 px or less and choose the recipe Quick, which learns more in the same time."
    return f"{recipe.title} is made for a GPU: {what} {todo}"
