"""What pages say where the index was rebuilt, is of a newer version, or does not answer."""

import contextlib
import sqlite3

import pytest

from gan_core.jobs import open_index
from gan_core.storage.index_file import INDEX
from gan_core.storage.store import Store
from tests.builders.app_pages import letters, open_page


@pytest.mark.slow
def test_a_rebuilt_index_is_told_until_it_was_read(full):
    (full.root / INDEX).write_bytes(b"garbage " * 1000)
    at = open_page("runs")
    assert "rebuilt from the folders" in letters(at) and "6 runs" in letters(at)
    at.button(key="index_dismiss").click().run()
    assert "rebuilt from the folders" not in letters(at) and open_index.notice(full) is None


def test_an_index_of_a_newer_version_is_refused_in_a_sentence(empty):
    with contextlib.closing(sqlite3.connect(Store(empty).path)) as db:
        db.execute("PRAGMA user_version = 99")
    at = open_page("home")
    assert len(at.error) == 1 and "newer Ganvas" in at.error[0].value and not at.title


def test_an_index_that_does_not_answer_is_told(empty, monkeypatch):
    def locked(*_, **__):
        raise sqlite3.OperationalError("database is locked")

    open_page("home")
    monkeypatch.setattr(Store, "query", locked)
    at = open_page("home")
    assert at.warning and "does not answer" in at.warning[0].value
