"""The select box of runs and datasets."""

import time

import pytest

from gan_core.storage.store import Run, Store
from pages.shared.select_run import unique_labels
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page


@pytest.mark.parametrize("which", [0, 1, 2])
def test_runs_of_one_name_and_minute_can_each_be_chosen(which, empty):
    workspace, store = empty, Store(empty)
    seeded_workspace.seed_dataset(workspace, store)
    at_noon = time.mktime((2026, 3, 1, 12, 0, 0, 0, 0, -1))
    runs = [f"r{number:016x}" for number in range(7, 10)]
    for number, run in enumerate(runs):
        seeded_workspace.seed_run(workspace, store, run, "Birds", "finished", at_noon + number)
    at = open_page("live")
    box = at.selectbox(key="live_run")
    assert sorted(box.options) == [
        "Birds · 2026-03-01 12:00",
        "Birds · 2026-03-01 12:00 (2)",
        "Birds · 2026-03-01 12:00 (3)",
    ]
    box.set_value(runs[which]).run()
    assert at.query_params["run"] == runs[which] and at.selectbox(key="live_run").value == runs[which]
    assert at.query_params["run"].startswith("r")


def test_labels_are_unique_whatever_the_names_are_and_stay_when_a_run_is_added():
    names = ["a", "a", "a · 2026-03-01 12:00", "a", "b"]
    at_noon = time.mktime((2026, 3, 1, 12, 0, 0, 0, 0, -1))
    runs = [Run(f"r{at}", name, "d", {}, at_noon + at) for at, name in enumerate(names)]
    labels = unique_labels(runs)
    assert len(set(labels.values())) == len(runs)
    assert {id: label for id, label in labels.items() if id != "r4"} == unique_labels(runs[:-1])
    assert unique_labels(runs[::-1]) == labels
