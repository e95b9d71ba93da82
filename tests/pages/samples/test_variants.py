"""Variants of a real image on the Samples page."""

import json

import pytest

from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page, words


@pytest.mark.slow
def test_variants_of_real_images_are_made_once_and_shown(full, started):
    at = open_page("samples", run=seeded_workspace.RUNS["finished"])
    at.selectbox(key=f"variants_class_{seeded_workspace.RUNS['finished']}").set_value(1)
    at.button(key="variants_start").click().run()
    store = Store(full)
    job = store.latest_job("variants", seeded_workspace.RUNS["finished"])
    assert started and job.payload == {"class": seeded_workspace.CLASSES[1], "strength": 0.3, "seed": 0, "at": None}
    assert at.button(key="variants_cancel")
    folder = full.run(seeded_workspace.RUNS["finished"]) / "fusions"
    folder.mkdir()
    seeded_workspace.picture(folder / f"{job.id}.png", 64, 1)
    result = {"class": seeded_workspace.HOSTILE, "strength": 0.3, "error": 0.061, "error_at_random": 0.214}
    with store.transaction() as db:
        db.execute("UPDATE jobs SET state = 'finished', result = ? WHERE id = ?", (json.dumps(result), job.id))
    at = open_page("samples", run=seeded_workspace.RUNS["finished"])
    assert "6.1% of" in letters(at) and "<script>" not in words(at)
    (folder / f"{job.id}.png").unlink()
    assert "removed" in letters(open_page("samples", run=seeded_workspace.RUNS["finished"]))
