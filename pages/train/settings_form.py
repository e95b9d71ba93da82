"""The form of a run's settings, made from TrainConfig: each setting with its title and help, and a place for its refusal.

The widgets keep their values until the browser has reported them (persist_state). A value that the page has set is otherwise sent
once: where the page runs again before a busy browser has drawn the field, the field would be drawn empty, and reported so.

The widgets have no bounds: a number field with bounds keeps a refused value to the browser, so that the run would start with the
value before. gan_core.settings.schema refuses it with a sentence instead.
"""

import math
from typing import Any

import streamlit as st
from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from gan_core.settings.rules import without_effect
from gan_core.settings.schema import GROUPS, TrainConfig
from pages.shared.request_form import options_of
from pages.shared.text import plain

PREFIX = "setting_"
PROPOSED = "form_proposed"  # see proposal.follow; absent where the form was filled since
FIELDS = {name: field for name, field in TrainConfig.model_fields.items() if name != "recipe"}  # which has cards


def fill(config: TrainConfig) -> None:
    """Put the values of config into the widgets. Call before settings_form, in the same run of the page."""
    put({name: getattr(config, name) for name in FIELDS})
    st.session_state.pop(PROPOSED, None)


def put(values: dict[str, Any]) -> None:
    """Put the values of some settings into their widgets."""
    for name, value in values.items():
        field = FIELDS[name]
        unchanged = options_of(field) or field.annotation in (bool, str) or value is None
        st.session_state[PREFIX + name] = value if unchanged else float(value)


def filled() -> bool:
    """Whether the widgets hold values. They lose them when the user leaves the page."""
    return all(PREFIX + name in st.session_state for name in FIELDS)


def current() -> dict[str, Any]:
    """The value of each setting, before the widgets are shown."""
    return {name: as_setting(field, st.session_state[PREFIX + name]) for name, field in FIELDS.items()}


def settings_form(
    runs: dict[str, str], devices: list[str], notes: dict[str, str]
) -> tuple[dict[str, Any], dict[str, DeltaGenerator]]:
    """Show the form. Returns {setting: value} and {setting: place for its refusal}. Widget keys: setting_<name>.

    runs: {id: label} of those whose weights may be the start; devices: those of this computer; notes: {setting: a sentence
    below it}. A setting without effect beside the others is greyed out.
    """
    values: dict[str, Any] = {}
    places: dict[str, DeltaGenerator] = {}
    reasons = without_effect(current())

    def show(names: list[str]) -> None:
        columns = [
            column for _ in range(0, len(names), 2) for column in st.columns(2)
        ]  # rows keep the order on a phone
        for column, name in zip(columns, names, strict=False):
            with column:
                values[name] = show_setting(name, FIELDS[name], reasons.get(name), runs, devices)
                places[name] = st.empty()
                if extra_of(name)["main"]:
                    st.caption(plain(FIELDS[name].description))
                if name in notes:
                    st.caption(plain(notes[name]))

    with st.container(key="settings_main"):
        show(main_settings())
    st.subheader("Advanced settings")
    with st.container(key="settings_advanced", gap="small"):
        for group, title in GROUPS.items():
            with st.expander(title, key=f"settings_{group}"):
                show([name for name in FIELDS if not extra_of(name)["main"] and extra_of(name)["group"] == group])
    return values, places


def show_setting(name: str, field: FieldInfo, no_effect: str | None, runs: dict[str, str], devices: list[str]) -> Any:
    """The widget of one setting; its value. no_effect: why it has none, and is greyed out."""
    key, label = PREFIX + name, plain(field.title)
    described = "" if extra_of(name)["main"] else field.description  # a main setting has its description below
    help = plain(f"{described} {no_effect or ''}") or None
    disabled = no_effect is not None
    if field.annotation is str:  # start_from; a run that no longer fits, and a typed path, stay in the list
        return st.selectbox(
            label,
            ["", *runs, *{st.session_state[key]} - {"", *runs}],
            format_func=lambda id: plain(runs.get(id, id)) if id else "None: from scratch",
            key=key,
            help=help,
            accept_new_options=True,
            persist_state="page",
        )
    if options := options_of(field):
        if name == "device":  # the one that is set stays in the list, with its refusal
            options = tuple(one for one in options if one in ("auto", "cuda", *devices, st.session_state[key]))
        return st.selectbox(label, options, key=key, help=help, disabled=disabled, persist_state="page")
    if field.annotation is bool:
        return st.toggle(label, key=key, help=help, disabled=disabled, persist_state="page")
    value = st.number_input(
        label,
        value=None,  # an emptied field is None, and not a value that nobody sees
        step=1.0 if field.annotation is int or field.default is None else step_of(field.default),
        format="%g",
        key=key,
        help=help,
        placeholder="no limit" if field.default is None else "a number",
        disabled=disabled,
        persist_state="page",
    )
    return as_setting(field, value)


def show_refusals(refused: dict[str, str], places: dict[str, DeltaGenerator]) -> None:
    """Each refusal under its setting, without '(batch)': only the command line needs the key."""
    for name, text in refused.items():
        if name in places:
            places[name].error(plain(text.replace(f" ({name})", "", 1)), icon=":material/error:")


def extra_of(name: str) -> dict[str, Any]:
    """ "main" and "group" of a setting, see schema.setting."""
    extra = TrainConfig.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return extra


def main_settings() -> list[str]:
    """The settings that are shown outside the folded groups."""
    return [name for name in FIELDS if extra_of(name)["main"]]


def as_setting(field: FieldInfo, value: Any) -> Any:
    """The value of a widget as a setting: a whole number as int where the setting is one, None for an empty field."""
    return int(value) if field.annotation is int and value is not None and float(value).is_integer() else value


def step_of(default: float) -> float:
    """One click on + or - of a number: a unit of its leading digit."""
    return 10.0 ** math.floor(math.log10(default)) if default else 1.0
