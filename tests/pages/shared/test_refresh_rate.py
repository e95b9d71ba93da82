"""How often a tab asks for news, by how many watch."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import refresh_rate

PAGE = """
import streamlit as st
from pages.shared import refresh_rate
st.session_state.told = refresh_rate.seconds(), refresh_rate.differs(2.0)
"""


def tabs(number: int) -> list[AppTest]:
    refresh_rate._tabs().clear()
    return [AppTest.from_string(PAGE).run() for _ in range(number)]


@pytest.mark.slow
@pytest.mark.parametrize("cores", [1, 2, 4])
def test_few_tabs_ask_every_two_seconds_and_many_share(monkeypatch, cores):
    monkeypatch.setattr(refresh_rate, "REFRESHES_A_SECOND", cores)
    told = [tab.session_state.told for tab in tabs(4 * cores)]
    assert [seconds for seconds, _ in told] == [max(2.0, number / cores) for number in range(1, 4 * cores + 1)]
    assert [differs for _, differs in told] == [
        number / cores > 3.0 for number in range(1, 4 * cores + 1)
    ]  # a new timer


@pytest.mark.slow
def test_a_tab_counts_once_and_is_forgotten_when_it_asks_no_more(monkeypatch):
    monkeypatch.setattr(refresh_rate, "REFRESHES_A_SECOND", 4)
    first, *_ = tabs(12)
    assert first.run().session_state.told == (3.0, False)
    for tab in refresh_rate._tabs():
        refresh_rate._tabs()[tab] -= refresh_rate.FORGET_SECONDS + 1
    assert first.run().session_state.told == (2.0, False)


@pytest.mark.slow
def test_a_class_that_reloads_its_pages_does_not_slow_itself_without_end(monkeypatch):
    monkeypatch.setattr(refresh_rate, "REFRESHES_A_SECOND", 0.1)
    first, *_ = tabs(10)
    assert first.run().session_state.told[0] == refresh_rate.MOST_SECONDS < refresh_rate.FORGET_SECONDS
    for tab in refresh_rate._tabs():
        refresh_rate._tabs()[tab] -= refresh_rate.MOST_SECONDS + 1  # it only waits for its turn
    assert first.run().session_state.told[0] == refresh_rate.MOST_SECONDS
