"""From a dataset with near duplicates to a curated one, in a real Chromium: check, see, exclude, undo, exclude, curate."""

import io
import re
import zipfile

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.browser.test_journeys import upload, wait_for


def zip_with_copies(path):
    """24 pictures in each of two classes; two of the first class are there again, compressed harder."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(("dim", "light")):
            for i in range(24):
                coarse = (rng.integers(0, 90, (6, 6, 3)) + 160 * number).astype(np.uint8)
                image = Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)
                for quality in (90, 60) if number == 0 and i in (3, 4) else (90,):
                    file = io.BytesIO()
                    image.save(file, "JPEG", quality=quality)
                    archive.writestr(f"{name}/{i}-{quality}.jpg", file.getvalue())
    return path


def test_check_see_exclude_undo_exclude_and_curate(page, server, tmp_path):
    upload(page, server, zip_with_copies(tmp_path / "twins.zip"))
    page.locator(".st-key-import_start button").click()
    expect(page.locator(".st-key-dataset_facts")).to_contain_text("50")
    parent = page.url

    page.locator(".st-key-inspect_start button").click()
    copies = page.locator(".st-key-finding_near_duplicates, .st-key-finding_leaks").first
    expect(copies).to_be_visible(timeout=120_000)
    expect(page.locator(".st-key-class_means img")).to_have_count(2)
    copies.get_by_text("Show the images", exact=True).click()
    expect(copies.locator("img").first).to_be_visible()
    expect(copies).to_contain_text("dim")

    copies.get_by_role("button", name="Keep one of each").click()
    expect(copies).to_contain_text("Excluded.")
    page.get_by_role("button", name="Undo").click()
    expect(copies.get_by_role("button", name="Keep one of each")).to_be_visible()
    copies.get_by_role("button", name="Keep one of each").click()
    expect(copies).to_contain_text("Excluded.")

    page.locator(".st-key-curate_start button").click()
    made = page.get_by_role("button", name=re.compile("Made from this dataset: twins"))
    expect(made).to_be_visible()
    made.click()
    expect(page.locator(".stMain")).to_contain_text("Left out of the dataset that this was made of")
    wait_for(lambda: page.url != parent, "the address of the new dataset")
    assert page.strays == []
