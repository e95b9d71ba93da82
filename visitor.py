"""Whose request it is: the user of a proxy or of an OpenID Connect login, or whoever holds the token."""

import json
import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from streamlit.auth_util import get_secrets_auth_section
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from gan_core.access import login, token
from gan_core.storage.workspace import default_workspace


class Connection(Protocol):
    """A request, a WebSocket, or st.context of a page."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def cookies(self) -> Mapping[str, str]: ...


@cache
def oidc() -> Mapping[str, Any]:
    """The section [auth] of secrets.toml as it was at the start, empty where there is none."""
    return get_secrets_auth_section()


def kind() -> login.Kind:
    return login.kind(oidc())


def secret() -> str:
    """The token of this server's workspace."""
    return secret_of(os.environ.get("GANVAS_WORKSPACE"), os.environ.get(token.VARIABLE))


@cache
def secret_of(workspace: str | None, own: str | None) -> str:
    """Asked at every request, so no folder is looked at again. The two are the variables that decide it."""
    return token.of(default_workspace())


def user(connection: Connection) -> str | None:
    """The name of the user, '' where the token alone decides or nothing does, None for who may not come in."""
    match kind():
        case "off":
            return ""
        case "token":
            return "" if shows_token(connection) or has_cookie(connection) or is_pupil(connection) else None
        case "proxy":
            found = connection.headers.get(login.user_header(), "").strip()
            known = token.same(connection.headers.get(login.TOKEN_HEADER, ""), secret())
        case "oidc":
            found = logged_in(connection)
            known = bool(found)
    return found if known and found and login.may_enter(found) else None


def name(connection: Connection) -> str:
    """The user of a connection that the guard has let in, '' where there are no users."""
    return "" if kind() in ("token", "off") else user(connection) or ""


def shows_token(connection: Connection) -> bool:
    """Whether the token is in a header, where a program may put it and no page of another site can."""
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and token.same(given.strip(), secret())


def has_cookie(connection: Connection, role: token.Role = "teacher") -> bool:
    return token.is_cookie(connection.cookies.get(token.cookie_name(secret()), ""), secret(), role)


def is_pupil(connection: Connection) -> bool:
    """Whether the visitor came by the pupils' link of a class room and may look but change nothing."""
    return login.is_classroom() and not shows_token(connection) and has_cookie(connection, "pupil")


def logged_in(connection: Connection) -> str:
    """The e-mail address, else the subject, of the login that Streamlit's signed cookie holds; '' for none.

    Streamlit keeps that cookie for 30 days and does not look at the end of the provider's id token; here it counts.
    """
    signed = _get_signed_cookie_with_chunks(dict(connection.cookies), USER_COOKIE_NAME)
    claims = json.loads(signed) if signed else {}
    if not claims.get("is_logged_in") or not isinstance(claims.get("exp"), int | float) or claims["exp"] < time.time():
        return ""
    address = claims.get("email") if claims.get("email_verified") is not False else None
    return str(address or claims.get("sub") or "")
