"""Which settings have no effect beside the others: the form greys them out and says why."""

from typing import Any

from gan_core.settings.families import TRAITS
from gan_core.settings.rules import WITHOUT_D
from gan_core.settings.schema import TrainConfig

DEFAULTS = {name: field.default for name, field in TrainConfig.model_fields.items()}


def without_effect(values: dict[str, Any]) -> dict[str, str]:
    """{setting: why it has no effect}. A setting that is refused as it stands (feasible.check) is never among them.

    values by setting, as a form holds them; what is missing or empty counts as its default.
    """
    now = DEFAULTS | {name: value for name, value in values.items() if value is not None}
    facts, idle = TRAITS[now["family"]], {}

    def say(why: str, *names: str) -> None:
        idle.update({name: why for name in names if name not in idle})

    soft = now["label_smoothing"] or now["label_noise"]  # refused together
    if not facts.losses:
        off = [name for name, value in WITHOUT_D.items() if now[name] == value]
        say(f"{facts.title} has no discriminator.", "loss", *(name for name in off if not (soft and "label" in name)))
    if len(facts.losses) == 1 and now["loss"] == facts.losses[0]:
        say(f"{facts.title} has this loss alone.", "loss")
    if len(facts.conditions) == 1 and now["condition"] == facts.conditions[0]:
        say(f"{facts.title} has this way alone.", "condition")
    if not facts.per_image and now["penalty"] == "none":
        say(f"{facts.title} judges an image by its batch, so it can have no penalty.", "penalty")
    if facts.game != "adversarial" and not now["reuse_fakes"]:
        say(f"{facts.title} draws its fakes in a way of its own.", "reuse_fakes")
    for name in ("minibatch_std", "spectral_norm"):
        if not getattr(facts, name) and not now[name]:
            say(f"{facts.title} leaves no choice here.", name)
    if now["penalty"] == "none":
        say("There is no penalty.", "gamma", "penalty_every", "gamma_end")
    if now["loss"] not in ("nonsaturating", "minimax") and not soft:
        say("Belongs to the losses 'nonsaturating' and 'minimax'.", "label_smoothing", "label_noise")
    if now["optimizer"] == "rmsprop":
        say("RMSprop has none.", "beta1", "beta2")
    if now["schedule"] == "constant":
        say("The schedule is constant.", "lr_end", "gamma_end")
    if now["augment"] != "ada":
        say("The augmentation is not 'ada'.", "ada_target")
    if not now["conditional"]:
        say("Labels are not used.", "balance_classes")
        if now["condition"] in facts.conditions:
            say("Labels are not used.", "condition")
        if now["label_start"] <= now["label_full"]:
            say("Labels are not used.", "label_start", "label_full")
    if not (now["start_from"] or now["freeze_d"]):
        say("No run is chosen to start from.", "freeze_d")
    return idle
