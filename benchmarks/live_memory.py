"""Memory of a browser that watches Live for half an hour: python benchmarks/live_memory.py [--minutes 30]

The workspace of live_seconds.py (100,000 rows, 500 grids, 200 other runs) on the real server; the run grows by a row a second,
and a Chromium keeps its page open. Each minute, after a collection of garbage: the JavaScript heap, the DOM nodes and listeners
of the page, and the resident memory of all processes of the browser. Flat means: the last third holds no more than the second.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]
LOOK_SECONDS = 60


def browser_bytes() -> int:
    """Resident memory of the Chromium that this process started."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        try:
            if any(name in child.name() for name in ("chrom", "chrome")):
                total += child.memory_info().rss
        except psutil.NoSuchProcess:
            pass
    return total


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--minutes", type=int, default=30)
    asked = ask.parse_args()
    from classroom import grow
    from live_seconds import fill

    from gan_core.storage.workspace import Workspace
    from tests.browser.app_server import NAMES, Server

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "ws"
        root.mkdir()
        run, done = fill(root), threading.Event()
        threading.Thread(target=grow, args=(Workspace(root), [run], done), daemon=True).start()
        server = Server(root, threads=None).start()
        try:
            with sync_playwright() as playwright:
                chromium = next(filter(None, map(shutil.which, NAMES)))
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1440, "height": 1000})
                page.goto(f"{server.url}/live?run={run}")
                page.locator(".live-chart .main-svg").first.wait_for(timeout=60_000)
                probe = page.context.new_cdp_session(page)
                probe.send("Performance.enable")
                heaps, resident = [], []
                for minute in range(asked.minutes + 1):
                    probe.send("HeapProfiler.collectGarbage")
                    page_metrics = {
                        row["name"]: row["value"] for row in probe.send("Performance.getMetrics")["metrics"]
                    }
                    heaps.append(page_metrics["JSHeapUsedSize"] / 1e6)
                    resident.append(browser_bytes() / 1e6)
                    print(
                        f"minute {minute}: heap {heaps[-1]:.1f} MB, {page_metrics['Nodes']:.0f} nodes, "
                        f"{page_metrics['JSEventListeners']:.0f} listeners, browser {resident[-1]:.0f} MB, server "
                        f"{psutil.Process(server.process.pid).memory_info().rss / 1e6:.0f} MB",
                        flush=True,
                    )
                    time.sleep(LOOK_SECONDS if minute < asked.minutes else 0)
                browser.close()
            third = len(heaps) // 3
            for name, values in (("heap", heaps), ("browser", resident)):
                second, last = statistics.mean(values[third : 2 * third]), statistics.mean(values[2 * third :])
                print(f"{name}: {second:.1f} MB in the second third, {last:.1f} MB in the last: {last / second:.3f}")
        finally:
            done.set()
            server.kill()


if __name__ == "__main__":
    main()
