"""The values of a setting from text, as a person types them on the command line or into the form of a sweep."""

import json
from typing import Any

from gan_core.errors import UserError


def parse(text: str) -> Any:
    """'0.5' -> 0.5, 'true' -> True, 'null' -> None, anything else stays text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {"nan": float("nan"), "inf": float("inf")}.get(text.lower(), text)


def value_of(setting: str, text: str) -> Any:
    """The value of a setting; a path or an id stays text, whatever it looks like."""
    return text if setting == "start_from" else parse(text)


def values_of(setting: str, text: str) -> tuple[Any, ...]:
    """'32, 64' -> (32, 64), each value once. Raises UserError bad_set where one is empty."""
    texts = [one.strip() for one in text.split(",")]
    if not all(texts):
        raise UserError(
            "bad_set", f"{setting} has an empty value in {text!r}.", "Write values with commas between, as in 32,64."
        )
    return tuple(value_of(setting, one) for one in dict.fromkeys(texts))
