"""How synthetic images can be made: the choice on Export and on Evaluate."""

from collections.abc import Sequence

import streamlit as st

from gan_core.requests.export import METHODS

TITLES = {
    "gan": "Images from the run",
    "classical": "Changed copies of real images",
    "composite": "Objects on other backgrounds",
}


def select_methods(label: str, key: str, methods: Sequence[str] = METHODS, help: str | None = None) -> list[str]:
    """Any of the methods; at first the first of them."""
    return st.pills(
        label,
        list(methods),
        selection_mode="multi",
        default=list(methods[:1]),
        format_func=TITLES.__getitem__,
        key=key,
        help=help,
    )
