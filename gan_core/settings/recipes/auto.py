"""The auto-recipe: suggests a recipe with changes from the dataset, the device and the time that the user has.

The rules are heuristics (docs/recipes.md); each one that applies gives its reason in a sentence.
"""

from typing import Any, NamedTuple

from gan_core.errors import UserError
from gan_core.settings.recipes import RECIPES, start
from gan_core.settings.rules import largest_batch
from gan_core.settings.run_time import CPU_SPEED, epochs_within
from gan_core.settings.schema import SMALLEST_CLASS, TrainConfig, build

FEW_IMAGES, FEW_A_CLASS = 500, 100  # below either: label warm-up and augmentation
HARDLY_ANY = 50  # images; below that no labels
SOME_THOUSAND = 3_000  # images; below that D overfits without augmentation, unless the run is brief
OFTEN = 100  # times at most that a brief run shows each image
UNEVEN = 10  # times that the largest class is larger than the smallest
SHORT_MINUTES = 30
LARGE = "fastgan"  # for sizes that our own recipes do not draw
NO_LIMIT = 1_000_000.0  # epochs, where the time limit ends the run


class Suggestion(NamedTuple):
    settings: TrainConfig
    changes: dict[str, Any]  # settings that differ from the recipe
    reasons: list[str]  # sentences


def suggest(
    *, size: int, mode: str, train_counts: dict[str, int], device: str, minutes: float | None = None
) -> Suggestion:
    """size in px; mode "L" or "RGB"; training images by class; device "cpu" or "cuda"; minutes: the user's time, None: no limit.

    Raises UserError where no recipe draws this size.
    """
    images, gpu = sum(train_counts.values()), device == "cuda"
    recipe, reasons = choose(size, images, min(train_counts.values()), gpu, minutes)
    own = start(recipe, size=size, train_images=images)
    changes: dict[str, Any] = {}
    without_labels = labels(train_counts)
    conditional = own.conditional and len(train_counts) > 1 and not without_labels[0]
    for rule in (
        without_labels,
        few(train_counts, mode, own, conditional, brief(size, images, own, gpu, minutes)),
        uneven(train_counts, conditional),
        batch(size, images, gpu),
        budget(size, images, gpu, minutes),
        too_large(size, images, gpu),
    ):
        changes |= {name: value for name, value in rule[0].items() if name not in changes}
        reasons += rule[1]
    changes = {name: value for name, value in changes.items() if value != getattr(own, name)}
    return Suggestion(build(own.model_dump() | changes), changes, reasons)


Rule = tuple[dict[str, Any], list[str]]


def choose(size: int, images: int, smallest: int, gpu: bool, minutes: float | None) -> tuple[str, list[str]]:
    """(recipe, reason): the first recipe of a list for this device, number of images and time that draws this size."""
    wishes: tuple[str, ...]
    if not gpu:
        wishes, why = ("quick",), "there is no GPU, and its small networks learn in minutes without one"
    elif images < FEW_IMAGES or smallest < FEW_A_CLASS:
        wishes, why = ("few-shot", "quick"), "there are few images, and it is made for that"
    elif minutes is not None and minutes < SHORT_MINUTES:
        wishes, why = ("balanced", "quick"), f"{minutes:g} minutes on a GPU are enough for it"
    else:
        wishes, why = ("best", "balanced", "quick"), "there is a GPU and time for the largest networks"
    for name in wishes:
        if name in RECIPES and size in RECIPES[name].sizes:
            return name, [f"{RECIPES[name].title}: {why}."]
    if size in RECIPES[LARGE].sizes:
        return LARGE, [f"{RECIPES[LARGE].title}: {why_large(size)}"]
    raise UserError("no_recipe", f"No recipe draws {size} px yet.", "Import the images again at a smaller size.")


def why_large(size: int) -> str:
    return f"it is made for photographs of {size} px, even for only a hundred of them."


