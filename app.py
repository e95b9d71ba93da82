"""The server, started by `streamlit run app.py`: the pages, the routes, and the loop that looks after the queue."""

import asyncio
import contextlib
import importlib
import logging
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

import visitor
from gan_core import actions
from gan_core.access import address, login
from gan_core.errors import UserError
from gan_core.jobs import supervisor
from gan_core.storage import full_disk
from gan_core.storage.store import Store
from gan_core.storage.workspace import default_workspace
from guard import Guard
from routes import ROUTES, frame_server

RECONCILE_SECONDS, SWEEP_SECONDS = 5, 3600


def warm_up() -> None:
def check_start() -> None:
    """End the program in one sentence where others could come in."""
    try:
        login.check_start(st.get_option("server.address"), visitor.oidc())
    except UserError as error:
        sys.exit(f"ganvas: {error}")


def url() -> str:
    """The address of this server, without a slash at its end."""
    host = st.get_option("server.address") or "0.0.0.0"
    if host in ("0.0.0.0", "::"):  # every network card: the first name that is not this computer's own for itself
        names = [
            name for name in st.get_option("server.allowedHosts") if not login.is_loopback(name) and "*" not in name
        ]
        host = next(iter(names), "localhost")
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if st.get_option('server.sslCertFile') else 'http'}://{host}:{st.get_option('server.port')}"


    """Import what the pages need, so that the first visitor does not wait for it."""
    for module in ("pandas", "pyarrow", "plotly.graph_objects", "plotly.io", "pages.sidebar"):
        importlib.import_module(module)
    for part in sorted((Path(__file__).parent / "pages").glob("*/*.py")):
        if part.name != "page.py":
            importlib.import_module(f"pages.{part.parent.name}.{part.stem}")


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """While the server runs, mark jobs whose process is gone and start missing workers. Workers outlive the server."""
    workspace = default_workspace()
    store = Store(workspace)
    workspace.sweep()
    warm_up()  # before the first visitor: two threads must not import the same module at once

    swept, told, context = time.monotonic(), "", actions.Context(store, workspace)

    def look_after() -> None:
        nonlocal swept
        if time.monotonic() - swept > SWEEP_SECONDS:
            swept = time.monotonic()
            workspace.sweep()
        full_disk.keep_ballast(workspace.root)
        actions.resume_lost(context, supervisor.reconcile(store))
        supervisor.ensure_workers(store, workspace)

    def tell(error: Exception) -> None:
        """Log a failure once until there is another; one of the disk, which every page tells too, in a line."""
        nonlocal told
        if told != (told := repr(error)):
            on_disk = full_disk.as_os_error(error) is not None
            logging.getLogger("ganvas").error("looking after the queue failed: %r", error, exc_info=not on_disk)

    async def keep_looking() -> None:
        while True:
            try:
                await asyncio.to_thread(look_after)
            except Exception as error:
                tell(error)
            await asyncio.sleep(RECONCILE_SECONDS)

    task = asyncio.create_task(keep_looking())
    try:
        yield
    finally:
        task.cancel()
        frame_server().end()


app = st.App(
    Path(__file__).parent / "pages" / "router.py",
    lifespan=lifespan,
    middleware=[Middleware(Guard)],
    routes=ROUTES,
)
    link = address.leave(workspace, url(), with_token=visitor.kind() == "token")
    print(
        f"\n  Ganvas runs. Open this link in a browser on this computer; Ctrl-C ends the server.\n\n  {link}\n",
        flush=True,
    )
        address.take_away(workspace)
check_start()
