"""Widgets made from the fields of a request, so that a form has the title, help, default, bounds and options of the model.

    draws = request_form.number(EvaluateRequest, "draws", "evaluate_draws", at=column)
    layout = request_form.select(ExportRequest, "layout", "export_layout", LAYOUTS, width=220)

at: the column or container that shows the widget. What is given beside it (width, value, step, help, ...) goes to the widget of
Streamlit, in the place of what the model says.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import annotated_types
import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pages.shared.text import plain


def number(model: type[BaseModel], name: str, key: str, at: Any = st, **instead: Any) -> Any:
    """A number field; an int for a field of whole numbers, None where it is empty."""
    info = model.model_fields[name]
    whole = info.annotation is int or int in get_args(info.annotation)
    value = at.number_input(**described(info, key) | bounds(info) | {"step": 1 if whole else None} | instead)
    return int(value) if whole and value is not None else value


def slider(model: type[BaseModel], name: str, key: str, at: Any = st, **instead: Any) -> float:
    info = model.model_fields[name]
    limits = {side: float(bound) for side, bound in bounds(info).items()}
    return float(at.slider(**described(info, key) | limits | {"step": 0.05} | instead))


def select(
    model: type[BaseModel], name: str, key: str, words: Mapping[Any, str] | None = None, at: Any = st, **instead: Any
) -> Any:
    """A list of the options of a Literal. words: option -> what is shown for it; an option without words is not offered."""
    info = model.model_fields[name]
    options = [option for option in options_of(info) if not words or option in words]
    shown = described(info, key) | {"index": options.index(info.default)}
    shown.pop("value")
    return at.selectbox(
        options=options, format_func=lambda option: (words or {}).get(option, str(option)), **shown | instead
    )


def tick(model: type[BaseModel], name: str, key: str, at: Any = st, **instead: Any) -> bool:
    return bool(at.checkbox(**described(model.model_fields[name], key) | instead))


def text(model: type[BaseModel], name: str, key: str, at: Any = st, **instead: Any) -> str:
    return str(at.text_input(**described(model.model_fields[name], key) | instead)).strip()


def described(info: FieldInfo, key: str) -> dict[str, Any]:
    """Title, help, default and key as arguments of a widget."""
    return {"label": plain(info.title), "help": plain(info.description) or None, "value": info.default, "key": key}


def bounds(info: FieldInfo) -> dict[str, Any]:
    """ge and le of a field as min_value and max_value."""
    found: dict[str, Any] = {}
    for limit in info.metadata:
        if isinstance(limit, annotated_types.Ge):
            found["min_value"] = limit.ge
        elif isinstance(limit, annotated_types.Le):
            found["max_value"] = limit.le
    return found


def options_of(info: FieldInfo) -> tuple[Any, ...]:
    """The options of a Literal, else ()."""
    return get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
