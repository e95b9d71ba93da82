"""Access control: which requests are answered at all, before Streamlit or a route sees them.

A request must reach this computer's own address and one of its host names, come from our own pages where it changes something,
and show the token or a login. A WebSocket is a request like any other.
"""

import base64
import hashlib
import html
import re
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import encode_provider_token

import visitor
from gan_core.access import login, token

OURS = ("/api/", "/app/static/")
HEALTH = "/_stcore/health"  # says "ok" and nothing else: for whoever watches over the process
LOGIN = ("/auth/login", "/auth/logout", "/oauth2callback")  # Streamlit's own routes of st.login
TEACHERS = ("/api/exports/", "/api/support-bundle", "/api/uploads", "/_stcore/upload_file", "/_stcore/agent")
BEYOND = re.compile(r"[\\\x00]|(^|/)\.\.(/|$)")
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark }}
input, button {{ font: inherit; padding: .3rem .6rem }}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""
ASK = """<p>Open the link that the terminal printed when Ganvas started: it has a token at its end.
<code>python -m gan_core link</code> prints it again.</p>
<form><label>Link or token: <input name="token" type="password" required autofocus></label> <button>Open</button></form>"""


@cache
def headers() -> list[tuple[bytes, bytes]]:
    """The security headers of every answer."""
    shell = (Path(st.__file__).parent / "static" / "index.html").read_text()
    inline = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in INLINE.findall(shell)
    )
    policy = {
        "default-src": "'self'",
        # blob: Streamlit imports the scripts of a component from there, and computes with 64-bit numbers in WebAssembly. No other
        # inline script, and no eval.
        "script-src": f"'self' blob: 'wasm-unsafe-eval' {inline}",
        "worker-src": "'self' blob:",
        "style-src": "'self' 'unsafe-inline'",
        # Images, data and fonts come from this server only: a class named ![](http://…) cannot call another one.
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "connect-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "frame-ancestors": "'self'",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
    }
    values = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in policy.items()),
    }
    return [(name.lower().encode(), value.encode()) for name, value in values.items()]


class Guard:
    """Refuses what may not come in, and adds the security headers to every answer.

    Plain ASGI and not BaseHTTPMiddleware, so that large answers are not copied and WebSockets pass here too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        refusal = answer_instead(HTTPConnection(scope))
        if scope["type"] == "websocket":
            if refusal:
                return await send({"type": "websocket.close", "code": 1008})
            return await self.app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *headers()]}
            await send(message)

        await (refusal or self.app)(scope, receive, send_with_headers)


def answer_instead(request: HTTPConnection) -> Response | None:
    """What is answered in place of what was asked for, or None where the request may go on."""
    path, method = request.scope["path"], request.scope.get("method", "websocket")
    if not (is_local(request.scope) or login.may_leave_computer(visitor.oidc())):
        return refuse(403, "Ganvas answers only on this computer.", "Configure a login first: see docs/security.md.")
    if not host_allowed(request.headers.get("host", "")):
        what = "This address is not one that Ganvas answers to."
        return refuse(403, what, "Open it as http://localhost on this computer.")
    if method not in ("GET", "HEAD", "OPTIONS") and not same_origin(request):
        return refuse(403, "Only a page of Ganvas itself may ask for this.", "Open the page in Ganvas and ask there.")
    if path == HEALTH and method in ("GET", "HEAD"):
        return None
    if method == "GET" and (entered := enter_with_token(request)):
        return entered
    if (header := login.user_header()) and len(request.headers.getlist(header)) > 1:
        return refuse(403, "The proxy names two users.", f"Have it replace the header {header} that a browser sends.")
    if visitor.user(request) is None and not (visitor.kind() == "oidc" and path in LOGIN):
        return ask_for_login(request)
    if visitor.is_pupil(request) and (path.startswith(TEACHERS) or method not in ("GET", "HEAD", "websocket")):
        return refuse(403, "The pupils' link only shows what there is.", "Ask your teacher to do it.")
    if path.startswith(OURS) and BEYOND.search(path):
        return missing()  # Streamlit would answer 400, which reveals more
    return None


def is_local(scope: Scope) -> bool:
    """Whether the request reached the server on an address that only this computer has."""
    server = scope.get("server")
    return not server or login.is_loopback(server[0])


def enter_with_token(request: HTTPConnection) -> Response | None:
    """For a link with the right token: the same address without it, and a cookie that stands for it from now on."""
    query = parse_qsl(request.url.query, keep_blank_values=True)
    given = dict(query).get("token", "").strip().rpartition("token=")[2]  # a whole link may have been pasted
    secret = visitor.secret()
    if visitor.kind() != "token" or (role := role_of(given, secret)) is None:
        return None
    rest = urlencode([(name, value) for name, value in query if name != "token"])
    place = "/" + quote(request.scope["path"].lstrip("/\\"))
    answer = RedirectResponse(
        f"{place}?{rest}" if rest else place, status_code=303, headers={"Cache-Control": "no-store"}
    )
    answer.set_cookie(
        token.cookie_name(secret),
        token.new_cookie(secret, role),
        max_age=token.COOKIE_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


def role_of(given: str, secret: str) -> token.Role | None:
    """Whose token was given; None where it is nobody's."""
    if token.same(given, secret):
        return "teacher"
    return "pupil" if login.is_classroom() and token.same(given, token.of_pupils(secret)) else None


