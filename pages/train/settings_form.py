"""A form made from the schema of TrainConfig: each setting with title and help, and room for its refusal.

Bounds are left to gan_core.settings.schema, which has words for them: a field that knew its bounds would keep what is out of them
to the browser, and the run would start with the value before.
"""

import math
from collections.abc import Iterable
from typing import Any, get_args

import streamlit as st
from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from gan_core.settings.rules import without_effect
from gan_core.settings.schema import GROUPS, TrainConfig
from pages.shared.text import plain, setting_text

HIDDEN = ("recipe",)  # chosen by its card, not in the form
PREFIX = "setting_"
FIELDS = {name: field for name, field in TrainConfig.model_fields.items() if name not in HIDDEN}


def fill(config: TrainConfig) -> None:
    """Put config's values into the form's widgets. Call before settings_form, in the same run of the page."""
    for name, field in FIELDS.items():
        value = getattr(config, name)
        as_it_is = choices(field) or field.annotation in (bool, str) or value is None
        st.session_state[PREFIX + name] = value if as_it_is else float(value)


def filled() -> bool:
    """Do the widgets still hold values? They lose them when the user leaves the page."""
    return all(PREFIX + name in st.session_state for name in FIELDS)


def current() -> dict[str, Any]:
    """The value of each setting, before the widgets are shown."""
    return {name: as_setting(field, st.session_state[PREFIX + name]) for name, field in FIELDS.items()}


def settings_form(runs: dict[str, str]) -> tuple[dict[str, Any], dict[str, DeltaGenerator]]:
    """Show the form: (value by setting, place for its error by setting). Widget keys: setting_<name>.

    runs: {id: label} of those to start from. What has no effect beside the other values is greyed out.
    """
    values: dict[str, Any] = {}
    slots: dict[str, DeltaGenerator] = {}
    idle = without_effect(current())

    def show(names: list[str]) -> None:
        columns = [
            column for _ in range(0, len(names), 2) for column in st.columns(2)
        ]  # in rows, so a phone keeps the order
        for column, name in zip(columns, names, strict=False):
            with column:
                values[name] = widget(name, FIELDS[name], idle.get(name), runs)
                slots[name] = st.empty()
                if is_main(name):
                    st.caption(plain(FIELDS[name].description))

    with st.container(key="settings_main"):
        show([name for name in FIELDS if is_main(name)])
    st.subheader("Advanced settings")
    with st.container(key="settings_advanced", gap="small"):
        for group, title in GROUPS.items():
            with st.expander(title, key=f"settings_{group}"):
                show([name for name in FIELDS if not is_main(name) and group_of(name) == group])
    return values, slots


def show_errors(errors: dict[str, str], slots: dict[str, DeltaGenerator]) -> None:
    """Each refusal under its field."""
    for name, text in errors.items():
        if name in slots:
            slots[name].error(plain(without_key(name, text)), icon=":material/error:")


def without_key(name: str, text: str) -> str:
    """The refusal without '(batch)': the command line needs the key, a page shows the title alone."""
    return text.replace(f" ({name})", "", 1)


def titles(names: Iterable[str]) -> str:
    """'Epochs, Seed and Batch size', in the order of the form."""
    fields = TrainConfig.model_fields
    listed = [fields[name].title for name in sorted(names, key=list(fields).index)]
    return " and ".join(filter(None, (", ".join(listed[:-1]), listed[-1])))


def is_main(name: str) -> bool:
    extra = TrainConfig.model_fields[name].json_schema_extra
    return bool(isinstance(extra, dict) and extra.get("main"))


def group_of(name: str) -> str:
    extra = TrainConfig.model_fields[name].json_schema_extra
    return str(extra["group"]) if isinstance(extra, dict) else ""


def choices(field: FieldInfo) -> tuple[Any, ...]:
    """The options of a Literal, else ()."""
    return tuple(option for option in get_args(field.annotation) if isinstance(option, str))


def widget(name: str, field: FieldInfo, idle: str | None, runs: dict[str, str]) -> Any:
    """The input for one setting. idle: why it has no effect, so that it is greyed out."""
    key, label = PREFIX + name, plain(field.title)
    help = (
        plain(f"{'' if is_main(name) else field.description} {idle or ''}".strip()) or None
    )  # a main setting tells it below
    off = idle is not None
    if field.annotation is str:  # start_from: a run that does not fit any more stays, with its refusal
        return st.selectbox(
            label,
            ["", *runs, *{st.session_state[key]} - {"", *runs}],
            format_func=lambda id: plain(runs.get(id, id)) if id else "None: from scratch",
            key=key,
            help=help,
        )
    if options := choices(field):
        return st.selectbox(label, options, key=key, help=help, disabled=off)
    if field.annotation is bool:
        return st.toggle(label, key=key, help=help, disabled=off)
    value = st.number_input(
        label,
        value=None,  # so that an emptied field is None and not some value that nobody sees
        step=1.0 if field.annotation is int or field.default is None else step(field.default),
        format="%g",
        key=key,
        help=help,
        placeholder="no limit" if field.default is None else "a number",
        disabled=off,
    )
    return as_setting(field, value)


def as_setting(field: FieldInfo, value: Any) -> Any:
    """What a widget holds as a setting: None for an empty number, a float for a whole-number setting that is not whole."""
    return int(value) if field.annotation is int and value is not None and float(value).is_integer() else value


def step(default: float) -> float:
    """One click of a number's + and -: a unit of its leading digit."""
    return 10.0 ** math.floor(math.log10(default)) if default else 1.0


def summary(config: TrainConfig) -> str:
    """'Use the class labels: on, Epochs: 30, …': what the run is really told, main settings only."""
    fields = TrainConfig.model_fields
    return ", ".join(
        f"{fields[name].title}: {setting_text(getattr(config, name), name)}" for name in fields if is_main(name)
    )


def differences(config: TrainConfig, recipe: TrainConfig) -> list[str]:
    """'Learning rate of D: 0.0002 → 0.0001' for each setting that is not the recipe's."""
    return [
        f"{field.title}: {setting_text(getattr(recipe, name), name)} → {setting_text(getattr(config, name), name)}"
        for name, field in TrainConfig.model_fields.items()
        if getattr(config, name) != getattr(recipe, name)
    ]
