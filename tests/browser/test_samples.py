"""The Samples page in a real Chromium: slide, play, beside another epoch; draw, enlarge by keyboard, walk; nothing leaves."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo, write_info
from gan_core.jobs import worker
from gan_core.jobs.queue import Watch
from gan_core.settings.recipes import RECIPES
from gan_core.settings.schema import build
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, new_id
from tests.browser.app_server import Server
from tests.browser.test_journeys import wait_for
from tests.builders.toy_images import toy_images


@pytest.fixture
def run(server: Server) -> str:
    """A run of seconds on three tones, in the workspace of the server."""
    workspace = Workspace(server.workspace)
    context = Context(Store(workspace), workspace, in_this_process=True)
    dataset = new_id("dataset")
    folder = workspace.dataset(dataset)
    folder.mkdir()
    for split, count in (("train", 60), ("validation", 12), ("test", 12)):
        images, labels = toy_images(count, 32, 1, 3, seed=len(split))
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", labels)
    facts = {"size": 32, "mode": "L", "fit": "crop", "classes": ["dark", "grey", "bright"], "source": {"kind": "test"}}
    counts = {"train_counts": [20] * 3, "validation_counts": [4] * 3, "test_counts": [4] * 3}
    counts |= {"health": {"images": 84}, "rejected": []}
    write_info(folder, DatasetInfo(name="Tones", seed=0, notices=[], **facts, **counts))
    context.store.add_dataset(dataset, "Tones")
    small = {"width": 16, "z_dim": 8, "batch": 16, "device": "cpu", "precision": "fp32", "guide": False, "epochs": 6.0}
    config = build({**RECIPES["quick"].config.model_dump(), **small})
    job = actions.train(context, dataset, config, name="Tones run")
    worker.carry_out(context.store, workspace, job, Watch(context.store, job))
    assert context.store.job(job.id).state == "finished"
    return job.subject


def test_slide_play_compare_draw_enlarge_and_walk(page, server, run):
    page.goto(f"{server.url}/samples?run={run}")
    generated = page.locator(".player .pane.a img")
    slider = page.locator(".player .row.a input")
    expect(generated).to_have_attribute("alt", re.compile("after 3[0-9]{2} images seen"))
    expect(page.locator(".player .pane.b img")).to_have_attribute("alt", "Real images, a row per class")

    slider.press("Home")
    expect(generated).to_have_attribute("alt", re.compile("after 0 images seen"))
    expect(page).to_have_url(re.compile("smp_step=0"))
    page.locator(".player .speed").select_option("20")
    page.get_by_role("button", name="Play").press("Enter")
    expect(page.get_by_role("button", name="Play")).to_be_visible()  # again, at the end
    expect(generated).to_have_attribute("alt", re.compile("after 3[0-9]{2} images seen"))
    expect(page).to_have_url(re.compile("smp_step=3[0-9]{2}"))
    assert generated.evaluate("image => image.complete && image.naturalWidth > 0")

    page.goto(f"{server.url}/samples?run={run}&smp_b={run}&smp_step=0")
    expect(page.locator(".player h3").first).to_have_text("A: Tones run, epoch 0.0")
    page.locator(".player .row.b input").press("End")
    expect(page).to_have_url(re.compile("smp_bstep=3[0-9]{2}"))
    page.locator(".st-key-samples_swap button").click()
    expect(page.locator(".player h3").nth(1)).to_have_text("B: Tones run, epoch 0.0")
    expect(page).to_have_url(re.compile("smp_bstep=0"))

    page.locator(".st-key-explore_start button").click()
    cells = page.locator("button.cell")
    expect(cells).to_have_count(24, timeout=120_000)
    cells.nth(9).focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog.locator("h3")).to_have_text("grey, image 1")
    expect(dialog.locator(".near img")).to_have_count(4)
    expect(dialog.locator(".words")).to_contain_text(re.compile("real images"))
    for image in dialog.locator("img").all():
        wait_for(lambda image=image: image.evaluate("image => image.naturalWidth === 32"), "every picture is there")
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("h3")).to_have_text("grey, image 2")
    with page.expect_download() as download:
        dialog.get_by_text("Download this image").click()
    assert download.value.suggested_filename == "seed-0-image-0010.png"
    dialog.get_by_role("button", name="End a walk here").click()
    expect(dialog.locator(".status")).to_contain_text("ends at this image")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert cells.nth(9).evaluate("cell => cell.getRootNode().activeElement === cell")  # focus is back where it was
    expect(page.get_by_alt_text("Walk to: grey, image 2")).to_be_visible()

    page.locator(".st-key-walk_start button").click()
    expect(page.locator(".st-key-walk img").first).to_be_visible(timeout=120_000)
    expect(page.locator(".st-key-walk")).to_contain_text("to grey, image 2")
    page.set_viewport_size({"width": 390, "height": 844})
    wait_for(lambda: page.evaluate("document.documentElement.scrollWidth") <= 390, "no sideways scrolling on a phone")
    assert page.strays == []
