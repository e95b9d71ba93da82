"""The auto-recipe: suggests a recipe with changes from the dataset, the device and the time that the user has.

Which recipe is one table, AUTO; the rules after it change its settings. Both are heuristics (docs/recipes.md has the table); each
one that applies gives its reason in a sentence.
"""

import math
from typing import Any, NamedTuple

from gan_core.errors import UserError
from gan_core.settings.families import SIZES
from gan_core.settings.recipes import RECIPES, start
from gan_core.settings.recipes.designs import BEST, PHOTOGRAPHS, SMALL, design_of
from gan_core.settings.rules import largest_batch
from gan_core.settings.run_time import CPU_SPEED, epochs_within
from gan_core.settings.schema import SMALLEST_CLASS, TrainConfig, build

FEW_IMAGES, FEW_A_CLASS = 500, 100  # below either: label warm-up and augmentation
HARDLY_ANY = 50  # images; below that no labels
SOME_THOUSAND = 3_000  # images; below that D overfits without augmentation, unless the run is brief
OFTEN = 100  # times at most that a brief run shows each image
UNEVEN = 10  # times that the largest class is larger than the smallest
NO_LIMIT = 1_000_000.0  # epochs, where the time limit ends the run
OURS = ("quick", "balanced", "few-shot")  # whose batch and budget depend on the device and the number of images
MIRRORED = (BEST, "projected", "fastgan", "stylegan2-ada", "r3gan")  # whose papers mirror photographs

Range = tuple[float, float]  # at least the first, below the second
ANY: Range = (0, math.inf)


class Choice(NamedTuple):
    """minutes: that the user has; without a limit infinitely many, which ANY and an open end include. images: of the training
    split; smallest: of its smallest class; classes: how many there are."""

    device: str  # "cpu" or "cuda"
    sizes: tuple[int, ...]  # px
    minutes: Range
    images: Range
    smallest: Range
    classes: Range
    recipe: str
    why: str  # the end of the sentence 'Title: why.'


SHORT: Range = (0, 30)  # minutes
AUTO = (  # the first that fits
    *(
        Choice("cpu", sizes, ANY, ANY, ANY, ANY, recipe, why)
        for sizes, recipe, why in (
            ((28, 32, 64, 128), "quick", "there is no GPU, and its small networks learn in minutes without one"),
            ((256,), "fastgan", "it is made for photographs of 256 px, even for only a hundred of them"),
        )
    ),
    Choice("cuda", SMALL, ANY, (0, FEW_IMAGES), ANY, ANY, "few-shot", "there are few images, and it is made for that"),
    Choice(
        "cuda", SMALL, ANY, ANY, (0, FEW_A_CLASS), ANY, "few-shot", "a class has few images, and it is made for that"
    ),
    Choice("cuda", SMALL, SHORT, ANY, ANY, ANY, "balanced", "less than half an hour on a GPU is enough for it"),
    Choice(
        "cuda",
        PHOTOGRAPHS,
        SHORT,
        (300, math.inf),
        ANY,
        (1, 101),
        "projected",
        "its D uses features learnt on photographs, so shapes appear early in a short run",
    ),
    Choice("cuda", (64, 128), SHORT, ANY, ANY, ANY, "balanced", "less than half an hour on a GPU is enough for it"),
    Choice("cuda", (256,), SHORT, ANY, ANY, ANY, "fastgan", "it is made for few photographs of 256 px"),
    Choice("cuda", SIZES, ANY, ANY, ANY, ANY, BEST, "there is a GPU and time for the largest networks"),
)


class Suggestion(NamedTuple):
    settings: TrainConfig
    changes: dict[str, Any]  # settings that differ from the recipe
    reasons: list[str]  # sentences; the training size has one of its own, see training_size.sentence


