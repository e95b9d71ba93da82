"""Recipe: a named starting point with its source, and one sentence on when to use it."""

from typing import NamedTuple

from gan_core.settings.families import TRAITS
from gan_core.settings.schema import TrainConfig


class Recipe(NamedTuple):
    title: str
    sentence: str  # when to use it
    shortfall: str  # where it falls short
    source: str
    config: TrainConfig
    only: tuple[int, ...] = ()  # px sides that it is meant for; empty: all that its networks can do

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.only or TRAITS[self.config.family].sizes
