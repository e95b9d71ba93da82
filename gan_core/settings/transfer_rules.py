"""Can a run start from another run's weights? Told from their settings and datasets alone, without torch."""

from typing import NamedTuple

from gan_core.settings.families import inner_size
from gan_core.settings.schema import TrainConfig

SHAPING = (
    "family",
    "width",
    "z_dim",
    "condition",
    "minibatch_std",
    "spectral_norm",
    "guide",
)  # settings that shape the networks


class Shape(NamedTuple):
    """What decides whether weights fit, beside the number of classes, whose embeddings may be left fresh."""

    config: TrainConfig
    size: int  # px of the dataset
    channels: int


def obstacles(mine: Shape, other: Shape) -> list[str]:
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
        colour = {1: "grey", 3: "colour"}
        found.append(f"{colour[other.channels]} images instead of {colour[mine.channels]} ones")
    return found


def refusal(found: list[str]) -> str:
    return f"That run cannot be the start of this one: it has {', '.join(found)}. Choose a run that has the same."