def ask_for_login(request: HTTPConnection) -> Response:
    """The refusal of a visitor who is not known: a page for a browser, else a sentence."""
    kind, wants_page = visitor.kind(), "text/html" in request.headers.get("accept", "")
    if not wants_page or request.scope["path"].startswith(OURS):
        return refuse(403, "Ganvas does not know who asks.", "Send the token as 'Authorization: Bearer', or log in.")
    if kind == "oidc":
        if name := visitor.logged_in(request):
            body = f"<p>{html.escape(name)} may not use this server. Ask whoever runs it.</p>"
            return page("No access", body + "<p><a href='/auth/logout'>Log out</a></p>")
        links = "".join(
            f"<p><a href='/auth/login?provider={quote(encode_provider_token(one))}'>{html.escape(title)}</a></p>"
            for one, title in providers().items()
        )
        return page("Log in to Ganvas", links)
    if kind == "proxy":
        return page("No access", "<p>Open Ganvas by the address of the proxy that logs you in.</p>")
    return page("Ganvas needs its link", ASK)


def providers() -> dict[str, str]:
    """Provider in secrets.toml -> what its link says."""
    auth = visitor.oidc()
    named = {
        name: f"Log in with {name}"
        for name, value in auth.items()
        if isinstance(value, dict) or hasattr(value, "to_dict")
    }
    return named or {"default": "Log in"}


def page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(PAGE.format(title=title, body=body), status_code=403, headers={"Cache-Control": "no-store"})


def host_allowed(host: str) -> bool:
    """Whether the Host header is one of server.allowedHosts."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    allowed = st.get_option("server.allowedHosts") or ["localhost", "127.0.0.1", "::1"]
    return "@" not in host and any(
        rule == "*" or name == rule.lower().strip("[]") or (rule.startswith("*.") and name.endswith(rule[1:].lower()))
        for rule in allowed
    )


def same_origin(request: HTTPConnection) -> bool:
    """False where a browser states that the page of another site sent the request. Other programs send neither header.

    The port counts: a page of another program on this computer is another site.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return origin in (st.get_option("server.corsAllowedOrigins") or [])
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def refuse(status: int, what: str, todo: str) -> JSONResponse:
    """A refusal: what is wrong, and the next step."""
    return JSONResponse({"what": what, "todo": todo}, status_code=status)


def missing() -> JSONResponse:
    """The answer for every file that does not exist or must not be read."""
    return refuse(404, "There is no such file.", "Go back to the page and pick one from the list.")
