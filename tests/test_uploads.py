"""What an upload may be: a zip by its first bytes, within a time, and not too many at once."""

import asyncio
import json

import pytest
from starlette.requests import Request

import routes

ZIP = b"PK\x03\x04"


def request_of(*parts, wait: float = 0.0) -> Request:
    """A PUT whose body comes in these parts, with a pause before each but the first."""
    waiting = list(parts)

    async def receive():
        if len(waiting) < len(parts):
            await asyncio.sleep(wait)
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    return Request({"type": "http", "method": "PUT", "headers": [], "path": "/", "query_string": b""}, receive)


def received(workspace, request):
    return asyncio.run(routes.receive_body(request, workspace, workspace.root / "upload.part"))


@pytest.mark.parametrize("parts", [(b"xx",), (b"x" * 100,), (b"P", b"K\x03", b"\x05" * 5), (b"\x89PNG\r\n", b"rest")])
def test_what_does_not_begin_as_a_zip_is_refused(workspace, parts):
    _, refusal = received(workspace, request_of(*parts))
    assert refusal.status_code == 415 and set(json.loads(refusal.body)) == {"what", "todo"}


@pytest.mark.parametrize("parts", [(ZIP + b"x" * 100,), (b"P", b"K\x03", b"\x04" + b"x" * 2_000_000, b"end")])
def test_a_zip_is_written_whole(workspace, parts):
    count, refusal = received(workspace, request_of(*parts))
    body = b"".join(parts)
    assert refusal is None and count == len(body) and (workspace.root / "upload.part").read_bytes() == body


def test_an_upload_that_stands_still_ends(workspace, monkeypatch):
    monkeypatch.setattr(routes, "QUIET_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        received(workspace, request_of(ZIP, b"x", wait=5))


def test_an_upload_that_drips_ends_too(workspace, monkeypatch):
    """It is never quiet for long, but slower than an upload may be."""
    monkeypatch.setattr(routes, "QUIET_SECONDS", 0.1)
    with pytest.raises(TimeoutError):
        received(workspace, request_of(ZIP, *[b"x"] * 60, wait=0.02))


def test_no_more_than_so_many_uploads_at_once(workspace, monkeypatch):
    monkeypatch.setattr(routes, "default_workspace", lambda: workspace)
    monkeypatch.setattr(routes, "same_origin", lambda request: True)
    monkeypatch.setattr(routes, "MOST_UPLOADS", 1)

    async def two() -> list[int]:
        first = asyncio.create_task(routes.upload(request_of(ZIP, b"x" * 10, wait=0.1)))
        await asyncio.sleep(0.02)
        second = await routes.upload(request_of(ZIP))
        third = await first, await routes.upload(request_of(ZIP))
        return [second.status_code, *(answer.status_code for answer in third)]

    assert asyncio.run(two()) == [503, 200, 200]
