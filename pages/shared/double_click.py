"""The token of a click on a button: a double click submits one job, not two."""

import hashlib
import json
import secrets
import time

import streamlit as st

SAME_CLICK_SECONDS = 5


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
