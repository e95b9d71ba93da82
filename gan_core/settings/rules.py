"""Which settings are refused: by a dataset's size and counts, and by what a family of networks can do. One sentence a field."""

from typing import Any

from gan_core.errors import FieldErrors
from gan_core.settings.families import TRAITS, can_be_guided
from gan_core.settings.field_errors import in_words
from gan_core.settings.schema import SMALLEST_CLASS, TrainConfig
from gan_core.text import and_more


def check(config: TrainConfig, *, size: int, train_counts: dict[str, int]) -> None:
    """Refuse settings that make no sense on this dataset. size in px; train_counts = training images per class.

    Raises FieldErrors, one sentence a field.
    """
    errors, images = {}, sum(train_counts.values())
    facts = TRAITS[config.family]
    if size not in facts.sizes:
        sizes = ", ".join(str(s) for s in facts.sizes)
        errors["family"] = (
            f"The recipe {config.recipe!r} draws images of {sizes} px, but this dataset is {size} px: import it "
            f"again at one of those sizes or choose another recipe."
        )
    elif facts.game == "cycle" and (len(train_counts) < 2 or not config.conditional):
        errors["family"] = (
            f"{facts.title} turns images of one class into another, so it needs two classes and their labels: "
            "choose another recipe."
        )
    errors |= check_family(config)
    if images < 2:
        errors["batch"] = "Training needs at least 2 training images: import more pictures."
    elif config.batch > images:
        errors["batch"] = (
            f"Batch size (batch) {config.batch} is larger than the {images} training images: "
            f"use {largest_batch(images)} or less."
        )
    small = sorted(name for name, count in train_counts.items() if count < SMALLEST_CLASS)
    if config.conditional and len(train_counts) > 1 and small:
        which = and_more([repr(name) for name in small], 3)
        errors["conditional"] = (
            f"Class {which} has fewer than {SMALLEST_CLASS} training images, too few to learn from: "
            f"add pictures, remove the class, or switch off 'Use the class labels'."
        )
    if errors:
        raise FieldErrors(errors)


def check_family(config: TrainConfig) -> dict[str, str]:
    """What the networks of config.family cannot be told: {setting: one sentence}."""
    facts, errors = TRAITS[config.family], {}
    if facts.losses and config.loss not in facts.losses:
        errors["loss"] = (
            f"{facts.title} cannot be trained with the loss {config.loss!r}: choose {' or '.join(facts.losses)}."
        )
    if config.condition not in facts.conditions:
        errors["condition"] = (
            f"{facts.title} cannot be told the label by {config.condition!r}: choose {' or '.join(facts.conditions)}."
        )
    if config.has_penalty and not facts.per_image:
        errors["penalty"] = (
            f"{facts.title} judges an image by its batch (batch norm), so no gradient penalty can be taken: "
            f"choose the penalty 'none', or other networks."
        )
    if config.penalty == "gp" and config.loss == "relativistic":
        errors["penalty"] = "The penalty 'gp' belongs to the Wasserstein loss: choose 'r1+r2' for the relativistic one."
    if (config.label_smoothing or config.label_noise) and config.loss not in ("nonsaturating", "minimax"):
        errors["label_smoothing"] = (
            "Label smoothing and noise belong to the losses 'nonsaturating' and 'minimax': set them to 0."
        )
    if config.minibatch_std and not facts.minibatch_std:
        errors["minibatch_std"] = f"{facts.title} has no minibatch standard deviation: switch it off."
    if config.freeze_d and not config.start_from:
        errors["freeze_d"] = (
            "Only layers that learnt elsewhere are worth freezing: choose a run to start from, or set 0."
        )
    if config.spectral_norm and not facts.spectral_norm:
        errors["spectral_norm"] = f"{facts.title} holds D's weights in a way of its own: switch spectral norm off."
    if config.reuse_fakes and facts.game != "adversarial":
        errors["reuse_fakes"] = f"{facts.title} draws its fakes in a way of its own: switch this off."
    if not facts.losses:
        for name, idle in WITHOUT_D.items():
            if getattr(config, name) != idle:
                title = TrainConfig.model_fields[name].title
                errors[name] = f"{facts.title} has no discriminator: set {title!r} ({name}) to {in_words(idle)}."
    if config.guide and not can_be_guided(config.family):
        errors["guide"] = f"{facts.title} cannot be guided by a classifier: switch 'Guide D by a classifier' off."
    if config.batch < smallest_batch(config):
        errors["batch"] = why_so_many(config)
    if config.label_full < config.label_start:
        errors["label_full"] = "Labels cannot count fully before they come in: set 'Labels count fully from' higher."
    return errors


WITHOUT_D: dict[str, Any] = {  # what a family that has no D must leave as it is here
    "penalty": "none",
    "lecam": 0.0,
    "spectral_norm": False,
    "label_smoothing": 0.0,
    "label_noise": 0.0,
    "d_steps": 1,
    "minibatch_std": False,
    "reuse_fakes": False,
    "augment": "none",
}


def smallest_batch(config: TrainConfig) -> int:
    """Images that a step of these networks needs, as it compares them with each other."""
    facts = TRAITS[config.family]
    return 2 if config.minibatch_std or facts.batch_norm or facts.game == "cycle" else 1


def why_so_many(config: TrainConfig) -> str:
    """Why fewer than smallest_batch are refused, in a sentence."""
    facts, wanted = TRAITS[config.family], f"set 'Batch size' (batch) to {smallest_batch(config)} or more"
    if config.minibatch_std:
        return (
            f"Minibatch standard deviation compares the images of a step with each other: {wanted}, or switch it off."
        )
    if facts.batch_norm:
        where = "batch norm in G" if facts.per_image else "batch norm"
        return f"{facts.title} compares the images of a step with each other ({where}): {wanted}."
    return f"{facts.title} turns an image of a step into the class of another one: {wanted}."


def largest_batch(images: int) -> int:
    """The largest power of two that fits into that many images, at least 2."""
    return max(2, 1 << max(0, images.bit_length() - 1))
