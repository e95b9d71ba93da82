"""The recipe fitted to the budget of the form. Its training size depends on the budget, and the form follows it."""

from typing import Any

import streamlit as st

from gan_core.data.dataset import DatasetInfo
from gan_core.settings import recipes, training_size
from gan_core.settings.schema import TrainConfig
from pages.train import settings_form

SIZED = "quick"  # the recipe whose training size depends on the budget


def follow(recipe: TrainConfig, info: DatasetInfo, gpu: bool) -> TrainConfig:
    """The recipe fitted to the minutes, epochs and device of the form. Call before the form is shown.

    Where these have changed the settings that depend on them, the form gets the new values, except of settings that the user has
    changed. A training size that the user has changed stays, and so does all that belongs to it.
    recipe: as it is without a budget.
    """
    values, before = settings_form.current(), st.session_state.get(settings_form.PROPOSED)
    known = budget(values, info, gpu)
    if known is None:
        return before or recipe
    now = recipes.start(recipe.recipe, size=info.size, **known)
    if before is not None and values["train_size"] == before.train_size:
        moved = {name: value for name, value in now if value != getattr(before, name)}
        settings_form.put({name: value for name, value in moved.items() if values[name] == getattr(before, name)})
    st.session_state[settings_form.PROPOSED] = now
    return now


def budget(values: dict[str, Any], info: DatasetInfo, gpu: bool) -> dict[str, Any] | None:
    """What of the form decides on the training size; None where the settings refuse it."""
    minutes, epochs = values["minutes"], values["epochs"]
    if not epochs or epochs < 0 or (minutes is not None and minutes <= 0):
        return None
    on_gpu = gpu and values["device"] != "cpu"
    return {"gpu": on_gpu, "train_images": sum(info.train_counts), "epochs": epochs, "minutes": minutes}


def why(proposed: TrainConfig, info: DatasetInfo, gpu: bool) -> dict[str, str]:
    """{"train_size": why this size is proposed}; nothing for a recipe that is always trained at the dataset's size."""
    values = settings_form.current()
    known = budget(values, info, gpu)
    if proposed.recipe != SIZED or known is None:
        return {}
    stays = "" if values["train_size"] == proposed.train_size else " The size that you have chosen stays."
    return {"train_size": training_size.why(info.size, **known) + stays}
