"""The store and workspace of this server."""

import streamlit as st

import visitor
from gan_core.actions import Context
from gan_core.jobs.open_index import open_index
from gan_core.storage.workspace import Workspace, default_workspace


@st.cache_resource(max_entries=4)
def open_context(root: str) -> Context:
    workspace = Workspace(root)
    return Context(open_index(workspace), workspace)


def get_context() -> Context:
    """Context of $GANVAS_WORKSPACE, opened once per server; a pupil's changes nothing."""
    context = open_context(str(default_workspace().root))
    return context.for_reading() if visitor.is_pupil(st.context) else context
