"""The one store and workspace of this server, and the request token that makes a double click one job."""

import secrets
import time

import streamlit as st

from gan_core.actions import Desk
from gan_core.store import Store
from gan_core.workspace import Workspace, default_workspace

SAME_CLICK_SECONDS = 5


@st.cache_resource(max_entries=4)
def open_desk(root: str) -> Desk:
    workspace = Workspace(root)
    return Desk(Store(workspace), workspace)


def get_desk() -> Desk:
    """Desk of $GANVAS_WORKSPACE, opened once per server."""
    return open_desk(str(default_workspace().root))


def click_token(button: str) -> str:
    """The same token for clicks on one button that follow each other within seconds, else a new one."""
    last = st.session_state.get(f"token_{button}")
    if last is None or time.monotonic() - last[1] > SAME_CLICK_SECONDS:
        last = st.session_state[f"token_{button}"] = (f"{button}-{secrets.token_hex(8)}", time.monotonic())
    return last[0]
