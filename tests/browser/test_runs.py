"""The Runs page in a real Chromium: tick two runs, compare, rename, delete, undo, clone."""

import time

from playwright.sync_api import expect

from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from tests.builders import seeded_workspace

FIRST, SECOND = "r" + "a" * 16, "r" + "b" * 16
HEADER, ROW, CHECKBOX = 36, 56, 16  # px in the table


def tick(page, row: int) -> None:
    grid = page.locator(".stMain [data-testid=stDataFrame] .dvn-scroller").first
    grid.click(position={"x": CHECKBOX, "y": HEADER + ROW * row + ROW // 2})


def test_compare_rename_delete_undo_and_clone(page, server):
    workspace = Workspace(server.workspace)
    store = Store(workspace)
    seeded_workspace.seed_dataset(workspace, store)
    for number, (run, name) in enumerate(((FIRST, "Kiwis"), (SECOND, "Owls"))):
        seeded_workspace.seed_run(workspace, store, run, name, "finished", time.time() - 100 * (number + 1))
    kiwis = store.run(FIRST)
    store.add_run(FIRST, "Kiwis", kiwis.dataset_id, kiwis.config | {"batch": 8}, kiwis.created_at)

    # tick two rows: they are in the address, and compared
    page.goto(f"{server.url}/runs")
    expect(page.locator(".stMain")).to_contain_text("2 runs of 2")
    tick(page, 0)
    expect(page.locator(".st-key-runs_rename")).to_be_visible()
    tick(page, 1)
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    assert f"cmp={FIRST}%2C{SECOND}" in page.url
    expect(page.get_by_role("heading", name="Newest samples")).to_be_visible()
    expect(page.locator(".st-key-runs_curves .js-plotly-plot")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()

    # rename one
    page.goto(f"{server.url}/runs?cmp={SECOND}")
    field = page.get_by_label("New name")
    field.fill("Barn owls")
    field.press("Enter")
    page.locator(".st-key-runs_rename button").click()
    expect(page.locator(".stMain")).to_contain_text("Selected: Barn owls")

    # delete it and take that back
    page.locator(".st-key-runs_delete button").first.click()
    expect(page.locator(".st-key-runs_undo")).to_contain_text("Barn owls")
    assert workspace.trashed(SECOND).is_dir() and not workspace.run(SECOND).exists()
    expect(page.locator(".stMain")).to_contain_text("1 run of 1")
    page.locator(".st-key-runs_undelete button").click()
    expect(page.locator(".stMain")).to_contain_text("2 runs of 2")
    assert workspace.run(SECOND).is_dir() and store.run(SECOND).name == "Barn owls"

    # clone the other
    page.goto(f"{server.url}/runs?cmp={FIRST}")
    page.get_by_role("link", name="Clone").click()
    expect(page.locator(".st-key-run_name input")).to_have_value("Kiwis (2)")
    expect(page.locator(".st-key-setting_batch input")).to_have_value("8")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/runs?cmp={FIRST},{SECOND}")
    expect(page.get_by_role("heading", name="Newest samples")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.strays == []
