"""The utility of synthetic images for a classifier, and the detector for a folder."""

import numpy as np
import pytest

from gan_core.storage.store import Store
from tests.builders import evaluated_run
from tests.builders.app_pages import letters, open_page


@pytest.mark.slow
def test_the_question_whether_it_helps_is_a_job_and_a_refusal_is_a_sentence(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    at.number_input(key="utility_seeds").set_value(7)
    at.selectbox(key="utility_classifier").set_value("resnet")
    at.button(key="utility_start").click().run()
    job = Store(planted).jobs(kind="utility")[0]
    assert job.live and (job.payload["seeds"], job.payload["classifier"]) == (7, "resnet") and job.subject == evaluated_run.RUN
    assert at.button(key="utility_cancel")
    at.text_input(key="detect_folder").set_value("/no/such/folder")
    at.button(key="detect_start").click().run()
    assert "There is no folder" in letters(at)


def test_a_folder_to_score_is_a_job(planted, tmp_path):
    folder = sorted((planted.run(evaluated_run.RUN) / "evaluations").iterdir())[-1]
    np.savez(folder / "detector.npz", x=np.zeros(1))
    at = open_page("evaluate", run=evaluated_run.RUN)
    at.text_input(key="detect_folder").set_value(str(tmp_path))
    at.button(key="detect_start").click().run()
    job = Store(planted).jobs(kind="detect")[0]
    assert job.live and job.payload["folder"] == str(tmp_path)
