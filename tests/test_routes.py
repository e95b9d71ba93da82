"""No string in the place of an id, a number or a file name leads a route of routes.py out of what it may read."""

import asyncio
import itertools
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

import visitor
from gan_core.access import signed_links, token
from guard import Guard
from routes import ROUTES
from tests.builders import seeded_workspace

UP = ("../", "..\\", "..%2f", "..%5c", "%2e%2e/", "%252e%252e%252f", "....//", "..;/", "..%00/", "..%c0%af")
WANTED = ("token", "ganvas.sqlite", "etc/passwd", "config.json", f"exports/{seeded_workspace.EXPORT}/birds.zip")
STRINGS = [
    f"{first}{up * deep}{wanted}{last}"
    for first, up, deep, wanted, last in itertools.product(("", "/"), UP, (1, 2, 3, 5), WANTED, ("", "%00.png"))
]
PLAIN = {f"{'../' * deep}{wanted}" for deep in (1, 2, 3, 5) for wanted in WANTED}  # these always
RUN, JOB = seeded_workspace.RUNS["finished"], "j" + "a" * 16
PLACES = (
    *("/api/exports/{}/birds.zip", f"/api/exports/{seeded_workspace.EXPORT}/{{}}", "/api/lab/{}", "/api/{}"),
    *("/app/static/runs/{}/samples/reals.png", f"/app/static/runs/{RUN}/samples/{{}}", f"/app/static/runs/{RUN}/{{}}"),
    *(f"/app/static/runs/{RUN}/explore/{{}}/grid.png", f"/app/static/runs/{RUN}/explore/{JOB}/{{}}"),
    *(f"/app/static/runs/{RUN}/walks/{{}}/walk.gif", f"/app/static/runs/{RUN}/walks/{JOB}/{{}}"),
    *("/app/static/datasets/{}/contact/0.webp", f"/app/static/datasets/{seeded_workspace.DATASET}/contact/{{}}.webp"),
    *("/app/static/plotly-{}.min.js", "/app/static/{}"),
)


async def status_and_body(app, path: str, headers: dict[str, str], query: str = "") -> tuple[int, bytes]:
    sent = []

    async def receive():
        await asyncio.Event().wait()  # the client waits for the answer

    async def send(message):
        sent.append(message)

    scope = {
        **{"type": "http", "method": "GET", "scheme": "http", "path": unquote(path), "raw_path": path.encode()},
        **{"query_string": query.encode(), "server": ("127.0.0.1", 8501), "http_version": "1.1", "root_path": ""},
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.slow
@pytest.mark.parametrize("every", [40, pytest.param(1, marks=pytest.mark.hold)])
def test_nothing_but_what_a_route_names_is_read(full, every):
    app, known = Starlette(routes=ROUTES, middleware=[Middleware(Guard)]), visitor.secret()
    cookie = {"host": "127.0.0.1:8501", "cookie": f"{token.cookie_name(known)}={token.new_cookie(known)}"}

    async def ask_for_all() -> None:
        for number, (place, string) in enumerate(itertools.product(PLACES, STRINGS)):
            if number % every and string not in PLAIN:
                continue
            path = place.format(string)
            signed = signed_links.sign(unquote(path), "", known).partition("?")[2] if "/exports/" in path else ""
            status, body = await status_and_body(app, path, cookie, signed)
            assert status in (400, 404) and known.encode() not in body and b"SQLite format" not in body, (path, status)
            assert b"root:" not in body and str(full.root).encode() not in body, path
            assert (await status_and_body(app, path, {"host": "127.0.0.1:8501"}, signed))[0] == 403, path

    assert len(STRINGS) >= 500
    asyncio.run(ask_for_all())
