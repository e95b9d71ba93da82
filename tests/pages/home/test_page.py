"""The Home page: the demo, the active runs and the newest ones."""

import pytest

from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words


@pytest.mark.slow
def test_home_opens_the_newest_run_only_where_there_is_one(empty):
    assert "There is no run yet" in words(open_page("home"))
    seeded_workspace.seed(empty.root)
    assert "There is no run yet" not in words(open_page("home"))


def test_the_demo_button_queues_one_run_even_when_clicked_twice(empty, started, monkeypatch):
    monkeypatch.setattr("pages.shared.double_click.SAME_CLICK_SECONDS", 600)
    at = open_page("home")
    at.button(key="run_demo").click().run()
    assert started and len(Store(empty).runs()) == 1
    assert at.query_params["run"] == Store(empty).runs()[0].id and at.title[0].value == "Live"
    at.switch_page("home/page.py").run()
    at.button(key="run_demo").click().run()
    assert len(Store(empty).runs()) == 1


@pytest.mark.slow
def test_home_shows_all_that_is_active_and_leads_to_every_run(full):
    store = Store(full)
    for number in range(12):
        seeded_workspace.seed_run(full, store, f"r{number + 500:016x}", f"Later {number}", "finished", 4e9 + number)
    at = open_page("home")
    labels = [link.proto.label.replace("\\", "") for link in at.get("page_link")]
    assert {"Birds, running", "Birds, queued", "All 18 runs, with their scores"} <= set(labels)
    assert sum(label.startswith("Later") for label in labels) == 8
