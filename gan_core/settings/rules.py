"""Which settings are refused or have no effect: one table of rules on a dataset, a family of networks and the other settings.

`check` and `check_family` read the refusals, `without_effect` the settings that a form greys out, and `transfer_obstacles` says
whether a run can start from the weights of another one.
"""

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, NamedTuple

from gan_core.errors import FieldErrors
from gan_core.settings.families import TRAITS, can_be_guided, inner_size
from gan_core.settings.field_errors import in_words
from gan_core.settings.schema import SMALLEST_CLASS, TrainConfig
from gan_core.text import and_more

Case = SimpleNamespace  # what a rule sees: every setting by its name and what `case_of` and `on_dataset` add
ANY = object()


class Rule(NamedTuple):
    """While `when` holds, `field` is refused unless it is `value`; where it is not refused, it is greyed out.

    The sentences have names of a Case in braces. Without a refusal nothing is refused, without a reason nothing greyed out. Of the
    rules on a field the first that applies counts.
    """

    field: str
    when: Callable[[Case], Any]
    refusal: str = ""
    reason: str = ""
    value: Any = ANY


DATASET_RULES = (
    Rule(
        "family",
        lambda c: c.size not in c.traits.sizes,
        "The recipe {recipe!r} draws images of {sizes} px, but this dataset is {size} px: import it again at one of those "
        "sizes or choose another recipe.",
    ),
    Rule(
        "family",
        lambda c: c.traits.game == "cycle" and (c.classes < 2 or not c.conditional),
        "{traits.title} turns images of one class into another, so it needs two classes and their labels: choose another "
        "recipe.",
    ),
    Rule(
        "train_size",
        lambda c: c.train_size >= c.size or c.size % (c.train_size or 1),
        "Images of {size} px cannot be trained at {train_size} px: set 'Training size' (train_size) to 0, or to a half, a "
        "quarter or an eighth of {size}.",
        value=0,
    ),
    Rule("batch", lambda c: c.images < 2, "Training needs at least 2 training images: import more images."),
    Rule(
        "batch",
        lambda c: c.batch > c.images,
        "Batch size (batch) {batch} is larger than the {images} training images: use {largest_batch} or less.",
    ),
    Rule(
        "conditional",
        lambda c: c.conditional and c.classes > 1 and c.small_classes,
        f"Class {{small_classes}} has fewer than {SMALLEST_CLASS} training images, too few to learn from: add images, "
        "remove the class, or switch off 'Use the class labels'.",
    ),
)
TWO_IMAGES = (  # networks that compare the images of a step with each other
    Rule(
        "batch",
        lambda c: c.minibatch_std,
        "Minibatch standard deviation compares the images of a step with each other: set 'Batch size' (batch) to 2 or "
        "more, or switch it off.",
    ),
    Rule(
        "batch",
        lambda c: c.traits.batch_norm,
        "{traits.title} has batch norm in {batch_norm_in}, which compares the images of a step with each other: set 'Batch "
        "size' (batch) to 2 or more.",
    ),
    Rule(
        "batch",
        lambda c: c.traits.game == "cycle",
        "{traits.title} turns an image of a step into the class of another one: set 'Batch size' (batch) to 2 or more.",
    ),
)
NEEDS_DISCRIMINATOR: dict[str, Any] = {  # and the value of each where there is none
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


def without_discriminator(name: str, value: Any) -> Rule:
    title = TrainConfig.model_fields[name].title
    refusal = f"{{traits.title}} has no discriminator: set {title!r} ({name}) to {in_words(value)}."
    return Rule(name, lambda c: not c.traits.losses, refusal, "{traits.title} has no discriminator.", value)


def with_one_image(rule: Rule) -> Rule:
    return rule._replace(when=lambda c: c.batch < 2 and rule.when(c))


RULES = (
    # The family
    *(without_discriminator(name, value) for name, value in NEEDS_DISCRIMINATOR.items()),
    Rule("loss", lambda c: not c.traits.losses, reason="{traits.title} has no discriminator."),
    Rule(
        "loss",
        lambda c: c.traits.losses and c.loss not in c.traits.losses,
        "{traits.title} cannot be trained with the loss {loss!r}: choose {losses}.",
    ),
    Rule("loss", lambda c: len(c.traits.losses) == 1, reason="{traits.title} has only this loss."),
    Rule(
        "condition",
        lambda c: c.condition not in c.traits.conditions,
        "{traits.title} cannot give its discriminator the label by {condition!r}: choose {conditions}.",
    ),
    Rule("condition", lambda c: len(c.traits.conditions) == 1, reason="{traits.title} has only this way."),
    Rule(
        "penalty",
        lambda c: c.penalty == "gp" and c.loss == "relativistic",
        "The penalty 'gp' belongs to the Wasserstein loss: choose 'r1+r2' for the relativistic one.",
    ),
    Rule(
        "penalty",
        lambda c: not c.traits.per_image and (c.gamma > 0 or c.penalty == "none"),
        "{traits.title} has batch norm in its discriminator, so the gradient penalty of a single image cannot be computed: "
        "choose the penalty 'none', or other networks.",
        "{traits.title} has batch norm in its discriminator, which rules out gradient penalties.",
        "none",
    ),
    Rule(
        "reuse_fakes",
        lambda c: c.traits.game != "adversarial",
        "{traits.title} has a training step of its own, which cannot reuse the fakes of D: switch this off.",
        "{traits.title} has a training step of its own.",
        False,
    ),
    Rule(
        "minibatch_std",
        lambda c: not c.traits.minibatch_std,
        "{traits.title} has no minibatch standard deviation: switch it off.",
        "{traits.title} allows no other value here.",
        False,
    ),
    Rule(
        "spectral_norm",
        lambda c: not c.traits.spectral_norm,
        "{traits.title} scales the weights of its discriminator in another way: switch spectral norm off.",
        "{traits.title} allows no other value here.",
        False,
    ),
    Rule(
        "guide",
        lambda c: not can_be_guided(c.family),
        "{traits.title} cannot be guided by a classifier: switch 'Guide D by a classifier' off.",
        "{traits.title} cannot be guided by a classifier.",
        False,
    ),
    Rule(
        "path_length",
        lambda c: not c.traits.styles,
        "{traits.title} has no styles, so it has no path length: set 'Path length weight' (path_length) to 0.",
        "{traits.title} has no styles.",
        0.0,
    ),
    *(
        Rule(name, lambda c: not c.traits.styles, reason="{traits.title} has no styles.")
        for name in ("mapping_layers", "normalize_z", "mixing", "image_border", "path_length_every")
    ),
    Rule(
        "train_size",
        lambda c: c.traits.game != "adversarial",
        "{traits.title} has a training step of its own, which has no refiner: set 'Training size' (train_size) to 0.",
        "{traits.title} has a training step of its own.",
        0,
    ),
    Rule(
        "train_size",
        lambda c: len(c.traits.sizes) == 1,
        "{traits.title} has networks of one size: set 'Training size' (train_size) to 0.",
        "{traits.title} has networks of one size.",
        0,
    ),
    Rule(
        "train_size",
        lambda c: c.train_size < c.traits.smallest,
        "{traits.title} cannot be trained below {traits.smallest} px: set 'Training size' (train_size) to 0 or a larger size.",
        value=0,
    ),
    Rule(
        "published_layers",
        lambda c: not c.traits.published_layers,
        reason="{traits.title} has only these layers.",
    ),
    Rule("feature_size", lambda c: c.family != "projected", reason="{traits.title} has no frozen network."),
    *(with_one_image(rule) for rule in TWO_IMAGES),
    # Other settings
    *(
        Rule(
            name,
            lambda c: c.loss not in ("nonsaturating", "minimax"),
            "Label smoothing and label noise belong to the losses 'nonsaturating' and 'minimax': set them to 0.",
            "Belongs to the losses 'nonsaturating' and 'minimax'.",
            0.0,
        )
        for name in ("label_smoothing", "label_noise")
    ),
    Rule("margin_noise", lambda c: c.loss != "hinge", reason="Belongs to the loss 'hinge'."),
    Rule(
        "freeze_d",
        lambda c: not c.start_from,
        "Only layers that were trained before can be frozen usefully: choose a run to start from, or set 0.",
        "No run is chosen to start from.",
        0,
    ),
    Rule(
        "label_full",
        lambda c: c.label_full < c.label_start,
        "Label warm-up cannot end before it starts: set 'Label warm-up ends at' higher.",
    ),
    *(
        Rule(name, lambda c: c.penalty == "none", reason="There is no penalty.")
        for name in ("gamma", "penalty_every", "gamma_end")
    ),
    *(Rule(name, lambda c: c.optimizer == "rmsprop", reason="RMSprop does not use it.") for name in ("beta1", "beta2")),
    *(
        Rule(name, lambda c: c.schedule == "constant", reason="The schedule is constant.")
        for name in ("lr_end", "gamma_end")
    ),
    *(
        Rule(name, lambda c: c.augment != "ada", reason="The augmentation is not 'ada'.")
        for name in ("ada_target", "ada_transforms", "ada_resampling")
    ),
    Rule("path_length_every", lambda c: c.path_length == 0, reason="The path length has no weight."),
    *(
        Rule(name, lambda c: not c.conditional, reason="Labels are not used.")
        for name in ("balance_classes", "condition", "label_start", "label_full")
    ),
)


def check(config: TrainConfig, *, size: int, train_counts: dict[str, int]) -> None:
    """Refuse settings that make no sense on this dataset. size in px; train_counts = training images per class.

    Raises FieldErrors, one sentence a field.
    """
    case = on_dataset(case_of(config.model_dump()), size, train_counts)
    if errors := refusals(RULES, case) | refusals(DATASET_RULES, case):
        raise FieldErrors(errors)


def check_family(config: TrainConfig) -> dict[str, str]:
    """What the networks of config.family and the other settings refuse: {setting: one sentence}."""
    return refusals(RULES, case_of(config.model_dump()))


def without_effect(values: dict[str, Any]) -> dict[str, str]:
    """{setting: why it has no effect}. A setting that is refused as it stands (`check_family`) is never among them.

    values by setting, as a form holds them; what is missing or empty counts as its default.
    """
    found: dict[str, str] = {}
    case = case_of(values)
    refused = refusals(RULES, case)
    for rule in RULES:
        if rule.reason and rule.field not in {*refused, *found} and rule.when(case):
            found[rule.field] = rule.reason.format_map(vars(case))
    return found


def refusals(rules: Iterable[Rule], case: Case) -> dict[str, str]:
    found: dict[str, str] = {}
    for rule in rules:
        if rule.refusal and rule.field not in found and getattr(case, rule.field) != rule.value and rule.when(case):
            found[rule.field] = rule.refusal.format_map(vars(case))
    return found


def case_of(values: dict[str, Any]) -> Case:
    """values: settings by name; what is missing or None counts as its default."""
    settings = {name: field.default for name, field in TrainConfig.model_fields.items()}
    settings |= {name: value for name, value in values.items() if value is not None}
    traits = TRAITS[settings["family"]]
    losses, conditions = (" or ".join(choices) for choices in (traits.losses, traits.conditions))
    batch_norm_in = "its generator" if traits.per_image else "its networks"
    return Case(**settings, traits=traits, losses=losses, conditions=conditions, batch_norm_in=batch_norm_in)


def on_dataset(case: Case, size: int, train_counts: dict[str, int]) -> Case:
    case.size, case.sizes = size, ", ".join(map(str, case.traits.sizes))
    case.images, case.classes = sum(train_counts.values()), len(train_counts)
    case.largest_batch = largest_batch(case.images)
    case.small_classes = and_more(sorted(repr(name) for name, n in train_counts.items() if n < SMALLEST_CLASS), 3)
    return case


def smallest_batch(config: TrainConfig) -> int:
    """Images that a step of these networks needs: 2 where it compares them with each other, else 1."""
    case = case_of(config.model_dump())
    return 2 if any(rule.when(case) for rule in TWO_IMAGES) else 1


def largest_batch(images: int) -> int:
    """The largest power of two that fits into that many images, at least 2."""
    return max(2, 1 << max(0, images.bit_length() - 1))


# Settings that shape the networks: a run can start from the weights of another one only where they are the same.
SHAPING = (
    *("family", "width", "z_dim", "condition", "minibatch_std", "spectral_norm", "guide", "train_size"),
    *("mapping_layers", "normalize_z", "mixing", "image_border", "published_layers", "feature_size"),
)


class NetworkShape(NamedTuple):
    """What decides whether weights fit, beside the number of classes, whose embeddings may be left fresh."""

    config: TrainConfig
    size: int  # px of the dataset
    channels: int


def transfer_obstacles(mine: NetworkShape, other: NetworkShape) -> list[str]:
    """'width 96 instead of 64' for each difference that keeps the other's weights out; [] where they fit."""
    config, theirs = mine.config, other.config
    found = [
        f"{str(TrainConfig.model_fields[name].title).lower()} {getattr(theirs, name)} instead of {getattr(config, name)}"
        for name in SHAPING
        if getattr(theirs, name) != getattr(config, name)
    ]
    if inner_size(theirs.family, other.size) != inner_size(config.family, mine.size):
        found.append(f"images of {other.size} px instead of {mine.size}")
    if other.channels != mine.channels:
        color = {1: "grey", 3: "colour"}
        found.append(f"{color[other.channels]} images instead of {color[mine.channels]} ones")
    return found


def transfer_refusal(obstacles: list[str]) -> str:
    return f"That run cannot be the start of this one: it has {', '.join(obstacles)}. Choose a run that has the same."
