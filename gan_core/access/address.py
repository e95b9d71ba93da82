"""The link that opens Ganvas: the address of the running server, which it leaves in the file `server.json`, and the token."""

import contextlib
import json
import os
import urllib.request
from typing import Any
from urllib.parse import quote

from gan_core.access import token
from gan_core.errors import UserError
from gan_core.storage.workspace import Workspace, write_json

FILE = "server.json"
WAIT_SECONDS = 3


def leave(workspace: Workspace, url: str, with_token: bool, with_pupils: bool) -> dict[str, str]:
    """Write where the server is. Returns its links. with_token: whether the token is what lets visitors in; with_pupils: also a
    class."""
    left = {"url": url, "with_token": with_token, "with_pupils": with_pupils, "pid": os.getpid()}
    with contextlib.suppress(OSError):  # a workspace that cannot be written
        write_json(workspace.root / FILE, left)
    return links(workspace, left)


def take_away(workspace: Workspace) -> None:
    """Remove what leave() of this process wrote."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if json.loads((workspace.root / FILE).read_text())["pid"] == os.getpid():
            (workspace.root / FILE).unlink()


def links(workspace: Workspace, left: dict[str, Any]) -> dict[str, str]:
    """link: that of the teacher, or of everybody; pupils: of a class room."""
    url, secret = left["url"], token.of(workspace)
    found = {"link": f"{url}/?token={quote(secret)}" if left["with_token"] else url}
    return found | ({"pupils": f"{url}/?token={token.of_pupils(secret)}"} if left["with_pupils"] else {})


def of_running(workspace: Workspace) -> dict[str, str]:
    """The links of the server that runs on this workspace. Raises UserError no_server."""
    try:
        left = json.loads((workspace.root / FILE).read_text())
        own = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy of the environment
        own.open(f"{left['url']}/_stcore/health", timeout=WAIT_SECONDS).close()
        return links(workspace, left)
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError("no_server", "No server runs on this workspace.", "Start one with make run.") from None
