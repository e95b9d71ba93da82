"""How often a tab asks for news, by how many watch."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import pace

PAGE = "import streamlit as st\nfrom pages.components import pace\nst.session_state.told = pace.seconds(), pace.differs(2.0)"


def tabs(number: int) -> list[AppTest]:
    pace._tabs().clear()
    return [AppTest.from_string(PAGE).run() for _ in range(number)]


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(pace, "REFRESHES_A_SECOND", 4)


def test_few_tabs_ask_every_two_seconds_and_many_share_one_a_second_for_each_core():
    told = [tab.session_state.told for tab in tabs(14)]
    assert [seconds for seconds, _ in told] == [2.0] * 8 + [2.25, 2.5, 2.75, 3.0, 3.25, 3.5]
    assert [differs for _, differs in told] == [False] * 12 + [True] * 2  # more than half as long again: a new timer


def test_a_tab_counts_once_and_is_forgotten_when_it_asks_no_more():
    first, *_ = tabs(12)
    assert first.run().session_state.told == (3.0, False)
    for tab in pace._tabs():
        pace._tabs()[tab] -= pace.FORGET_SECONDS + 1
    assert first.run().session_state.told == (2.0, False)