def labels(train_counts: dict[str, int]) -> Rule:
    small = sorted(name for name, count in train_counts.items() if count < SMALLEST_CLASS)
    images = sum(train_counts.values())
    if len(train_counts) == 1:
        return {}, []
    if small:
        return {"conditional": False}, [
            f"Without labels: class {small[0]!r} has fewer than {SMALLEST_CLASS} images, too few to learn from. "
            f"Leave it out to have one model for the other classes."
        ]
    if images < HARDLY_ANY:
        return {"conditional": False}, [
            f"Without labels: {images} images in all are too few to learn classes from. Augmenting the real images "
            f"may help a classifier more than a GAN."
        ]
    return {}, []


def brief(size: int, images: int, own: TrainConfig, gpu: bool, minutes: float | None) -> bool:
    """Is the run too short for D to overfit? Augmentation would then only slow it."""
    return not gpu and (own.epochs if minutes is None else epochs_within(minutes, images, CPU_SPEED[size])) <= OFTEN


def few(train_counts: dict[str, int], mode: str, own: TrainConfig, conditional: bool, is_brief: bool) -> Rule:
    """DiffAugment (arXiv:2006.10738), and label warm-up between a quarter and half of the run (arXiv:2201.06578)."""
    images, smallest = sum(train_counts.values()), min(train_counts.values())
    changes: dict[str, Any] = {}
    reasons = []
    if images < SOME_THOUSAND and own.augment in ("none", "translation") and not is_brief:
        changes["augment"] = "color+translation" if mode == "RGB" and images < FEW_IMAGES else "translation"
        reasons.append(f"Augmentation: without it D would overfit to only {images:,} images.")
    if conditional and (images < FEW_IMAGES or smallest < FEW_A_CLASS):
        changes |= {"label_start": own.label_start or 0.25, "label_full": own.label_full or 0.5}
        which = f"its smallest class has {smallest}" if smallest < FEW_A_CLASS else f"there are {images}"
        reasons.append(f"Label warm-up: with few images ({which}) labels from the start make a GAN collapse.")
    return changes, reasons


def uneven(train_counts: dict[str, int], conditional: bool) -> Rule:
    """Balanced sampling, which real and generated labels share."""
    most, least = max(train_counts.values()), min(train_counts.values())
    if not conditional or most <= UNEVEN * least:
        return {}, []
    return {"balance_classes": True}, [
        f"Every class is shown equally often, as the largest has {most / max(1, least):.0f} times as many images as the "
        f"smallest. Look closely at the small ones: they have the least variety and the most near copies."
    ]


def batch(size: int, images: int, gpu: bool) -> Rule:
    if images < 300:
        return {"batch": min(32, largest_batch(images))}, [f"Small batches, as there are only {images} images."]
    if gpu and size <= 32:
        return {"batch": min(128, largest_batch(images))}, ["Larger batches, which a GPU handles easily."]
    return {}, []


def budget(size: int, images: int, gpu: bool, minutes: float | None) -> Rule:
    """The user's minutes, or a number of images to show: with few training images a longer run only overfits."""
    if minutes is not None:
        ends = f"It ends after your {minutes:g} {'minute' if minutes == 1 else 'minutes'}."
        return {"minutes": float(minutes), "epochs": NO_LIMIT}, [ends]
    if not gpu:
        return {}, []
    shown = 400_000 if images <= 400 else 2_000_000 if size <= 32 else 1_500_000
    return {"epochs": round(shown / images, 1)}, [f"It shows {shown:,} images in all, which is usual at this size."]


def too_large(size: int, images: int, gpu: bool) -> Rule:
    if size == 256 and images < 300:
        return {}, [f"{images} images are few for 256 px: import them again at 128 px, which a GAN learns better."]
    if size >= 128 and not gpu:
        return {}, [f"{size} px take hours without a GPU: import the images again at 64 px for a result today."]
    return {}, []
