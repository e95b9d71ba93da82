"""Many tabs on one server: they share what they may ask for, and a tab that was alone slows down as others come."""

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from tests.browser.socket_tab import Tab
from tests.builders import seeded_workspace

CORES = psutil.cpu_count(logical=False) or 1


@pytest.mark.skipif(CORES > 4, reason="would need too many tabs")
def test_the_timer_of_a_page_follows_how_many_watch(server):
    workspace = Workspace(server.workspace)
    store = Store(workspace)
    seeded_workspace.seed_dataset(workspace, store)
    run = f"r{1:016x}"
    seeded_workspace.seed_run(workspace, store, run, "Run", "running", created_at=time.time())
    many, slow = 5 * CORES, 10.0 / 1.5 - 0.01  # ten seconds each; a timer that is half as long again is left as it is

    async def watch() -> tuple[float, float, list[float]]:
        tabs = [Tab(server.url, run) for _ in range(many)]
        shortest = lambda tab: min(tab.intervals.values(), default=0.0)
        async with contextlib.AsyncExitStack() as stack:
            await tabs[0].open(stack)
            alone, rest = shortest(tabs[0]), sorted(tabs[0].intervals.values())[1]
            for tab in tabs[1:]:
                await tab.open(stack)
            async with asyncio.timeout(30):
                while min(map(shortest, tabs)) < slow:
                    await asyncio.sleep(0.2)
            return alone, rest, [shortest(tab) for tab in tabs]

    with ThreadPoolExecutor(1) as apart:  # Playwright may have a loop in this thread
        alone, rest, together = apart.submit(lambda: asyncio.run(watch())).result()
    assert alone == 2.0 and rest == 6.0  # the curves, and what is new once in many rows
    assert max(together) <= 10.0
