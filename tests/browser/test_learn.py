"""The laboratory in a real Chromium: frames move, a turn is taken, and the link shows the same picture in a second tab."""

import re

from playwright.sync_api import expect

from tests.browser.test_journeys import wait_for

PICTURE = "canvas => canvas.toDataURL()"


def moved(page) -> int:
    return int(page.locator("output.round").inner_text().split()[0].replace(",", ""))


def test_play_step_link_and_the_same_picture_in_a_second_tab(page, server):
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/api/lab/" in request.url else None)
    page.goto(f"{server.url}/learn?lab_chapter=collapse")
    plane = page.locator("canvas.plane")
    expect(page.locator("dl.numbers")).to_contain_text("Blobs found")
    first = plane.evaluate(PICTURE)

    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("Enter")
    wait_for(lambda: moved(page) >= 40, "40 rounds")
    page.get_by_role("button", name="Pause").click()
    expect(page).to_have_url(re.compile("lab_at=r[0-9]+$"))
    assert plane.evaluate(PICTURE) != first

    before = moved(page)
    page.get_by_role("button", name="Step D").click()
    expect(page.locator(".status")).to_contain_text("D's turn")
    expect(page).to_have_url(re.compile(f"lab_at=r{before}d1$"))
    page.get_by_role("button", name="Step G").click()
    expect(page.locator(".status")).to_contain_text(f"{before + 1} rounds played")
    expect(page).to_have_url(re.compile(f"lab_at=r{before + 1}$"))
    numbers, picture = page.locator("dl.numbers").inner_text(), plane.evaluate(PICTURE)

    second = page.context.new_page()
    second.set_viewport_size({"width": 1440, "height": 1000})
    second.goto(page.url)
    expect(second.locator("dl.numbers")).to_have_text(page.locator("dl.numbers").inner_text(), use_inner_text=True)
    assert second.locator("dl.numbers").inner_text() == numbers
    wait_for(lambda: second.locator("canvas.plane").evaluate(PICTURE) == picture, "the same picture")

    second.set_viewport_size({"width": 390, "height": 844})
    assert second.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Reset").click()
    wait_for(lambda: moved(page) == 0 and plane.evaluate(PICTURE) == first, "the first picture")
    assert page.strays == [] and asked and all(url.startswith(server.url) for url in asked)


def test_a_game_that_explodes_says_what_that_means(page, server):
    page.goto(f"{server.url}/learn?lab_chapter=free&lab_loss=wasserstein&lab_lr_d=1&lab_lr_g=1&lab_seed=2")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("alert").filter(has_text="Exploded")).to_contain_text("Choose Reset")
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("p.note")).to_be_hidden()
    assert moved(page) == 0 and page.strays == []
