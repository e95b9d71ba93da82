"""The runs that wait, on the Live page."""

import pytest

from gan_core.jobs import queue
from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words

RUNNING = seeded_workspace.RUNS["running"]


@pytest.fixture
def three(full):
    """Jobs of three runs that wait, in their order."""
    store = Store(full)
    for state in ("stopped", "interrupted"):
        queue.submit(store, "train", seeded_workspace.RUNS[state], {})
    return store


def test_the_queue_tells_its_order_and_moves_up(three):
    first, second, third = three.waiting("train")
    at = open_page("live", run=third.subject)
    assert "Waiting: 3 runs ahead." in words(at) and "3\\. **Birds, interrupted**".replace(",", "\\,") in words(at)
    assert at.button(key=f"queue_up_{first.id}").disabled
    at.button(key=f"queue_up_{third.id}").click().run()
    assert [job.id for job in three.waiting("train")] == [first.id, third.id, second.id] and not at.toast
    assert "Waiting: 2 runs ahead." in words(at)


def test_a_click_on_an_old_queue_changes_nothing_and_is_told(three):
    first, second, third = three.waiting("train")
    at = open_page("live", run=RUNNING)
    assert "3 runs waiting" in words(at) and not [one for one in at.button if one.key.startswith("queue_")]
    at.session_state["queue"] = True
    at.run()
    queue.move_up(three, third.id, second.id)  # in another tab
    at.button(key=f"queue_up_{third.id}").click().run()
    assert "queue has changed" in at.toast[0].value
    assert [job.id for job in three.waiting("train")] == [first.id, third.id, second.id]
    claimed = queue.claim(three, "train")
    at.button(key=f"queue_cancel_{third.id}").click().run()
    assert three.job(claimed.id).state == "running" and three.job(third.id).state == "stopped"


def test_cancel_of_what_has_started_meanwhile_does_not_stop_it(three):
    first = three.waiting("train")[0]
    at = open_page("live", run=first.subject)
    assert queue.claim(three, "train").id == first.id
    at.button(key="live_stop").click().run()
    assert three.job(first.id).control == "run" and "does not wait any more" in at.toast[0].value
