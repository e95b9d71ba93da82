"""How often a tab asks for news: every two seconds where few watch, less often where many do.

A refresh costs the server some fifteen milliseconds of a core, which on a CPU are taken from the training that is
watched; and as its threads wait for each other, what one core loses all lose. So tabs share what they may ask for.
"""

import secrets
import time

import psutil
import streamlit as st

LEAST_SECONDS, MOST_SECONDS = 2.0, 60.0
REFRESHES_A_SECOND = (psutil.cpu_count(logical=False) or 1) / 2  # of the curves, for all tabs together
# A tab that has not asked for so long is gone. Each reload of a page leaves one behind, so not much more than the slowest takes.
FORGET_SECONDS = 100.0
SLACK = 1.5  # times longer or shorter, and the timer is set anew


@st.cache_resource(max_entries=1)
def _tabs() -> dict[str, float]:
    """When each tab last asked."""
    return {}


def seconds() -> float:
    """Between two refreshes of this tab, by how many tabs watch now."""
    tabs, now = _tabs(), time.monotonic()
    tabs[st.session_state.setdefault("tab", secrets.token_hex(8))] = now
    for tab, asked in list(tabs.items()):
        if now - asked > FORGET_SECONDS:
            tabs.pop(tab, None)
    return min(MOST_SECONDS, max(LEAST_SECONDS, len(tabs) / REFRESHES_A_SECOND))


def differs(every: float) -> bool:
    """Is the pace of this moment another one than a timer was set for?"""
    return not every / SLACK <= seconds() <= every * SLACK
