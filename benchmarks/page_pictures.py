"""Pictures of every page in light and dark, for docs/pages.md: python benchmarks/page_pictures.py RUN [--out docs/pages]

Opens the pages of the workspace in $GANVAS_WORKSPACE in a Chromium, with the run RUN, which should be an evaluated one. --width 390
takes them as a telephone shows them (look at those, they are not kept).
"""

import argparse
import io
import os
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]
PAGES = ("home", "data", "train", "live", "samples", "evaluate", "export", "runs", "learn", "system")
HEIGHT, QUALITY = 1000, 70
BUSY = "[data-testid=stStatusWidget], [data-testid=stSkeleton], [data-stale=true]"


def take(page: Page, url: str, out: Path) -> None:
    page.goto(url)
    page.locator(".stMain h1").first.wait_for()
    page.wait_for_load_state("networkidle")
    expect(page.locator(BUSY)).to_have_count(0, timeout=60_000)
    page.wait_for_timeout(1500)  # pictures fade in
    Image.open(io.BytesIO(page.screenshot())).save(out, quality=QUALITY, method=6)
    print(out, f"{out.stat().st_size / 1000:.0f} kB")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("run")
    ask.add_argument("--out", type=Path, default=ROOT / "docs" / "pages")
    ask.add_argument("--width", type=int, default=1440)
    ask.add_argument("pages", nargs="*", default=list(PAGES))
    asked = ask.parse_args()
    from tests.browser.app_server import NAMES, Server

    asked.out.mkdir(parents=True, exist_ok=True)
    server = Server(Path(os.environ["GANVAS_WORKSPACE"])).start()
    try:
        with sync_playwright() as playwright:
            chromium = next(filter(None, map(shutil.which, NAMES)))
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": asked.width, "height": HEIGHT}, color_scheme=scheme, reduced_motion="reduce"
                )
                page = context.new_page()
                for name in asked.pages:
                    path = "" if name == "home" else name
                    take(page, f"{server.url}/{path}?run={asked.run}", asked.out / f"{name}-{scheme}.webp")
                context.close()
            browser.close()
    finally:
        server.kill()


if __name__ == "__main__":
    main()
