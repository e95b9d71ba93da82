"""A real server on its own workspace and a real Chromium. Without a Chromium the journeys are left out; in CI that fails."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parent.parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        message = "no Chromium found: install one (Debian, Ubuntu: apt install chromium) and run make test again"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


class Server:
    """`streamlit run app.py` on a free port; can be killed and started again on the same workspace and port."""

    def __init__(self, workspace: Path, threads: str | None = "1"):
        self.workspace, self.process = workspace, None
        self.environment = (
            os.environ | {"GANVAS_WORKSPACE": str(workspace)} | ({"GANVAS_THREADS": threads} if threads else {})
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        with open(self.workspace.parent / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1).read()
                return self
            except OSError:
                time.sleep(0.2)
        raise TimeoutError((self.workspace.parent / "server.log").read_text()[-2000:])

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def workers(self) -> list[psutil.Process]:
        mine = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "gan_core.worker" in words and str(self.workspace) in words:
                mine.append(process)
        return mine


@pytest.fixture
def server(tmp_path):
    workspace = tmp_path / "ws"
    workspace.mkdir()
    running = Server(workspace).start()
    yield running
    running.kill()
    for worker in running.workers():
        worker.kill()


@pytest.fixture
def page(chromium, server, tmp_path):
    """A tab at 1440 px that may reach this server alone. page.strays: what it asked of anybody else."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    tab = context.new_page()
    tab.set_default_timeout(WAIT_MS)
    tab.strays = []

    def guard(route):
        if route.request.url.startswith((server.url, "data:", "blob:")):
            route.continue_()
        else:
            tab.strays.append(route.request.url)
            route.abort()

    context.route("**/*", guard)
    yield tab
    if os.environ.get("GANVAS_SHOTS"):
        tab.screenshot(path=f"{os.environ['GANVAS_SHOTS']}/{tmp_path.name}.png", full_page=True)
    context.close()
