"""How often a tab refreshes: every two seconds while few tabs are open, less often when many are.

A refresh takes about 15 ms of a CPU core from the training, and all threads of the training wait for the slowest core. So all
tabs together have a fixed number of refreshes per second.
"""

import secrets
import time

import psutil
import streamlit as st

LEAST_SECONDS, MOST_SECONDS = 2.0, 60.0
REFRESHES_A_SECOND = (psutil.cpu_count(logical=False) or 1) / 2  # of all tabs together
# A tab without a refresh for so long is closed. Each reload leaves one behind, so little more than the slowest rate.
FORGET_SECONDS = 100.0
SLACK = 1.5  # the timer is set anew when the rate is so many times longer or shorter


@st.cache_resource(max_entries=1)
def _tabs() -> dict[str, float]:
    """{tab: time of its last refresh}."""
    return {}


def seconds() -> float:
    """Seconds between refreshes of this tab; longer when more tabs are open."""
    tabs, now = _tabs(), time.monotonic()
    tabs[st.session_state.setdefault("tab", secrets.token_hex(8))] = now
    for tab, asked in list(tabs.items()):
        if now - asked > FORGET_SECONDS:
            tabs.pop(tab, None)
    return min(MOST_SECONDS, max(LEAST_SECONDS, len(tabs) / REFRESHES_A_SECOND))


def differs(every: float) -> bool:
    """Whether the refresh rate has changed since a timer was set to `every` seconds."""
    return not every / SLACK <= seconds() <= every * SLACK
