"""Which servers start, and whom a login lets in."""

import importlib.util

import pytest

from gan_core.access import login, token
from gan_core.errors import UserError

OIDC = {"redirect_uri": "https://ganvas.example/oauth2callback", "cookie_secret": "c" * 32}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in (token.VARIABLE, login.USER_HEADER, login.USERS, login.LAN, login.CLASSROOM):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)  # as if Authlib were installed


PROXY, USERS = {login.USER_HEADER: "Remote-User"}, {login.USERS: "@example.edu"}


@pytest.mark.parametrize(
    ("address", "variables", "oidc", "code"),
    [
        ("127.0.0.1", {}, {}, None),
        ("localhost", {}, {}, None),
        ("::1", {}, {}, None),
        ("127.0.0.1", {token.VARIABLE: "off"}, {}, None),
        ("0.0.0.0", {}, {}, "open_address"),
        ("::", {}, {}, "open_address"),
        (None, {}, {}, "open_address"),
        ("192.168.1.7", {}, {}, "open_address"),
        ("lab.example", {}, {}, "open_address"),
        ("0.0.0.0", {token.VARIABLE: "off"}, {}, "open_address"),
        ("0.0.0.0", {login.LAN: "0"}, {}, "open_address"),
        ("0.0.0.0", {login.LAN: "1"}, {}, None),
        ("0.0.0.0", PROXY, {}, None),
        ("0.0.0.0", USERS, OIDC, None),
        ("0.0.0.0", {}, OIDC, "bad_login"),
        ("127.0.0.1", USERS, {**OIDC, "cookie_secret": ""}, "bad_login"),
        ("127.0.0.1", {**PROXY, token.VARIABLE: "off"}, {}, "bad_login"),
        ("127.0.0.1", {login.CLASSROOM: "1"}, {}, None),
        ("0.0.0.0", {login.CLASSROOM: "1"}, {}, "open_address"),
        ("127.0.0.1", {login.CLASSROOM: "1", token.VARIABLE: "off"}, {}, "bad_login"),
        ("127.0.0.1", {login.CLASSROOM: "1", **PROXY}, {}, "bad_login"),
        ("127.0.0.1", {token.VARIABLE: "123456"}, {}, "bad_token"),
        ("127.0.0.1", {token.VARIABLE: "long enough but with spaces"}, {}, "bad_token"),
    ],
)
def test_an_address_that_others_reach_needs_a_login(monkeypatch, address, variables, oidc, code):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if code is None:
        return login.check_start(address, oidc)
    with pytest.raises(UserError) as refused:
        login.check_start(address, oidc)
    assert refused.value.code == code


def test_a_login_without_its_package_is_refused(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv(login.USERS, "*")
    with pytest.raises(UserError) as refused:
        login.check_start("127.0.0.1", OIDC)
    assert refused.value.code == "bad_login" and "Authlib" in refused.value.todo


@pytest.mark.parametrize(
    ("listed", "user", "enters"),
    [
        ("anna@example.edu, @school.example", "Anna@Example.edu", True),
        ("anna@example.edu, @school.example", "ben@school.example", True),
        ("anna@example.edu, @school.example", "ben@example.edu", False),
        ("@school.example", "ben@school.example.evil", False),
        ("@school.example", "ben@myschool.example", False),
        ("*", "anybody", True),
        ("", "anybody", False),
        (None, "whom the proxy names", True),
    ],
)
def test_the_variable_says_who_may_enter(monkeypatch, listed, user, enters):
    if listed is not None:
        monkeypatch.setenv(login.USERS, listed)
    assert login.may_enter(user) is enters
