"""The token of a workspace, and what is signed with it."""

import time

import pytest

from gan_core.access import token


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    """As a new process: nothing is remembered, and no variable is set."""
    monkeypatch.delenv(token.VARIABLE, raising=False)
    token.kept.cache_clear()


def test_the_token_outlives_the_server_and_only_its_owner_reads_it(workspace):
    first = token.of(workspace)
    token.kept.cache_clear()
    file = workspace.root / token.FILE
    assert token.of(workspace) == first == file.read_text() and len(first) >= 43
    assert file.stat().st_mode & 0o777 == 0o600 and not list(workspace.root.glob("*.tmp-*"))


@pytest.mark.parametrize("damage", [b"", b"short", b"\xff" * 40, b"with a space in the midst of it"])
def test_a_damaged_file_is_replaced(workspace, damage):
    (workspace.root / token.FILE).write_bytes(damage)
    made = token.of(workspace)
    token.kept.cache_clear()
    assert token.FORM.fullmatch(made) and token.of(workspace) == made


def test_without_a_place_for_it_the_token_lasts_as_long_as_the_process(workspace):
    (workspace.root / token.FILE).mkdir()  # neither read nor replaced
    assert token.of(workspace) == token.of(workspace) and token.FORM.fullmatch(token.of(workspace))


def test_the_variable_names_a_token_of_ones_own(workspace, monkeypatch):
    monkeypatch.setenv(token.VARIABLE, "correct-horse-battery")
    assert token.of(workspace) == "correct-horse-battery" and not token.is_off()
    monkeypatch.setenv(token.VARIABLE, token.OFF)
    assert token.is_off() and token.of(workspace) not in ("off", "correct-horse-battery")


def test_a_cookie_ends_and_belongs_to_one_token(monkeypatch):
    cookie = token.new_cookie("a" * 20)
    assert token.is_cookie(cookie, "a" * 20) and not token.is_cookie(cookie, "b" * 20)
    until, _, signed = cookie.partition(".")
    for other in (
        "",
        ".",
        until,
        f"{int(until) + 1}.{signed}",
        f"{until}.{'0' * 64}",
        f"{until}.é",
        f"x{cookie}",
        f"٣.{signed}",
    ):
        assert not token.is_cookie(other, "a" * 20), other
    later = time.time() + token.COOKIE_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert not token.is_cookie(cookie, "a" * 20)


def test_a_pupils_cookie_is_no_teachers_and_the_pupils_token_does_not_give_the_other_away():
    secret = "a" * 20
    cookie = token.new_cookie(secret, "pupil")
    assert token.is_cookie(cookie, secret, "pupil") and not token.is_cookie(cookie, secret)
    assert not token.is_cookie(token.new_cookie(secret), secret, "pupil")
    assert secret not in token.of_pupils(secret) and token.of_pupils(secret) != token.of_pupils("b" * 20)
