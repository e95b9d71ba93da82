"""Settings in words: the main ones, those that differ from the recipe, and the titles of those that are refused."""

from collections.abc import Iterable

from gan_core.settings.schema import TrainConfig
from gan_core.text import all_of
from pages.shared.text import setting_text
from pages.train.settings_form import main_settings

FIELDS = TrainConfig.model_fields


def summary(config: TrainConfig) -> str:
    """'Use the class labels: on, Epochs: 30, …': the main settings."""
    return ", ".join(f"{FIELDS[name].title}: {setting_text(getattr(config, name), name)}" for name in main_settings())


def differences(config: TrainConfig, recipe: TrainConfig) -> list[str]:
    """'Learning rate of D: 0.0002 → 0.0001' for each setting that is not the recipe's."""
    return [
        f"{field.title}: {setting_text(getattr(recipe, name), name)} → {setting_text(getattr(config, name), name)}"
        for name, field in FIELDS.items()
        if getattr(config, name) != getattr(recipe, name)
    ]


def titles(names: Iterable[str]) -> str:
    """'Epochs, Seed and Batch size', in the order of the form."""
    return all_of([str(FIELDS[name].title) for name in sorted(names, key=list(FIELDS).index)])
