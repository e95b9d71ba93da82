"""Pydantic's errors as plain sentences: why a setting is refused."""

import difflib
from typing import Any

from pydantic import BaseModel


def refused(model: type[BaseModel], name: str, error: dict[str, Any]) -> str:
    """One plain sentence for one pydantic error of the field `name`."""
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, model.model_fields, n=1)
        return f"There is no setting named {name!r}" + (f"; did you mean {near[0]!r}?" if near else ".")
    title, context, got = model.model_fields[name].title, error.get("ctx", {}), error.get("input")
    wanted = {
        "greater_than": "must be above {gt}",
        "greater_than_equal": "must be at least {ge}",
        "less_than": "must be below {lt}",
        "less_than_equal": "must be at most {le}",
        "finite_number": "must be a finite number",
        "int_type": "must be a whole number",
        "int_from_float": "must be a whole number",
        "int_parsing": "must be a whole number",
        "float_parsing": "must be a number",
        "float_type": "must be a number",
        "bool_type": "must be true or false",
        "bool_parsing": "must be true or false",
        "string_type": "must be text",
        "too_long": "may hold at most {max_length} values",
        "missing": "is missing",
        "literal_error": "must be one of {expected}",
    }.get(error["type"], "cannot be used: " + error["msg"])
    wanted = wanted.format(
        **{key: value if isinstance(value, str) else in_words(value) for key, value in context.items()}
    )
    return f"{title} ({name}) {wanted}" + (
        "." if got is None or error["type"] == "missing" else f", not {in_words(got)}."
    )


def in_words(value: Any) -> str:
    """A value as a sentence has it: 0 and not 0.0."""
    return f"{value:.10g}" if isinstance(value, float) else repr(value)
