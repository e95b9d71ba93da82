"""The store and workspace of this server."""

import streamlit as st

from gan_core.actions import Context
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, default_workspace


@st.cache_resource(max_entries=4)
def open_context(root: str) -> Context:
    workspace = Workspace(root)
    return Context(Store(workspace), workspace)


def get_context() -> Context:
    """Context of $GANVAS_WORKSPACE, opened once per server."""
    return open_context(str(default_workspace().root))
