"""Deleting a dataset on the Data page: what was made from it is told, and one Undo brings it back."""

import pytest

from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page

DATASET = seeded_workspace.DATASET


@pytest.mark.slow
def test_a_dataset_is_deleted_with_what_was_made_from_it_and_comes_back(full):
    store = Store(full)
    with store.transaction() as db:
        db.execute("UPDATE jobs SET state = 'stopped' WHERE state IN ('queued', 'running')")
    at = open_page("data", ds=DATASET)
    assert "6 runs and 1 export" in letters(at)
    at.radio(key=f"data_derived_{DATASET}").set_value("Delete them too").run()
    at.button(key="data_delete").click().run()
    assert not store.datasets() and not store.runs() and not at.exception
    at.button(key="data_undelete").click().run()
    assert [one.id for one in store.datasets()] == [DATASET] and not at.exception


@pytest.mark.slow
def test_a_dataset_in_use_is_not_deleted(full):
    at = open_page("data", ds=DATASET)
    at.button(key="data_delete").click().run()
    assert at.error and Store(full).datasets()


@pytest.mark.slow
@pytest.mark.parametrize("page", ["live", "samples", "evaluate", "export", "train", "runs", "home"])
def test_pages_of_runs_without_their_dataset_open(page, full):
    with Store(full).transaction() as db:
        db.execute("DELETE FROM datasets")
    full.dataset(DATASET).rename(full.trashed(DATASET))
    open_page(page, run=seeded_workspace.RUNS["finished"])
