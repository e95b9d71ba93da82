"""The link that opens Ganvas: the address of the running server, which it leaves in the file `server.json`, and the token."""

import contextlib
import json
import os
import urllib.request
from urllib.parse import quote

from gan_core.access import token
from gan_core.errors import UserError
from gan_core.storage.workspace import Workspace, write_json

FILE = "server.json"
WAIT_SECONDS = 3


def leave(workspace: Workspace, url: str, with_token: bool) -> str:
    """Write where the server is. Returns its link. with_token: whether the token is what lets visitors in."""
    with contextlib.suppress(OSError):  # a workspace that cannot be written
        write_json(workspace.root / FILE, {"url": url, "with_token": with_token, "pid": os.getpid()})
    return link(workspace, url, with_token)


def take_away(workspace: Workspace) -> None:
    """Remove what leave() of this process wrote."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if json.loads((workspace.root / FILE).read_text())["pid"] == os.getpid():
            (workspace.root / FILE).unlink()


def link(workspace: Workspace, url: str, with_token: bool) -> str:
    return f"{url}/?token={quote(token.of(workspace))}" if with_token else url


def of_running(workspace: Workspace) -> str:
    """The link of the server that runs on this workspace. Raises UserError no_server."""
    try:
        left = json.loads((workspace.root / FILE).read_text())
        own = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy of the environment
        own.open(f"{left['url']}/_stcore/health", timeout=WAIT_SECONDS).close()
        return link(workspace, left["url"], left["with_token"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError("no_server", "No server runs on this workspace.", "Start one with make run.") from None
