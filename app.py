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
from gan_core.jobs.open_index import open_index
from gan_core.storage import full_disk, limits
from gan_core.storage.index_file import is_damage, is_locked
from gan_core.storage.workspace import default_workspace
from gan_core.system import floors
from guard import Guard
from routes import ROUTES, frame_server

RECONCILE_SECONDS, SWEEP_SECONDS = 5, 3600


def check_start() -> None:
    """End the program in one sentence where others could come in, or where a package is too old."""
    try:
        for said in floors.check():
            print(f"note: {said}", file=sys.stderr)
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


def warm_up() -> None:
    """Import what the pages need, so that the first visitor does not wait for it."""
    for module in ("pandas", "pyarrow", "plotly.graph_objects", "plotly.io", "pages.sidebar"):
        importlib.import_module(module)
    for part in sorted((Path(__file__).parent / "pages").glob("*/*.py")):
        if part.name != "page.py":
            importlib.import_module(f"pages.{part.parent.name}.{part.stem}")


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """While the server runs, mark jobs whose process is gone and start missing workers. Workers outlive the server."""
    workspace, log = default_workspace(), logging.getLogger("ganvas")
    workspace.sweep()
    warm_up()  # before the first visitor: two threads must not import the same module at once
    context: actions.Context | None = None
    swept, told = time.monotonic(), ""

    def opened() -> actions.Context:
        """Also later, where it could not be opened at the start; every page says why meanwhile."""
        nonlocal context
        context = context or actions.Context(open_index(workspace, check=True, told=log.warning), workspace)
        return context

    def look_after() -> None:
        nonlocal swept
        if time.monotonic() - swept > SWEEP_SECONDS:
            swept = time.monotonic()
            workspace.sweep()
            open_index(workspace, check=True, told=log.warning)
            limits.expire(opened().store, workspace)
        full_disk.keep_ballast(workspace.root)
        try:
            actions.resume_lost(opened(), supervisor.reconcile(opened().store))
            supervisor.ensure_workers(opened().store, workspace)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            open_index(workspace, check=True, told=log.warning)

    def tell(error: Exception) -> None:
        """Log a failure once until there is another; one that every page tells too, in a line."""
        nonlocal told
        if told != (told := repr(error)):
            in_a_line = isinstance(error, UserError) or full_disk.as_os_error(error) is not None or is_locked(error)
            log.error("looking after the queue failed: %s", error if in_a_line else repr(error), exc_info=not in_a_line)

    async def keep_looking() -> None:
        while True:
            try:
                await asyncio.to_thread(look_after)
            except Exception as error:
                tell(error)
            await asyncio.sleep(RECONCILE_SECONDS)

    task = asyncio.create_task(keep_looking())
    links = address.leave(workspace, url(), visitor.kind() == "token", login.is_classroom())
    print("\n  Ganvas runs. Open this link in a browser on this computer; Ctrl-C ends the server.")
    print(f"\n  {links['link']}\n", flush=True)
    if "pupils" in links:
        print(f"  The pupils' link, with which nothing can be changed:\n\n  {links['pupils']}\n", flush=True)
    try:
        yield
    finally:
        address.take_away(workspace)
        task.cancel()
        frame_server().end()


check_start()
app = st.App(
    Path(__file__).parent / "pages" / "router.py",
    lifespan=lifespan,
    middleware=[Middleware(Guard)],
    routes=ROUTES,
)
