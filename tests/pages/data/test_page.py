"""The Data page: the progress of an import and the dataset that it makes."""

import json

from gan_core.settings import recipes
from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words


def test_import_shows_its_job_and_then_the_dataset(full):
    at = open_page("data")
    at.button(key="import_start").click().run()
    job = Store(full).jobs(kind="import")[0]
    assert at.query_params["job"] == job.id and at.button(key="import_cancel")
    at.button(key="import_cancel").click().run()
    assert Store(full).job(job.id).state == "stopped"


def test_after_a_failed_import_the_form_is_open_and_the_datasets_are_there(full):
    at = open_page("data")
    at.button(key="import_start").click().run()
    store = Store(full)
    error = json.dumps({"code": "x", "what": "It broke.", "todo": "Mend it."})
    with store.transaction() as db:
        db.execute("UPDATE jobs SET state = 'failed', error = ? WHERE kind = 'import'", (error,))
    at.run()
    assert "It broke" in words(at) and at.expander[0].proto.expanded
    assert at.selectbox(key="dataset_choice").value == seeded_workspace.DATASET


def test_sizes_without_a_recipe_say_so(full, monkeypatch):
    monkeypatch.setattr(recipes, "RECIPES", {"quick": recipes.RECIPES["quick"]})
    sizes = open_page("data").selectbox(key="import_size").options
    assert sizes[:2] == ["28 × 28 px", "32 × 32 px"] and sizes[-1] == "256 × 256 px (no recipe for it yet)"
