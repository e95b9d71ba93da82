"""Every page for everybody: axe-core in light and dark, the Tab key, a phone's width, and no word to anybody else.

One server with one workspace in every state, and one load of each page, which all tests look at.
"""

import re
import tomllib
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from gan_core.access import token
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from tests.browser.app_server import ROOT, Server
from tests.browser.conftest import open_tab
from tests.builders import seeded_workspace

PAGES = sorted(path.parent.name for path in (ROOT / "pages").glob("*/page.py"))
SEVERE = ("serious", "critical")
MOST_TABS = 400
CONTROLS = """() => {
    const shown = element => element.checkVisibility() && !element.closest('[inert], [aria-hidden=true]')
    const found = 'a[href], button, input, select, textarea, [role=slider], [role=combobox], [role=tab], summary'
    return [...document.querySelectorAll('.stMain :is(' + found + ')')].filter(e => !e.disabled && shown(e))
}"""
# Text of a control that is switched off need not stand out: WCAG 1.4.3 leaves inactive components out.
SWITCHED_OFF = """selector => {
    const all = [...(document.querySelector(selector)?.closest('.stElementContainer')
        ?.querySelectorAll('button, input, select, textarea') ?? [])].filter(e => !e.closest('[data-testid*=Tooltip]'))
    return all.length > 0 && all.every(e => e.disabled || e.closest('[aria-disabled=true], [data-disabled]'))
}"""
# A group of radio buttons, tabs or options is one stop of the Tab key, and so are a field and the arrows beside it that only a
# pointer needs; the arrow keys go on from there.
UNREACHED = (
    """() => {
    const group = e => e.closest('[role=radiogroup], [role=tablist], [role=listbox], [role=grid], [role=toolbar]')
    const one = e => group(e) ?? (e.tabIndex < 0 ? e.closest('.stElementContainer') : null)
    const reached = e => window.reached.has(e) || [...window.reached].some(r => one(e)?.contains(r))
    return (CONTROLS)().filter(e => !reached(e)).map(e => e.outerHTML.slice(0, 300))
}"""
).replace("CONTROLS", CONTROLS)


def st_config(*keys: str) -> str:
    value = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    for key in keys:
        value = value[key]
    return value


def chosen_option(rule: str, node: dict, primary: str) -> bool:
    """Streamlit writes a chosen option in the primary colour, and white on that colour; on a dark page no colour has a contrast of
    4.5 to both. White has it; the option, which has a border as well, must have the 3 of a control."""
    data = (node["any"] or [{}])[0].get("data") or {}
    return rule == "color-contrast" and data.get("fgColor") == primary and data.get("contrastRatio", 0) >= 3


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("access") / "ws"
    with Store(
        seeded_workspace.seed(root)
    ).transaction() as db:  # a server starts real workers for what waits; what runs polls and fades
        db.execute("UPDATE jobs SET state = 'stopped', pid = NULL WHERE state IN ('queued', 'running')")
    running = Server(root, token="").start()
    yield running
    running.kill()


def settle(tab):
    """Until nothing was drawn for a second: what is not there yet cannot be found wanting."""
    drawn = "document.querySelector('.stMain').innerHTML.length + '/' + document.querySelector('.stMain').scrollHeight"
    still, last = 0, ""
    for _ in range(120):
        tab.wait_for_timeout(250)
        now = tab.evaluate(drawn)
        still, last = (still + 1 if now == last else 0), now
        if still >= 4:
            return
    raise AssertionError("the page is never still")


@pytest.fixture(scope="module", params=PAGES)
def opened(request, chromium, server):
    """A page with a run that has everything, drawn to its end, in a tab that all tests of this page share."""
    with open_tab(chromium, server) as tab:
        where = "" if request.param == "home" else request.param
        link = urlencode({"run": seeded_workspace.RUNS["finished"], "token": token.of(Workspace(server.workspace))})
        tab.goto(f"{server.url}/{where}?{link}")
        assert "token" not in tab.url
        expect(tab.locator(".stMain h1")).to_be_visible()
        expect(tab.locator("[data-test-script-state]").first).to_have_attribute("data-test-script-state", "notRunning")
        settle(tab)
        yield tab


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    opened.emulate_media(color_scheme=scheme)
    # Not wait_for_function(): it compiles text in the page, which the Content-Security-Policy refuses.
    background = {"light": r"rgb\((1[3-9]|2\d)\d,", "dark": r"rgb\(\d{1,2},"}[scheme]
    expect(opened.locator(".stApp")).to_have_css("background-color", re.compile(background))
    opened.wait_for_timeout(300)  # colours fade
    primary = st_config("theme", scheme, "primaryColor")
    found = [
        (rule["id"], rule["impact"], node["html"][:300], node.get("failureSummary", "")[:300])
        for rule in axe.run(opened).response["violations"]
        if rule["impact"] in SEVERE
        for node in rule["nodes"]
        if not opened.evaluate(SWITCHED_OFF, node["target"][0]) and not chosen_option(rule["id"], node, primary)
    ]
    assert found == []


def test_the_tab_key_reaches_every_control(opened):
    assert (
        opened.locator(".stMain").evaluate("m => [...m.querySelectorAll('*')].filter(e => e.tabIndex > 0).length") == 0
    )
    opened.evaluate(
        "() => { window.reached = new Set(); document.activeElement?.blur();"
        "document.addEventListener('focusin', event => window.reached.add(event.target)) }"
    )
    stops = 0
    while opened.evaluate(UNREACHED) and stops < MOST_TABS:
        for _ in range(20):
            opened.keyboard.press("Tab")
        stops += 20
    assert opened.evaluate(UNREACHED) == []


def test_a_phone_scrolls_down_and_not_sideways(opened):
    opened.set_viewport_size({"width": 390, "height": 844})
    settle(opened)
    wide = "document.querySelector('.stMain').scrollWidth, document.documentElement.scrollWidth"
    try:
        assert max(opened.evaluate(f"[{wide}]")) <= 390
    finally:
        opened.set_viewport_size({"width": 1440, "height": 1000})


def test_nobody_else_is_asked(opened):
    """Last: whatever the other tests made the page load counts too."""
    assert opened.strays == [] and opened.evaluate("window.refused") == []
