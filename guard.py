"""Who may ask the server for what: its own host names only, its own pages for what changes or costs something."""

import re
from urllib.parse import urlsplit

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse

OURS = ("/api/", "/app/static/")
BEYOND = re.compile(r"[\\\x00]|(^|/)\.\.(/|$)")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    # Pictures, data and fonts come from this server only: a class named ![](http://…) can call nobody.
    "Content-Security-Policy": "img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "connect-src 'self' data: blob:; "
    "font-src 'self' data:; frame-ancestors 'self'; object-src 'none'; base-uri 'self'; form-action 'self'",
}


class Guard:
    """Refuses requests under a host name that is not ours (DNS rebinding), and adds security headers to the rest.

    Plain ASGI and not BaseHTTPMiddleware, so that a large answer is passed on and not copied.
    """

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)  # Streamlit checks the host of its WebSocket itself

        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                message = {
                    **message,
                    "headers": [
                        *message["headers"],
                        *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
                    ],
                }
            await send(message)

        request = Request(scope)
        if scope["path"].startswith(OURS) and BEYOND.search(scope["path"]):
            return await missing()(scope, receive, send_with_headers)  # Streamlit would say 400, which tells more
        if host_allowed(request.headers.get("host", "")):
            return await self.app(scope, receive, send_with_headers)
        answer = refuse(
            403, "This address is not one that Ganvas answers to.", "Open it as http://localhost on this computer."
        )
        return await answer(scope, receive, send_with_headers)


def host_allowed(host: str) -> bool:
    """Is the Host header one of server.allowedHosts?"""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    allowed = st.get_option("server.allowedHosts") or ["localhost", "127.0.0.1", "::1"]
    return any(
        rule == "*" or name == rule.lower().strip("[]") or (rule.startswith("*.") and name.endswith(rule[1:].lower()))
        for rule in allowed
    )


def same_origin(request: Request) -> bool:
    """False where a browser says that a page of another site sends this. What is no browser sends neither header."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return False
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def refuse(status: int, what: str, todo: str) -> JSONResponse:
    return JSONResponse({"what": what, "todo": todo}, status_code=status)


def missing() -> JSONResponse:
    return refuse(404, "There is no such file.", "Go back to the page and pick one from the list.")
