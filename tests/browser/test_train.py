"""The Train page in a real Chromium: a sweep from the form, and a form whose fields are drawn late."""

import time

import pytest
from playwright.sync_api import expect

from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from tests.browser.test_journeys import choose, fill, wait_for
from tests.builders import seeded_workspace

KIWIS = "r" + "a" * 16
TINY = {"width": 16, "z_dim": 8, "batch": 8, "guide": False, "device": "cpu", "precision": "fp32", "epochs": 0.1}


@pytest.fixture
def store(server) -> Store:
    """An index with one run, whose settings train in a moment."""
    workspace = Workspace(server.workspace)
    store = Store(workspace)
    seeded_workspace.seed_dataset(workspace, store)
    seeded_workspace.seed_run(workspace, store, KIWIS, "Kiwis", "finished", time.time() - 100)
    run = store.run(KIWIS)
    store.add_run(KIWIS, "Kiwis", run.dataset_id, run.config | TINY, run.created_at)
    return store


def test_a_sweep_is_queued_from_the_form_trained_and_shown_as_a_group(page, server, store):
    page.goto(f"{server.url}/train?clone={KIWIS}")
    expect(page.locator(".st-key-setting_batch input")).to_have_value("8")
    expect(page.locator(".st-key-sweep_start")).to_be_hidden()
    page.get_by_text("Several runs: a sweep").click()
    fill(page, "sweep_seeds", "2")
    fill(page, "sweep_name", "Two seeds")
    expect(page.locator(".st-key-sweep")).to_contain_text("2 runs.")
    page.locator(".st-key-sweep_start button").click()
    page.get_by_role("link", name="See it on Runs").click()
    expect(page.locator(".stMain")).to_contain_text("2 runs in 1 group")
    runs = [run for run in store.runs() if run.sweep == "Two seeds"]
    assert sorted(run.config["seed"] for run in runs) == [0, 1] and {run.config["width"] for run in runs} == {16}
    ended = lambda: all(not store.latest_job("train", run.id).live for run in runs)
    wait_for(ended, "two tiny runs", 180)
    assert {store.latest_job("train", run.id).state for run in runs} == {"finished"}
    page.reload()
    expect(page.locator(".stMain")).to_contain_text("2 finished")
    assert page.strays == []


def test_fields_that_are_drawn_late_have_the_values_of_the_clone(page, server, store):
    """As on a busy machine: the page runs a second time before the browser has drawn the number fields of the first."""
    held = []
    page.context.route("**/NumberInput.*.js", lambda route: held.append(route))
    page.goto(f"{server.url}/train?clone={KIWIS}")
    expect(page.locator(".st-key-run_name input")).to_have_value("Kiwis (2)")
    choose(page, "recipe_group", "Published methods")
    expect(page.locator(".st-key-recipe_dcgan")).to_be_visible()
    assert held and page.locator(".st-key-setting_batch input").count() == 0
    for route in held:
        route.continue_()
    expect(page.locator(".st-key-setting_batch input")).to_have_value("8")
    expect(page.locator(".st-key-setting_epochs input")).to_have_value("0.1")
    fill(page, "setting_seed", "5")  # the browser now reports all fields
    expect(page.locator(".stMain")).to_contain_text("Seed: 0 → 5")
    expect(page.locator(".st-key-setting_batch input")).to_have_value("8")
    expect(page.locator(".st-key-train_start button")).to_be_enabled()
