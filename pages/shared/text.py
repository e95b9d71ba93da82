"""Text escaped for Streamlit's markdown, so that a name is shown letter for letter."""

import re
from string import punctuation
from typing import Any

from gan_core.errors import UserError
from gan_core.settings.recipes.auto import NO_LIMIT

JOINER = "\u2060"  # WORD JOINER, invisible: stops the replacements that Streamlit makes after markdown has removed the escapes

# :smile: and :material/x: become icons, http:// and www. and a@b become links, -> and -- become other signs.
LATE = re.compile(r":(?=[\w/+-])|@(?=\w)|(?<=www)(?=\.)|[-<>~](?=[-=>])")
SPECIAL = re.compile("([" + re.escape(punctuation) + "])")


def plain(text: object) -> str:
    """text so that Streamlit's markdown shows it literally: no image, link, color, icon, formula or HTML."""
    line = " ".join(str(text).split())
    return SPECIAL.sub(r"\\\1", LATE.sub(lambda found: found[0] + JOINER, line))


def sentence(error: UserError | dict[str, str]) -> str:
    """'what todo' of a refusal or of a job's stored error, escaped for markdown."""
    what, todo = (
        (error.what, error.todo) if isinstance(error, UserError) else (error.get("what", ""), error.get("todo", ""))
    )
    return plain(f"{what} {todo}")


def setting_text(value: Any, name: str = "") -> str:
    """A setting's value in words. name: of the setting."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if name == "epochs" and value == NO_LIMIT:
        return "no limit"
    return "none" if value in (None, "") else f"{value:.10g}" if isinstance(value, float) else str(value)
