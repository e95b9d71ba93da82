"""The curves of a run that trains, in a real Chromium: they stay where they are, and as they were left, while they grow."""

import json
import threading

import pytest
from playwright.sync_api import expect

from gan_core.jobs import queue, supervisor
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, write_json
from tests.browser.test_journeys import wait_for
from tests.builders import seeded_workspace

UPDATES = 10
WATCH = """() => {
  window.gone = []
  const kept = ".live-chart, .main-svg, .stBidiComponent, .st-key-live_grid, .st-key-live_grid img"
  new MutationObserver(changes => changes.forEach(change => change.removedNodes.forEach(node => {
    if (node.matches?.(kept) || node.querySelector?.(kept)) window.gone.push(node.outerHTML.slice(0, 200))
  }))).observe(document.body, { childList: true, subtree: true })
}"""


@pytest.fixture
def growing(server):
    """The id of a run that seems to train: its job belongs to this process, and its folder gets a row each 0.3 s."""
    workspace = Workspace(server.workspace)
    ended = threading.Event()
    with supervisor.lane_lock(workspace, "train") as mine:  # so that no worker takes what waits
        assert mine
        seeded_workspace.seed(server.workspace)
        run = seeded_workspace.RUNS["running"]
        grower = threading.Thread(target=grow, args=(workspace, run, ended))
        grower.start()
        yield run
        ended.set()
        grower.join()


def grow(workspace, run, ended):
    folder = workspace.run(run)
    lines = (folder / "metrics.jsonl").read_text().splitlines()[:-1]  # the last one is torn
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    row, status = json.loads(lines[-1]), json.loads((folder / "status.json").read_text())
    grids = ["fakes-000000400.png", "fakes-000000800.png", "fakes-000001200.png"]
    number = 0
    while not ended.wait(0.3):
        number += 1
        row["images_seen"] += 64
        row["epoch"] += 0.1
        row["elapsed_seconds"] += 1
        row["loss_d"] = 1 + number % 3
        with open(folder / "metrics.jsonl", "a") as file:
            file.write(json.dumps(row) + "\n")
        write_json(folder / "status.json", status | {"epoch": row["epoch"], "latest_grid": grids[number // 10 % 3]})


def state(page, name: str):
    """What the first chart knows: its range, updates, points, which curves are hidden."""
    return page.locator(".live-chart").first.evaluate(f"chart => {name}")


def test_a_curve_keeps_its_node_its_zoom_and_what_was_hidden_over_ten_updates(page, server, growing):
    page.goto(f"{server.url}/live?run={growing}")
    chart = page.locator(".live-chart").first
    expect(chart.locator(".nsewdrag")).to_be_attached()
    wait_for(lambda: int(state(page, "chart.dataset.updates || 0")) >= 2, "a second figure")
    whole = state(page, "chart._fullLayout.xaxis.range")

    area = chart.locator(".nsewdrag").bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + area["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.6, area["y"] + area["height"] * 0.52, steps=8)
    page.mouse.up()
    wait_for(lambda: state(page, "chart._fullLayout.xaxis.range") != whole, "the zoom")
    chart.locator(".legendtoggle").nth(1).click()
    hidden = "chart._fullData.filter(one => one.visible === 'legendonly').map(one => one.name)"
    wait_for(lambda: state(page, hidden), "a hidden curve")
    before = {name: state(page, name) for name in ("chart._fullLayout.xaxis.range", hidden)}
    assert before["chart._fullLayout.xaxis.range"][1] < whole[1]

    page.evaluate(WATCH)
    updates, points = int(state(page, "chart.dataset.updates")), state(page, "chart._fullData[0].x.length")
    wait_for(lambda: int(state(page, "chart.dataset.updates")) >= updates + UPDATES, "ten updates", 120)
    assert page.evaluate("window.gone") == []
    assert {name: state(page, name) for name in before} == before
    assert state(page, "chart._fullData[0].x.length") > points
    grid = page.locator(".st-key-live_grid img").last
    shown = grid.get_attribute("src")
    wait_for(lambda: grid.get_attribute("src") != shown, "newer samples")

    chart.dblclick(position={"x": area["width"] / 2, "y": 60})
    wait_for(lambda: state(page, "chart._fullLayout.xaxis.range")[1] > whole[1], "all of the curve again")
    assert page.strays == []


def test_no_chart_offers_to_leave_this_computer(page, server, growing):
    page.goto(f"{server.url}/live?run={growing}")
    chart = page.locator(".live-chart").first
    expect(chart.locator(".modebar-btn").first).to_be_attached()
    titles = [button.get_attribute("data-title") or "" for button in chart.locator(".modebar-btn").all()]
    assert "Zoom" in titles and not [title for title in titles if "Share" in title or "loud" in title]


@pytest.mark.parametrize("touch, drag", [(True, False), (False, "zoom")])
def test_a_finger_scrolls_the_page_and_a_mouse_zooms(chromium, server, growing, touch, drag):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=touch, is_mobile=touch)
    page = context.new_page()
    page.goto(f"{server.url}/live?run={growing}", timeout=60_000)
    expect(page.locator(".live-chart").first.locator(".nsewdrag")).to_be_attached()
    assert state(page, "chart._fullLayout.dragmode") == drag
    context.close()


def test_the_queue_can_be_reordered_and_left(page, server, growing):
    store = Store(Workspace(server.workspace))
    other = queue.submit(store, "train", seeded_workspace.RUNS["stopped"], {})
    page.goto(f"{server.url}/live?run={seeded_workspace.RUNS['stopped']}")
    expect(page.locator(".st-key-queue")).to_contain_text("2. Birds, stopped")
    page.locator(f".st-key-queue_up_{other.id} button").first.click()
    expect(page.locator(".st-key-queue")).to_contain_text("1. Birds, stopped")
    assert store.waiting("train")[0].id == other.id
    page.locator(f".st-key-queue_cancel_{other.id} button").first.click()  # two while the rows change places
    expect(page.locator(".st-key-queue")).not_to_contain_text("Birds, stopped")
    assert store.job(other.id).state == "stopped" and page.strays == []
