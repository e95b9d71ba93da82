"""Find what helps on the Export page: the button, the answer with its evidence, and the export that follows it or not."""

import pytest

from gan_core.evaluation.utility import found as found_file
from gan_core.evaluation.utility.protocol import Arm, Use
from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page
from tests.builders.found_search import found

DATASET, RUN = seeded_workspace.DATASET, seeded_workspace.RUNS["finished"]
COPIES = Arm(way="copies", use=Use(share=0.5))


def write(workspace, **changes):
    answer = found(seeded_workspace.CLASSES, COPIES, dataset=DATASET, run=RUN, **changes)
    found_file.write(workspace.run(RUN), answer)
    return answer


def asked(workspace, kind):
    return [job for job in Store(workspace).jobs(kind=kind) if job.live]


def test_one_button_queues_the_search_with_its_minutes_and_classifier(full):
    at = open_page("export", run=RUN)
    assert not at.toggle(key="export_alone").value
    at.number_input(key="improve_minutes").set_value(20.0)
    at.selectbox(key="improve_classifier").set_value("resnet")
    at.button(key="improve_start").click().run()
    assert not at.exception and not at.error
    (job,) = asked(full, "improve")
    assert (job.subject, job.payload["run"], job.payload["dataset"]) == (RUN, RUN, DATASET)
    assert (job.payload["minutes"], job.payload["classifier"]) == (20.0, "resnet")


def test_what_was_found_is_the_default_of_the_export_with_its_evidence(full):
    answer = write(full)
    at = open_page("export", run=RUN)
    assert answer.sentence in letters(at) and "One note." in letters(at)
    assert {metric.value for metric in at.metric} >= {"70.0 %", "74.0 %"}
    assert next(toggle for toggle in at.toggle if toggle.key.startswith("export_as_found")).value
    at.button(key="export_start").click().run()
    assert not at.exception and not at.error
    (job,) = asked(full, "export")
    assert job.payload["methods"].keys() == {"classical"} and job.payload["as_found"]
    assert set(job.payload["balance"]) == set(seeded_workspace.CLASSES)


def test_one_click_overrides_it(full):
    write(full)
    at = open_page("export", run=RUN)
    next(toggle for toggle in at.toggle if toggle.key.startswith("export_as_found")).set_value(False).run()
    at.segmented_control(key="export_balance").set_value("The same total for each class").run()
    at.number_input(key="export_total").set_value(50).run()
    at.button(key="export_start").click().run()
    (job,) = asked(full, "export")
    assert not job.payload["as_found"] and job.payload["methods"] == {"gan": 1.0} and job.payload["balance"] == 50


@pytest.mark.parametrize("state", ["interrupted", "stopped"])
def test_a_search_that_did_not_end_is_continued_as_it_was_asked_for(full, state):
    payload = {"minutes": 33.0, "classifier": "lite0", "run": RUN, "dataset": DATASET, "notes": ["An old note."]}
    seeded_workspace.add_job(Store(full), "improve", RUN, state, payload)
    at = open_page("export", run=RUN)
    at.button(key="improve_continue").click().run()
    (job,) = asked(full, "improve")
    assert {key: job.payload[key] for key in ("minutes", "classifier", "run")} == {
        key: payload[key] for key in ("minutes", "classifier", "run")
    }
    assert not job.payload["notes"]


def test_without_a_search_the_page_is_as_before(full):
    at = open_page("export", ds=DATASET)
    assert not any(toggle.key.startswith("export_as_found") for toggle in at.toggle)
    assert any(control.key == "export_balance" for control in at.segmented_control)


def test_no_synthetic_images_as_the_answer_make_a_zip_of_the_real_ones(full):
    found_file.write(full.dataset(DATASET), found(seeded_workspace.CLASSES, Arm(), dataset=DATASET, gain=0.0))
    at = open_page("export", ds=DATASET)
    at.button(key="export_start").click().run()
    assert not at.exception and not at.error
    (job,) = asked(full, "export")
    assert job.payload["balance"] == "none"