def suggest(
    *, size: int, mode: str, train_counts: dict[str, int], device: str, minutes: float | None = None
) -> Suggestion:
    """size in px; mode "L" or "RGB"; training images by class; device "cpu" or "cuda"; minutes: the user's time, None: no limit.

    Raises UserError where no recipe draws this size.
    """
    images, gpu = sum(train_counts.values()), device == "cuda"
    choice = choose(size, train_counts, gpu, minutes)
    recipe, reasons = choice.recipe, [f"{RECIPES[choice.recipe].title}: {choice.why}."]
    own = start(recipe, size=size, train_images=images, gpu=gpu, minutes=minutes, epochs=minutes and NO_LIMIT)
    changes: dict[str, Any] = {}
    without_labels = labels(train_counts)
    conditional = own.conditional and len(train_counts) > 1 and not without_labels[0]
    for rule in (
        design(size, images, recipe),
        without_labels,
        few(train_counts, mode, own, conditional, brief(size, images, own, gpu, minutes)),
        uneven(train_counts, conditional),
        batch(size, images, own, gpu),
        mirror(mode, list(train_counts), recipe, gpu),
        budget(size, images, own, gpu, minutes),
        too_large(size, images, gpu),
    ):
        changes |= {name: value for name, value in rule[0].items() if name not in changes}
        reasons += rule[1]
    changes = {name: value for name, value in changes.items() if value != getattr(own, name)}
    return Suggestion(build(own.model_dump() | changes), changes, reasons)


Rule = tuple[dict[str, Any], list[str]]


def choose(size: int, train_counts: dict[str, int], gpu: bool, minutes: float | None) -> Choice:
    """The first row of AUTO that fits."""
    known = {
        "minutes": math.inf if minutes is None or math.isnan(minutes) else minutes,  # which the settings refuse
        "images": sum(train_counts.values()),
        "smallest": min(train_counts.values()),
        "classes": len(train_counts),
    }
    for row in AUTO:
        fits = row.device == ("cuda" if gpu else "cpu") and size in row.sizes
        if fits and all(within(value, getattr(row, name)) for name, value in known.items()):
            return row
    raise UserError("no_recipe", f"No recipe draws {size} px yet.", "Import the images again at a smaller size.")


def within(value: float, range: Range) -> bool:
    return range[0] <= value < range[1] or value == range[1] == math.inf


def design(size: int, images: int, recipe: str) -> Rule:
    if recipe != BEST:
        return {}, []
    title = RECIPES[design_of(size, images).recipe].title
    return {}, [f"For {images:,} images of {size} px it is {title}, the strongest published design for so many."]


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


def batch(size: int, images: int, own: TrainConfig, gpu: bool) -> Rule:
    if images < 300 and own.batch > 32:
        return {"batch": min(32, largest_batch(images))}, [f"Small batches, as there are only {images} images."]
    if gpu and size <= 32 and own.recipe in OURS and images >= 300:
        return {"batch": min(128, largest_batch(images))}, ["Larger batches, which a GPU handles easily."]
    return {}, []


def mirror(mode: str, classes: list[str], recipe: str, gpu: bool) -> Rule:
    """Mirrored images double what D sees, where left and right mean nothing. Neither the device nor the pixels can tell; so colour
    images count as photographs, unless their classes have the names of digits or letters."""
    if not gpu or recipe not in MIRRORED:
        return {}, []
    if mode != "RGB":
        return {"flip": False}, [
            "Not mirrored, as grey images may be digits or letters: switch 'Horizontal flips' on for photographs."
        ]
    if any(len(name.strip()) == 1 or name.strip().isdigit() for name in classes):
        return {"flip": False}, ["Not mirrored, as the classes have the names of digits or letters."]
    return {"flip": True}, [
        "Mirrored images are shown too, as colour images are mostly photographs: switch 'Horizontal flips' off for text, and for "
        "classes that differ in left and right."
    ]


def budget(size: int, images: int, own: TrainConfig, gpu: bool, minutes: float | None) -> Rule:
    """The user's minutes, or a number of images to show: with few training images a longer run only overfits."""
    if minutes is not None:
        ends = f"It ends after your {minutes:g} {'minute' if minutes == 1 else 'minutes'}."
        return {"minutes": float(minutes), "epochs": NO_LIMIT}, [ends]
    if own.recipe == BEST:
        kimg = design_of(size, images).kimg
        return {}, [
            f"It shows {1000 * kimg:,} images in all, or fewer: it ends after {own.patience} checks without gain and keeps the "
            "best checkpoint."
        ]
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
