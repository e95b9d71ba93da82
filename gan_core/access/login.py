"""How visitors are let in, and which servers do not start. The settings are environment variables: docs/security.md.

token   whoever has the link; the default
off     whoever reaches the port (GANVAS_TOKEN=off)
proxy   whom a proxy in front of the server names in a header (GANVAS_PROXY_USER_HEADER)
oidc    who has logged in at an OpenID Connect provider ([auth] in .streamlit/secrets.toml)
"""

import importlib.util
import ipaddress
import os
from collections.abc import Mapping
from typing import Any, Literal

from gan_core.access import token
from gan_core.errors import UserError

Kind = Literal["token", "off", "proxy", "oidc"]
USER_HEADER, USERS, LAN = "GANVAS_PROXY_USER_HEADER", "GANVAS_USERS", "GANVAS_INSECURE_LAN"
CLASSROOM = "GANVAS_CLASSROOM"
TOKEN_HEADER = "X-Ganvas-Token"  # with it a proxy shows that the request comes from it


def kind(oidc: Mapping[str, Any]) -> Kind:
    """oidc: the section [auth] of secrets.toml, empty where there is none."""
    if user_header():
        return "proxy"
    if oidc:
        return "oidc"
    return "off" if token.is_off() else "token"


def user_header() -> str:
    return os.environ.get(USER_HEADER, "")


def is_classroom() -> bool:
    """Whether there is a second link, for pupils, with which nothing can be changed."""
    return os.environ.get(CLASSROOM) == "1"


def may_enter(user: str) -> bool:
    """Whether $GANVAS_USERS names the user, by the whole name, by @domain or by *. Without the variable a proxy decides alone."""
    name, listed = user.lower(), os.environ.get(USERS, "*").lower().replace(",", " ").split()
    return any(one == "*" or one == name or (one.startswith("@") and name.endswith(one)) for one in listed)


def is_loopback(address: str | None) -> bool:
    """Whether only this computer reaches a server with this address. None stands for every address."""
    if address is None or address == "":
        return False
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def may_leave_computer(oidc: Mapping[str, Any]) -> bool:
    """Whether the server may answer on an address other than loopback."""
    return kind(oidc) in ("proxy", "oidc") or os.environ.get(LAN) == "1"


def check_start(address: str | None, oidc: Mapping[str, Any]) -> None:
    """Raises UserError bad_token, bad_login, open_address where the server must not start."""
    own, chosen = os.environ.get(token.VARIABLE, ""), kind(oidc)
    if own and own != token.OFF and not token.FORM.fullmatch(own):
        what = f"{token.VARIABLE} must be {token.LEAST_LETTERS} to 200 letters, digits or signs without a space."
        raise UserError("bad_token", what, "Take a longer one, or leave it out: Ganvas then makes one.")
    if chosen == "proxy" and token.is_off():
        what = f"With {USER_HEADER} the proxy must show the token, and {token.VARIABLE} is off."
        raise UserError("bad_login", what, f"Leave {token.VARIABLE} out and have the proxy send {TOKEN_HEADER}.")
    if is_classroom() and chosen != "token":
        what = f"With {CLASSROOM} the links decide who is the teacher, and this server does not use them."
        raise UserError("bad_login", what, f"Leave {CLASSROOM} out, or the login and {token.VARIABLE}=off.")
    if chosen == "oidc":
        check_oidc(oidc)
    if not is_loopback(address) and not may_leave_computer(oidc):
        what = f"The address {address or 'of every network card'} can be reached from other computers, and no login is configured."
        todo = f"Use 127.0.0.1, or configure a login (docs/security.md), or set {LAN}=1 if you mean it."
        raise UserError("open_address", what, todo)


def check_oidc(oidc: Mapping[str, Any]) -> None:
    """Raises UserError bad_login where nobody, or everybody, could log in."""
    if importlib.util.find_spec("authlib") is None:
        what = "The login of secrets.toml needs the package Authlib."
        raise UserError("bad_login", what, "Install it beside Ganvas: python -m pip install Authlib")
    if absent := [key for key in ("redirect_uri", "cookie_secret") if not oidc.get(key)]:
        what = f"The section [auth] of secrets.toml has no {' and no '.join(absent)}."
        raise UserError("bad_login", what, "Add it: docs/security.md has an example.")
    if not os.environ.get(USERS, "").strip():
        what = f"{USERS} does not say who may log in."
        raise UserError(
            "bad_login", what, f"Name them, such as {USERS}=@example.edu; * lets in everybody whom the provider knows."
        )
