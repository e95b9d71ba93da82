"""The store and workspace of this server, and the token by which a double click makes one job."""

import hashlib
import json
import secrets
import time

import streamlit as st

from gan_core.actions import Context
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, default_workspace

SAME_CLICK_SECONDS = 5


@st.cache_resource(max_entries=4)
def open_context(root: str) -> Context:
    workspace = Workspace(root)
    return Context(Store(workspace), workspace)


def get_context() -> Context:
    """Context of $GANVAS_WORKSPACE, opened once per server."""
    return open_context(str(default_workspace().root))


def click_token(button: str, *asked: object) -> str:
    """The same token for equal clicks on one button within SAME_CLICK_SECONDS, else a new one.

    asked: the values of the request, as JSON; a click with other values is another request.
    """
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
    last = st.session_state.get(f"token_{button}")
    if last is None or last[0] != digest or time.monotonic() - last[2] > SAME_CLICK_SECONDS:
        last = (digest, f"{button}-{secrets.token_hex(8)}", time.monotonic())
        st.session_state[f"token_{button}"] = last
    return last[1]
