"""Access control: the server answers only requests to its own host names; those that change something must come from its pages."""

import re
from urllib.parse import urlsplit

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OURS = ("/api/", "/app/static/")
BEYOND = re.compile(r"[\\\x00]|(^|/)\.\.(/|$)")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    # Images, data and fonts come from this server only: a class named ![](http://…) cannot call another one.
    "Content-Security-Policy": "img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "connect-src 'self' data: blob:; "
    "font-src 'self' data:; frame-ancestors 'self'; object-src 'none'; base-uri 'self'; form-action 'self'",
}


class Guard:
    """Refuses requests under another host name (DNS rebinding), and adds security headers to every answer.

    Plain ASGI and not BaseHTTPMiddleware, so that large answers are not copied.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)  # Streamlit checks the host of its WebSocket itself

        async def send_with_headers(message: Message) -> None:
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
            return await missing()(scope, receive, send_with_headers)  # Streamlit would answer 400, which reveals more
        if host_allowed(request.headers.get("host", "")):
            return await self.app(scope, receive, send_with_headers)
        answer = refuse(
            403, "This address is not one that Ganvas answers to.", "Open it as http://localhost on this computer."
        )
        return await answer(scope, receive, send_with_headers)


def host_allowed(host: str) -> bool:
    """Whether the Host header is one of server.allowedHosts."""
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
    """False where a browser states that the page of another site sent the request. Other programs send neither header."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return False
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def refuse(status: int, what: str, todo: str) -> JSONResponse:
    """A refusal: what is wrong, and the next step."""
    return JSONResponse({"what": what, "todo": todo}, status_code=status)


def missing() -> JSONResponse:
    """The answer for every file that does not exist or must not be read."""
    return refuse(404, "There is no such file.", "Go back to the page and pick one from the list.")
