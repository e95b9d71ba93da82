"""Links from one page to another."""

import streamlit as st


def link(page: str, label: str, icon: str = "arrow_forward", width: str | int = "stretch", **query: str) -> None:
    """A link to a page by the name of its folder. icon: of Material Symbols, '' for none; query: of the address."""
    shown = f":material/{icon}:" if icon else None
    st.page_link(f"{page}/page.py", label=label, icon=shown, query_params=query or None, width=width)  # type: ignore[arg-type]
