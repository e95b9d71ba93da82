"""The utility of synthetic images for a classifier, and the detector for a folder."""

import numpy as np
import pytest

from gan_core.storage.store import Store
from tests.builders import evaluated_run, seeded_workspace
from tests.builders.app_pages import letters, open_page


@pytest.mark.slow
def test_the_question_whether_it_helps_is_a_job_and_a_refusal_is_a_sentence(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    at.number_input(key="utility_seeds").set_value(7)
    at.selectbox(key="utility_classifier").set_value("resnet")
    at.button(key="utility_start").click().run()
    job = Store(planted).jobs(kind="utility")[0]
    assert (
        job.live
        and (job.payload["seeds"], job.payload["classifier"]) == (7, "resnet")
        and job.subject == evaluated_run.RUN
    )
    assert at.button(key="utility_cancel")
    at.text_input(key="detect_folder").set_value("/no/such/folder")
    at.button(key="detect_start").click().run()
    assert "There is no folder" in letters(at)


@pytest.mark.slow
def test_a_result_of_today_shows_what_each_part_is_worth_and_an_older_one_its_sweep(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    assert not [table for table in at.dataframe if "tested" in table.value.columns]
    store = Store(planted)
    old = store.jobs(kind="utility")[0].result
    gain = lambda value: {"gain": value, "ci95": [value - 0.01, value + 0.01]}
    parts = {"baseline_gain": gain(0.021), "total_gain": gain(0.034), "own_gain": gain(0.013), "sweep": []}
    tried = {
        "baselines": [{"name": "deferred+classical", "validation": 0.8}],
        "uses": [{"name": "50%", "validation": 0.83}],
    }
    new = old | parts | tried | {"protocol": 2, "baseline": "deferred+classical", "use": "50%", "chosen": True}
    seeded_workspace.add_job(store, "utility", evaluated_run.RUN, "finished", {}, result=new)
    at = open_page("evaluate", run=evaluated_run.RUN)
    worth = next(table.value for table in at.dataframe if "points" in table.value.columns)
    assert [text[:4] for text in worth["points"]] == ["+2.1", "+3.0", "+3.4", "+1.3"]
    chosen = next(table.value for table in at.dataframe if "tested" in table.value.columns)
    assert list(chosen["training"]) == ["deferred+classical", "50%"] and set(chosen["tested"]) == {"yes"}


@pytest.mark.slow
def test_a_folder_to_score_is_a_job(planted, tmp_path):
    folder = sorted((planted.run(evaluated_run.RUN) / "evaluations").iterdir())[-1]
    np.savez(folder / "detector.npz", x=np.zeros(1))
    at = open_page("evaluate", run=evaluated_run.RUN)
    at.text_input(key="detect_folder").set_value(str(tmp_path))
    at.button(key="detect_start").click().run()
    job = Store(planted).jobs(kind="detect")[0]
    assert job.live and job.payload["folder"] == str(tmp_path)
