"""What pupils see of the app, and what they cannot do there."""

import pytest

import visitor
from gan_core.access import login, token
from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words

PUPILS = ("home", "live", "samples", "evaluate", "runs", "learn")


@pytest.fixture
def pupil(monkeypatch):
    monkeypatch.setenv(login.CLASSROOM, "1")
    monkeypatch.setattr(visitor, "is_pupil", lambda connection: True)


@pytest.mark.parametrize("name", [*PUPILS, "system"])
def test_a_page_opens_or_says_that_it_is_the_teachers(full, pupil, name):
    at = open_page(name, run=seeded_workspace.RUNS["finished"])
    assert ("This page is for your teacher." in words(at)) == (name not in PUPILS)
    assert token.of_pupils(visitor.secret()) not in str(at.main)


def test_a_click_is_refused_in_a_sentence(full, pupil):
    at = open_page("home")
    before = len(Store(full).jobs())
    at.button(key="run_demo").click().run()
    assert not at.exception and any("only shows" in error.value for error in at.error)
    assert len(Store(full).jobs()) == before


def test_the_teacher_finds_the_link_for_the_class(full, monkeypatch):
    monkeypatch.setenv(login.CLASSROOM, "1")
    monkeypatch.setattr(visitor, "is_pupil", lambda connection: False)
    at = open_page("learn")
    assert any(token.of_pupils(visitor.secret()) in code.value for code in at.code)
