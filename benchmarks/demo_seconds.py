"""Seconds that the demo takes a new user: python benchmarks/demo_seconds.py

1. In a real Chromium: from the click on Home to the first picture of the trained generator, on a fresh workspace and server.
2. `python -m gan_core demo`, whole, and the counts per class in its zip.
The reference is the limit each has: 60 and 180 seconds.
"""

import collections
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]


def in_a_browser(folder: Path) -> tuple[float, float]:
    """(seconds to any picture of G, seconds to a picture after training began) after the click."""
    import shutil

    from playwright.sync_api import sync_playwright

    from tests.browser.app_server import NAMES, Server

    os.environ.pop("GANVAS_THREADS", None)
    (folder / "ws").mkdir()
    server = Server(folder / "ws", threads=None).start()
    try:
        with sync_playwright() as playwright:
            chromium = next(filter(None, map(shutil.which, NAMES)))
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(server.url)
            page.locator(".st-key-run_demo button").click()
            started = time.monotonic()
            picture = page.locator(".st-key-live_grid img").last
            picture.wait_for(timeout=120_000)
            first = time.monotonic() - started
            while "fakes-000000000" in (picture.get_attribute("src") or "fakes-000000000"):
                time.sleep(0.1)
            trained = time.monotonic() - started
            browser.close()
        return first, trained
    finally:
        server.kill()
        for worker in server.workers():
            worker.kill()


def on_the_command_line(folder: Path) -> tuple[float, dict[str, int]]:
    started = time.monotonic()
    out = folder / "demo.zip"
    command = [sys.executable, "-m", "gan_core", "--workspace", str(folder / "cli"), "demo", "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    seconds = time.monotonic() - started
    with zipfile.ZipFile(out) as archive:
        names = [name.split("/")[1] for name in archive.namelist() if name.startswith("train/")]
    return seconds, dict(sorted(collections.Counter(names).items()))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, trained = in_a_browser(Path(folder))
        print(
            f"click to first picture {first:.1f} s, to a trained one {trained:.1f} s: {trained / 60:.2f} of the limit of 60 s"
        )
        seconds, counts = on_the_command_line(Path(folder))
        print(
            f"python -m gan_core demo {seconds:.1f} s: {seconds / 180:.2f} of the limit of 180 s; images per class {counts}"
        )


if __name__ == "__main__":
    main()
