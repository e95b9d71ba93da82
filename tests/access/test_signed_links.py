"""A signed link is for one file, one user and some minutes."""

import time
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from gan_core.access import signed_links

SECRET, PATH = "s" * 20, "/api/exports/e1/grüne vögel.zip"


def parts(link):
    found = urlsplit(link)
    return unquote(found.path), dict(parse_qsl(found.query))


def test_a_link_holds_for_its_file_and_its_user():
    path, query = parts(signed_links.sign(PATH, "anna", SECRET))
    assert path == PATH and signed_links.holds(path, "anna", query, SECRET)


@pytest.mark.parametrize(
    ("path", "user", "change", "secret"),
    [
        ("/api/exports/e2/grüne vögel.zip", "anna", {}, SECRET),
        (PATH, "ben", {}, SECRET),
        (PATH, "", {}, SECRET),
        (PATH, "anna", {"sig": "0" * 64}, SECRET),
        (PATH, "anna", {"sig": ""}, SECRET),
        (PATH, "anna", {"until": "99999999999"}, SECRET),
        (PATH, "anna", {"until": ""}, SECRET),
        (PATH, "anna", {"until": "١"}, SECRET),
        (PATH, "anna", {}, "t" * 20),
    ],
)
def test_it_holds_for_nothing_else(path, user, change, secret):
    _, query = parts(signed_links.sign(PATH, "anna", SECRET))
    assert not signed_links.holds(path, user, query | change, secret)


def test_it_ends(monkeypatch):
    path, query = parts(signed_links.sign(PATH, "", SECRET))
    later = time.time() + signed_links.LASTS_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert not signed_links.holds(path, "", query, SECRET)
