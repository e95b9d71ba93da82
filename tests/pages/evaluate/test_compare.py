"""Runs side by side on the Evaluate page."""

import pytest

from gan_core.storage.store import Store
from tests.builders import evaluated_run, seeded_workspace
from tests.builders.app_pages import letters, open_page


@pytest.mark.slow
def test_runs_are_comparable_only_when_evaluated_alike(planted):
    store = Store(planted)
    alike, other = "r" + "d" * 16, "r" + "c" * 16
    evaluated_run.plant(planted, store, run=alike, name="Alike", bad=False, changes={"seed": 5})
    evaluated_run.plant(planted, store, run=other, name="Other", changes={"against": "test", "n_fake": 50})
    at = open_page("evaluate", run=evaluated_run.RUN)
    at.multiselect(key="compare_runs").set_value([alike]).run()
    assert "**Comparable:**" in letters(at) and len(at.get("plotly_chart")) == 9
    at.multiselect(key="compare_runs").set_value([alike, other]).run()
    shown = letters(at)
    assert "**Comparable:**" not in shown
    assert "**Not comparable:** the split compared with and the number of generated images differ" in shown
    table = next(one.value for one in at.dataframe if "copies" in one.value.columns)
    assert list(table["variety"]) == ["Alarm", "Look closer", "Alarm"] and list(table["images"]) == [120, 120, 50]


@pytest.mark.slow
def test_a_run_without_evaluation_says_so_in_a_comparison(full):
    evaluated_run.plant(full, Store(full))
    at = open_page("evaluate", run=evaluated_run.RUN)
    at.multiselect(key="compare_runs").set_value(
        [seeded_workspace.RUNS["failed"], seeded_workspace.RUNS["finished"]]
    ).run()
    assert "Birds, failed has not been evaluated yet." in letters(at) and "the dataset" in at.warning[-1].value
