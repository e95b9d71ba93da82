"""What a user does, in a real Chromium, against the real server and real workers."""

import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect


def pictures(path, classes: dict[str, int], extra=()):
    """A zip of class folders: class number n has stripes of its own direction and colour."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, count) in enumerate(classes.items()):
            for i in range(count):
                stripes = np.arange(32) // 4 % 2 * 150
                image = np.zeros((32, 32, 3), np.uint8) + rng.integers(0, 60, 3).astype(np.uint8)
                image[..., number % 3] += (stripes[:, None] if number % 2 else stripes[None, :]).astype(np.uint8)
                file = io.BytesIO()
                Image.fromarray(image).save(file, "PNG")
                archive.writestr(f"my_set/{name}/{i}.png", file.getvalue())
        for name, content in extra:
            archive.writestr(name, content)
    return path


def points(page: Page) -> int:
    """How many points the loss curve on the page has."""
    return page.evaluate("""() => {
        const chart = document.querySelector('.live-chart')  // the losses come first
        return Math.max(0, ...(chart?._fullData ?? []).map(t => t.x?.length ?? 0))
    }""")


def wait_for(condition, what: str, seconds: float = 60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.3)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def fill(page: Page, key: str, value: str):
    field = page.locator(f".st-key-{key} input")
    field.fill(value)
    field.press("Enter")


def choose(page: Page, key: str, option: str):
    page.locator(f".st-key-{key}").get_by_text(option, exact=True).click()


def upload(page: Page, server, path):
    page.goto(f"{server.url}/data")
    choose(page, "import_way", "Upload a zip")
    page.locator(".st-key-import_upload input[type=file]").set_input_files(path)
    expect(page.locator(".st-key-import_upload")).to_contain_text("is here")


def test_from_upload_to_download(page, server, tmp_path):
    upload(
        page,
        server,
        pictures(
            tmp_path / "stripes.zip", {"rare": 16, "common": 40}, extra=[("my_set/rare/notes.png", b"no picture")]
        ),
    )
    page.locator(".st-key-import_start button").click()
    expect(page.locator(".st-key-dataset_facts")).to_be_visible()
    expect(page.locator(".st-key-dataset_facts")).to_contain_text("56")
    expect(page.get_by_role("heading", name="Left out: 1 file")).to_be_visible()

    # train: the page offers it, shows an estimate, and starts
    page.get_by_role("link", name="Use this dataset").click()
    expect(page.locator(".st-key-train_start")).to_be_visible()
    fill(page, "setting_epochs", "100000")
    expect(page.locator(".st-key-estimate")).to_contain_text("images per second")
    page.locator(".st-key-train_start button").click()

    # live: a grid, and a curve that grows by itself
    expect(page.locator(".st-key-live_grid img").last).to_be_visible()
    wait_for(lambda: points(page) > 0, "a curve")
    before = points(page)
    wait_for(lambda: points(page) > before, "the curve moves")
    run_url = page.url
    assert "run=r" in run_url

    # reload in mid-run: nothing is lost
    page.reload()
    expect(page.locator(".st-key-live_stop")).to_be_visible()
    wait_for(lambda: points(page) >= before, "the curve after a reload")

    # kill the server in mid-run: the worker goes on, the tab finds the new server by itself
    worker = {process.pid for process in server.workers()}
    metrics = next((server.workspace / "runs").glob("*/metrics.jsonl"))
    server.kill()
    rows = len(metrics.read_text().splitlines())
    wait_for(lambda: len(metrics.read_text().splitlines()) > rows, "training without a server")
    server.start()
    assert worker & {process.pid for process in server.workers()}
    before = points(page)
    wait_for(lambda: points(page) > before, "the curve after the restart", 90)

    # a second tab sees the same run
    second = page.context.new_page()
    second.goto(run_url)
    expect(second.locator(".st-key-live_stop")).to_be_visible()
    second.close()

    # stop within seconds, and keep
    started = time.monotonic()
    page.locator(".st-key-live_stop").get_by_role("button").first.click()
    expect(page.locator(".st-key-live_next")).to_be_visible()
    assert time.monotonic() - started < 15  # the worker has 5 s; the rest is the page's

    # samples: every grid on a slider, beside real ones; the timelapse
    page.get_by_role("link", name="See samples").click()
    page.wait_for_url("**/samples*")  # Live has a picture of the same words
    generated = page.locator(".player .pane.a img")
    expect(generated).to_be_visible()
    expect(page.locator(".player .pane.b img")).to_have_attribute("alt", "Real images, a row per class")
    shown = generated.get_attribute("src")
    page.locator(".player .row.a input").press("Home")
    wait_for(lambda: generated.get_attribute("src") != shown, "another grid")
    page.locator(".st-key-timelapse_start button").click()
    expect(page.locator(".st-key-timelapse img")).to_be_visible()

    # scores, each with its floor and its extractor
    page.goto(run_url.replace("/live", "/evaluate"))
    fill(page, "evaluate_samples", "40")
    page.locator(".st-key-evaluate_start button").click()
    expect(page.locator(".st-key-score_frechet_distance")).to_be_visible(timeout=90_000)
    expect(page.locator(".stMain")).to_contain_text("EfficientNet-Lite0")
    expect(page.locator(".stMain")).not_to_contain_text("FID:")
    expect(page.locator(".stMain")).to_contain_text("Per class")
    expect(page.locator(".stMain")).to_contain_text("Copies of training images")
    with page.expect_download() as report:
        page.locator(".st-key-report_html button").click()
    text = Path(report.value.path()).read_text()
    assert text.startswith("<!doctype html>") and "data:image/png" in text and "<script" not in text

    # does it help? The whole comparison takes minutes: it starts, tells, and can be cancelled
    page.locator(".st-key-utility_start button").click()
    expect(page.locator(".stMain")).to_contain_text("How many updates a classifier needs", timeout=60_000)
    page.locator(".st-key-utility_cancel button").click()
    expect(page.locator(".stMain")).to_contain_text("was cancelled", timeout=60_000)

    # export: balanced, built by a job, downloaded as a stream
    page.goto(run_url.replace("/live", "/export"))
    for check in ("of another class", "unlike the real images"):  # so short a run has nothing that would pass
        page.locator(".st-key-export_checks").get_by_role("button", name=check, exact=True).click()
    page.locator(".st-key-preview_start button").click()
    expect(page.locator(".st-key-preview")).to_contain_text("images kept", timeout=90_000)
    page.locator(".st-key-export_start button").click()
    link = page.locator(".st-key-export_done a[download], [class*='st-key-export_done'] a[download]").first
    expect(link).to_be_visible()
    with page.expect_download() as download:
        link.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    counts = {name: sum(n.startswith(f"train/{name}/") for n in names) for name in ("rare", "common")}
    assert counts["rare"] == counts["common"] == 29
    assert any("/gan_" in n for n in names) and any(n.startswith("test/") for n in names)
    assert page.strays == []


def test_two_clicks_from_home_to_a_generated_picture(page, server):
    page.goto(server.url)
    page.locator(".st-key-run_demo button").click()
    grid = page.locator(".st-key-live_grid img").last  # while Streamlit draws anew, the old one may stand beside it
    expect(grid).to_be_visible()
    wait_for(
        lambda: "fakes-000000000" not in (grid.get_attribute("src") or ""),
        "a trained grid",
        90,
    )
    page.locator(".st-key-live_pause button").click()
    expect(page.locator(".st-key-live_continue")).to_be_visible()
    metrics = next((server.workspace / "runs").glob("*/metrics.jsonl"))
    time.sleep(2)
    rows = len(metrics.read_text().splitlines())
    time.sleep(3)
    assert len(metrics.read_text().splitlines()) == rows  # it holds
    page.locator(".st-key-live_continue button").click()
    wait_for(lambda: len(metrics.read_text().splitlines()) > rows, "training after the pause")
    # kill -9 the worker: the page says so and offers to resume, and resuming goes on
    for worker in server.workers():
        if "train" in worker.cmdline():
            worker.kill()
    expect(page.locator(".st-key-live_resume")).to_be_visible()
    page.locator(".st-key-live_resume button").click()
    expect(page.locator(".st-key-live_stop")).to_be_visible()
    wait_for(lambda: len(metrics.read_text().splitlines()) > 1, "training after the resume")
    assert page.strays == []


@pytest.mark.parametrize(
    "name, classes, extra, said",
    [
        ("flat.zip", {}, [("a.txt", b"x"), ("b.txt", b"y")], "class folder"),
        ("climb.zip", {"a": 6, "b": 6}, [("../x.png", b"x")], "unsafe"),
    ],
)
def test_a_zip_that_cannot_be_used_gets_one_sentence_and_leaves_nothing(
    page, server, tmp_path, name, classes, extra, said
):
    page.goto(f"{server.url}/data")
    choose(page, "import_way", "Upload a zip")
    page.locator(".st-key-import_upload input[type=file]").set_input_files(pictures(tmp_path / name, classes, extra))
    alert = page.get_by_role("alert").filter(has_text=".").first
    expect(alert).to_be_visible()
    assert said in alert.inner_text().lower(), alert.inner_text()
    assert not list((server.workspace / "datasets").iterdir()) and not list((server.workspace / "staging").iterdir())


def test_a_class_named_like_a_script_is_only_a_name(page, server, tmp_path):
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    upload(page, server, pictures(tmp_path / "x.zip", {"<script>alert(1)<": 8, "![](http:": 8}))
    page.locator(".st-key-import_start button").click()
    expect(page.locator(".st-key-dataset_facts")).to_be_visible()
    expect(page.locator(".stMain")).to_contain_text("<script>alert(1)<")
    assert dialogs == [] and page.strays == []


@pytest.mark.parametrize("where", ["", "data", "train", "live", "samples", "evaluate", "export", "runs"])
def test_every_page_opens_by_its_address_and_fits_a_phone(page, server, where):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/{where}")
    expect(page.locator(".stMain h1")).to_be_visible()
    assert page.get_by_role("dialog").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.strays == []
