"""A form made from the schema of TrainConfig: each setting with title, help and bounds, and room for its refusal."""

import math
from typing import Any, get_args

import annotated_types
import streamlit as st
from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from gan_core.config import TrainConfig
from pages.components.text import plain

HIDDEN = ("recipe",)  # chosen by its card, not in the form
PREFIX = "setting_"


def fill(config: TrainConfig) -> None:
    """Put config's values into the form's widgets. Call before settings_form, in the same run of the page."""
    for name, field in TrainConfig.model_fields.items():
        if name not in HIDDEN:
            value = getattr(config, name)
            whole = choices(field) or field.annotation in (bool, int) or value is None
            st.session_state[PREFIX + name] = value if whole else float(value)


def filled() -> bool:
    """Do the widgets still hold values? They lose them when the user leaves the page."""
    return all(PREFIX + name in st.session_state for name in TrainConfig.model_fields if name not in HIDDEN)


def settings_form() -> tuple[dict[str, Any], dict[str, DeltaGenerator]]:
    """Show the form: (value by setting, place for its error by setting). Widget keys: setting_<name>."""
    values, slots = {}, {}
    main = [name for name in TrainConfig.model_fields if is_main(name)]
    rest = [name for name in TrainConfig.model_fields if not is_main(name) and name not in HIDDEN]
    for names, group in (
        (main, st.container(key="settings_main")),
        (rest, st.expander("Advanced settings", key="settings_advanced")),
    ):
        with group:
            columns = st.columns(2)
            for number, name in enumerate(names):
                with columns[number % 2]:
                    values[name] = widget(name, TrainConfig.model_fields[name])
                    slots[name] = st.empty()
    return values, slots


def show_errors(errors: dict[str, str], slots: dict[str, DeltaGenerator]) -> None:
    """Each refusal under its field."""
    for name, text in errors.items():
        if name in slots:
            slots[name].error(plain(text), icon=":material/error:")


def is_main(name: str) -> bool:
    extra = TrainConfig.model_fields[name].json_schema_extra
    return bool(isinstance(extra, dict) and extra.get("main"))


def choices(field: FieldInfo) -> tuple[Any, ...]:
    """The options of a Literal, else ()."""
    return tuple(option for option in get_args(field.annotation) if isinstance(option, str))


def widget(name: str, field: FieldInfo) -> Any:
    """The input for one setting. A bound that excludes its end (gt, lt) is left to the check, which has words."""
    key, label, help = PREFIX + name, plain(field.title), plain(field.description)
    if options := choices(field):
        return st.selectbox(label, options, key=key, help=help)
    if field.annotation is bool:
        return st.toggle(label, key=key, help=help)
    low = high = None
    for bound in field.metadata:
        low = (
            bound.ge
            if isinstance(bound, annotated_types.Ge)
            else bound.gt
            if isinstance(bound, annotated_types.Gt)
            else low
        )
        high = bound.le if isinstance(bound, annotated_types.Le) else high
    if field.annotation is int:
        return st.number_input(label, low, high, "min", 1, key=key, help=help)
    low, high = (None if end is None else float(end) for end in (low, high))
    if field.default is None:
        return st.number_input(label, low, high, None, 1.0, format="%g", key=key, help=help, placeholder="no limit")
    return st.number_input(label, low, high, "min", step(field.default), format="%g", key=key, help=help)


def step(default: float) -> float:
    """One click of a number's + and -: a unit of its leading digit."""
    return 10.0 ** math.floor(math.log10(default)) if default else 1.0


def differences(config: TrainConfig, recipe: TrainConfig) -> list[str]:
    """'Learning rate of D: 0.0002 → 0.0001' for each setting that is not the recipe's."""
    return [
        f"{field.title}: {show(getattr(recipe, name))} → {show(getattr(config, name))}"
        for name, field in TrainConfig.model_fields.items()
        if getattr(config, name) != getattr(recipe, name)
    ]


def show(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
