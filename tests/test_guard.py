"""Who gets past guard.py: every kind of request, with and without what lets it in, against a server that would answer all."""

import asyncio
import json
import time
from http.cookies import SimpleCookie
from urllib.parse import quote

import pytest
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

import guard
import visitor
from gan_core.access import login, token

HOST = "127.0.0.1:8501"
PAGES = (
    "/",
    "/live",
    "/static/js/index.js",
    "/_stcore/host-config",
    "/media/1.png",
    "/api/exports/e/x.zip",
    "/favicon.png",
)


@pytest.fixture(autouse=True)
def own_workspace(workspace, monkeypatch):
    monkeypatch.setenv("GANVAS_WORKSPACE", str(workspace.root))
    for name in (token.VARIABLE, login.USER_HEADER, login.USERS, login.LAN, login.CLASSROOM):
        monkeypatch.delenv(name, raising=False)


async def everything(scope, receive, send):
    if scope["type"] == "websocket":
        return await send({"type": "websocket.accept"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"open"})


def ask(path="/", method="GET", query="", server="127.0.0.1", kind="http", **headers):
    """(status, headers, body); of a WebSocket 101 or 403. headers: with _ for -, over those of a browser on our own page."""
    sent = []

    async def send(message):
        sent.append(message)

    headers = {
        "host": HOST,
        "accept": "text/html",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    scope = {
        "type": kind,
        "path": path,
        "query_string": query.encode(),
        "scheme": "http",
        "server": (server, 8501),
        "headers": [
            (name.lower().encode(), value.encode("latin-1")) for name, value in headers.items() if value is not None
        ],
    } | ({"method": method} if kind == "http" else {})
    asyncio.run(guard.Guard(everything)(scope, None, send))
    if kind == "websocket":
        return (101 if sent[0]["type"] == "websocket.accept" else 403), {}, b""
    pairs = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    return sent[0]["status"], dict(pairs), sent[1]["body"]


def stream(**headers):
    return ask("/_stcore/stream", kind="websocket", **headers)[0]


def with_cookie(value=None):
    return {"cookie": f"{token.cookie_name(visitor.secret())}={value or token.new_cookie(visitor.secret())}"}


def bearer(value=None):
    return {"authorization": f"Bearer {value or visitor.secret()}"}


@pytest.mark.parametrize("path", PAGES)
def test_nothing_opens_without_the_token_and_everything_with_it(path):
    strangers = ({}, bearer("0" * 43), with_cookie("9999999999.00"), with_cookie(token.new_cookie("another" * 5)))
    for headers in strangers:
        status, answered, body = ask(path, **headers)
        assert status == 403 and body != b"open" and "default-src 'self'" in answered["content-security-policy"]
        assert ask(path, method="HEAD", **headers)[0] == ask(path, method="PUT", **headers)[0] == 403
        assert stream(**headers) == 403
    for headers in (with_cookie(), bearer()):
        assert ask(path, **headers)[0] == 200 and stream(**headers) == 101


def test_health_is_open_to_whoever_watches_the_process_and_only_to_be_read():
    assert ask(guard.HEALTH)[0] == ask(guard.HEALTH, method="HEAD")[0] == 200
    assert ask(guard.HEALTH, method="POST")[0] == ask(guard.HEALTH + "/x")[0] == 403


@pytest.mark.parametrize("given", ["{}", "http://127.0.0.1:8501/?token={}", " {} "])
def test_the_link_sets_a_cookie_and_takes_the_token_out_of_the_address(given):
    status, headers, _ = ask("/live", query=f"run=r1&token={quote(given.format(visitor.secret()))}&tab=a%26b")
    assert (status, headers["location"]) == (303, "/live?run=r1&tab=a%26b") and headers["cache-control"] == "no-store"
    cookie = SimpleCookie(headers["set-cookie"])[token.cookie_name(visitor.secret())]
    assert cookie["httponly"] and cookie["samesite"] == "lax" and cookie["path"] == "/"
    assert visitor.secret() not in headers["set-cookie"] and ask(**with_cookie(cookie.value))[0] == 200


def test_the_link_leads_to_no_other_server_and_a_wrong_one_sets_nothing():
    assert ask("//evil.example", query=f"token={visitor.secret()}")[1]["location"] == "/evil.example"
    status, headers, body = ask(query="token=" + "0" * 43)
    assert status == 403 and "set-cookie" not in headers and b"<form" in body


FOREIGN = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:9999"},
    {"origin": "http://localhost:8501"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"host": "evil.example"},
    {"host": "user@localhost"},
    {"host": "evil.example:80@localhost"},
    {"host": ""},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_of_another_site_or_port_cannot_use_the_visitors_cookie(headers):
    assert ask("/api/uploads", method="PUT", **with_cookie(), **headers)[0] == 403
    assert stream(**with_cookie(), **headers) == 403
    assert stream(**with_cookie(), origin=f"http://{HOST}") == 101


def test_another_address_of_this_computer_answers_only_where_a_login_is_configured(monkeypatch):
    assert ask(server="192.168.1.7", **bearer())[0] == ask(guard.HEALTH, server="192.168.1.7")[0] == 403
    monkeypatch.setenv(login.LAN, "1")
    assert ask(server="192.168.1.7", **bearer())[0] == 200 and ask(server="192.168.1.7")[0] == 403


def test_off_lets_everybody_in_but_no_foreign_page(monkeypatch):
    monkeypatch.setenv(token.VARIABLE, token.OFF)
    assert ask()[0] == 200 and stream() == 101 and stream(origin="http://127.0.0.1:9999") == 403


def test_a_proxy_must_show_the_token_and_name_a_user(monkeypatch):
    monkeypatch.setenv(login.USER_HEADER, "Remote-User")
    monkeypatch.setenv(login.USERS, "anna, ben")
    known = {"x_ganvas_token": visitor.secret()}
    assert ask(remote_user="anna", **known)[0] == 200 and stream(remote_user="anna", **known) == 101
    for headers in ({"remote_user": "anna"}, {**known}, {"remote_user": "eve", **known}, bearer(), with_cookie()):
        assert ask(**headers)[0] == stream(**headers) == 403
    assert ask(query=f"token={visitor.secret()}")[0] == 403
    assert ask(remote_user="anna", **{"x_ganvas_token": "0" * 43})[0] == 403
    assert ask(**{"remote-user": "anna", "Remote-User": "ben"}, **known)[0] == 403, "two users"


def logged_in(**claims):
    claims = {"is_logged_in": True, "email": "anna@example.edu", "exp": time.time() + 60, **claims}
    value = create_signed_value(get_cookie_secret(), USER_COOKIE_NAME, json.dumps(claims)).decode()
    return {"cookie": f"{USER_COOKIE_NAME}={value}"}


def test_a_login_must_be_signed_named_in_the_list_and_not_over(monkeypatch):
    monkeypatch.setattr(visitor, "oidc", lambda: {"cookie_secret": "x"})
    monkeypatch.setattr(guard, "encode_provider_token", lambda provider: f"signed-{provider}")  # needs Authlib
    monkeypatch.setenv(login.USERS, "@example.edu")
    assert ask(**logged_in())[0] == 200 and stream(**logged_in()) == 101
    strangers = (
        {},
        {"cookie": f"{USER_COOKIE_NAME}=forged"},
        logged_in(exp=time.time() - 1),
        logged_in(exp=None),
        logged_in(is_logged_in=False),
        logged_in(email="eve@evil.example"),
        logged_in(email_verified=False),
        bearer(),
        with_cookie(),
    )
    for headers in strangers:
        assert ask(**headers)[0] == stream(**headers) == ask("/static/js/index.js", **headers)[0] == 403
    assert b"/auth/login?provider=signed-default" in ask()[2] and ask("/auth/login")[0] == 200
    assert b"eve@evil.example may not" in ask(**logged_in(email="eve@evil.example"))[2]


def test_streamlits_shell_keeps_its_one_inline_script_and_no_other_runs():
    policy = dict(guard.headers())[b"content-security-policy"].decode()
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "sha256-" in scripts and "'unsafe-" not in scripts and "http" not in scripts and "*" not in policy


def test_pupils_look_and_change_nothing(monkeypatch):
    monkeypatch.setenv(login.CLASSROOM, "1")
    given = token.of_pupils(visitor.secret())
    pupil = {"cookie": ask("/learn", query=f"token={given}")[1]["set-cookie"].partition(";")[0]}
    for path in ("/", "/live", "/app/static/runs/r/samples/reals.png", "/api/lab/one", "/static/js/index.js"):
        assert ask(path, **pupil)[0] == 200
    assert stream(**pupil) == 101
    for path in ("/api/exports/e/x.zip", "/api/support-bundle", "/_stcore/agent/interact"):
        assert ask(path, **pupil)[0] == 403 and ask(path, **with_cookie())[0] == 200
    for path in ("/api/uploads", "/_stcore/upload_file/a/b", "/"):
        assert ask(path, method="PUT", **pupil)[0] == 403 and ask(path, method="PUT", **with_cookie())[0] == 200
    assert ask(query=f"token={visitor.secret()}")[1]["set-cookie"] not in pupil.values()
    assert ask(**bearer(given))[0] == 403, "the pupils' token is no key for programs"
    monkeypatch.delenv(login.CLASSROOM)
    assert ask(**pupil)[0] == stream(**pupil) == ask("/learn", query=f"token={given}")[0] == 403
