"""A real server on its own workspace and a real Chromium. Without a Chromium the journeys are left out; in CI that fails."""

import contextlib
import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.app_server import NAMES, Server

WAIT_MS = 60_000
REFUSED = """window.refused = []
document.addEventListener('securitypolicyviolation', e => window.refused.push(`${e.violatedDirective} ${e.blockedURI}`))"""
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


@pytest.fixture
def server(tmp_path):
    workspace = tmp_path / "ws"
    workspace.mkdir()
    running = Server(workspace).start()
    yield running
    running.kill()
    for worker in running.workers():
        worker.kill()


@contextlib.contextmanager
def open_tab(browser, server):
    """A tab at 1440 px that may reach this server alone. tab.strays: what it asked of anybody else.

    window.refused of its page: what the Content-Security-Policy did not let it do.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    context.add_init_script(REFUSED)
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
    context.close()


@pytest.fixture
def page(chromium, server, tmp_path):
    """A tab of its own for one journey."""
    with open_tab(chromium, server) as tab:
        yield tab
        if os.environ.get("GANVAS_SHOTS"):
            tab.screenshot(path=f"{os.environ['GANVAS_SHOTS']}/{tmp_path.name}.png", full_page=True)
