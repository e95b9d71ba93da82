"""The Export page: the plan, the preview, the export and the model bundle."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gan_core.storage import checkpoints, export_preview
from gan_core.storage.store import Store
from gan_core.storage.workspace import new_id, write_json
from tests.builders import evaluated_run, seeded_workspace
from tests.builders.app_pages import letters, open_page


def plan_table(at: AppTest):
    """The numbers of an export's plan."""
    return next(frame.value for frame in at.dataframe if "synthetic" in frame.value)


def test_export_tells_what_the_check_for_copies_said_and_can_go_without(planted):
    at = open_page("export", run=evaluated_run.RUN)
    assert any(one.value.startswith("**Copies:") for one in at.warning)
    at.segmented_control(key="export_balance").set_value("The same total for each class").run()
    at.number_input(key="export_total").set_value(50).run()
    at.button(key="export_start").click().run()
    at.checkbox(key="export_copies").check().run()
    at.button(key="export_start").click().run()
    assert [job.payload["gate"] for job in Store(planted).jobs(kind="export")] == [False, True]


@pytest.mark.slow
def test_export_fills_with_changed_copies_or_both(full):
    at = open_page("export", run=seeded_workspace.RUNS["finished"])
    at.segmented_control(key="export_balance").set_value("The same total for each class").run()
    at.button_group(key="export_ways").set_value(["gan", "classical", "composite"]).run()
    at.slider(key="export_classical").set_value(3).run()
    at.checkbox(key="export_flips").check().run()
    assert not at.exception and not at.error
    table = plan_table(at)
    drawn, copies, pasted = (
        table[name] for name in ("images from the run", "changed copies of real images", "objects on other backgrounds")
    )
    assert (drawn > 0).any() and (copies > drawn).any() and (pasted > 0).any()
    at.button(key="export_start").click().run()
    (job,) = [job for job in Store(full).jobs(kind="export") if job.live]
    assert job.payload["methods"] == {"gan": 1.0, "classical": 3.0, "composite": 1.0}
    assert job.payload["policy"] == {"flips": True, "turns": True, "light": True}


def test_a_dataset_is_exported_without_a_run(full):
    at = open_page("export", ds=seeded_workspace.DATASET)
    assert at.toggle(key="export_alone").value and not at.exception
    assert not any(button.key == "preview_start" for button in at.button)
    at.button_group(key="export_ways_alone").set_value(["classical", "composite"]).run()
    at.button(key="export_start").click().run()
    assert not at.exception and not at.error
    (job,) = [job for job in Store(full).jobs(kind="export") if job.live]
    assert job.payload["run"] is None and job.payload["dataset"] == seeded_workspace.DATASET
    assert job.payload["methods"] == {"classical": 1.0, "composite": 1.0}


@pytest.mark.slow
def test_a_preview_is_asked_for_and_an_image_that_is_ticked_stays_out_of_the_export(full):
    run, checks = seeded_workspace.RUNS["finished"], ["label", "realism", "copy", "twin"]
    at = open_page("export", run=run)
    at.button(key="preview_start").click().run()
    store = Store(full)
    (asked,) = store.jobs(kind="preview")
    assert asked.payload == {"seed": 0, "checks": checks, "at": None} and asked.lane == "heavy"
    result = {"seed": 0, "checks": checks, "gate_said": "2 of 3 images kept.", "gate": {}}
    result["images_seen"] = checkpoints.of_run(full.run(run))[0]
    job = seeded_workspace.add_job(store, "preview", run, "finished", {}, result=result)
    images, nan = np.zeros((2, 28, 28, 1), np.uint8), np.nan
    kept = (images, np.array([0, 1]), np.array([5, 9]), np.array([0.9, nan]), np.array([1.5, nan]), np.array([-1, -1]))
    refused = (images[:1], np.array([2]), np.array(["twin"]))
    write = lambda of: export_preview.write(
        export_preview.path_of(full.run(run)), export_preview.Preview(*kept, *refused, np.array(of))
    )
    write("another job")
    assert "2 of 3 images kept" not in letters(open_page("export", run=run))
    write(job)
    at = open_page("export", run=run)
    assert "2 of 3 images kept" in letters(at) and not at.exception
    warned = lambda at: [warning.value for warning in at.warning if "drawn" in warning.value]
    assert not warned(at)
    table = next(frame.value for frame in at.dataframe if "realism" in frame.value)
    assert list(table["number"]) == [5, 9] and list(table["leave out"]) == [False, False]
    edits = {"edited_rows": {1: {"leave out": True}}, "added_rows": [], "deleted_rows": []}
    at.session_state[f"preview_kept_{job}"] = edits
    at.run()
    at.button(key="export_start").click().run()
    (export,) = [job for job in store.jobs(kind="export") if job.live]
    assert export.payload["removed"] == {seeded_workspace.CLASSES[1]: [9]} and not at.exception
    at.number_input(key="export_seed").set_value(1).run()
    assert any("another seed" in info.value for info in at.info)
    bad = {**result, "gate_said": "Most images drawn are refused.", "unfit": [seeded_workspace.CLASSES[0]]}
    write(seeded_workspace.add_job(store, "preview", run, "finished", {}, result=bad))
    assert len(warned(open_page("export", run=run))) == 1


def test_a_total_that_is_typed_into_the_plan_is_what_is_exported(full):
    at = open_page("export", run=seeded_workspace.RUNS["finished"])
    edits = {"edited_rows": {2: {"total": 40}}, "added_rows": [], "deleted_rows": []}
    at.session_state[f"export_totals_{seeded_workspace.DATASET}_largest_1"] = edits
    at.run()
    at.button(key="export_start").click().run()
    (job,) = [job for job in Store(full).jobs(kind="export") if job.live]
    assert list(job.payload["balance"].values()) == [500, 500, 40]


@pytest.mark.slow
def test_the_model_is_exported_once_for_a_double_click_and_offered(full):
    run = seeded_workspace.RUNS["finished"]
    at = open_page("export", run=run)
    for _ in range(2):
        at.button(key="model_start").click().run()
    store = Store(full)
    (job,) = store.jobs(kind="export_model")
    assert job.payload == {"run": run, "at": None} and job.lane == "heavy"
    facts = {
        "kind": "export_model",
        "run": run,
        "file": "birds-generator.zip",
        "bytes": 9,
        "sha256": "cd" * 32,
        "images_seen": 640,
    }
    other = new_id("export")
    full.export(other).mkdir()
    (full.export(other) / "birds-generator.zip").write_bytes(b"a zip")
    seeded_workspace.add_job(
        store, "export_model", other, "finished", {"run": run}, result={**facts, "onnx": "They cannot."}
    )
    at = open_page("export", run=run)
    assert "Without ONNX: They cannot" in letters(at)
    assert any("Download birds-generator.zip" in element.proto.body for element in at.get("html"))


@pytest.mark.slow
def test_checks_can_be_left_out_and_a_class_that_comes_out_short_is_a_warning(full):
    at = open_page("export", run=seeded_workspace.RUNS["finished"])
    assert "Drawn images: not checked" in letters(at)  # of an export that knew no such check
    at.button_group(key="export_checks").set_value(["twin", "label"]).run()
    at.button(key="export_start").click().run()
    at.button_group(key="export_checks").set_value([]).run()
    at.button(key="export_start").click().run()
    store = Store(full)
    assert [job.payload["checks"] for job in store.jobs(kind="export") if job.live] == [[], ["label", "twin"]]
    short = {"classes": {"cat": {"drawn": 90, "kept": 2, "refused": {"label": 88}, "missing": 8}}}
    facts = {"file": "birds.zip", "bytes": 9, "sha256": "cd" * 32, "gate": short}
    told = {**facts, "gate_said": "Too few images passed the checks: cat.", "per_class": {}}
    other = new_id("export")
    full.export(other).mkdir()
    (full.export(other) / "birds.zip").write_bytes(b"a zip")
    seeded_workspace.add_job(
        store, "export", other, "finished", {"run": seeded_workspace.RUNS["finished"]}, result=told
    )
    at = open_page("export", run=seeded_workspace.RUNS["finished"])
    assert any("Too few images passed the checks" in warning.value.replace("\\", "") for warning in at.warning)


def test_export_plans_and_links(full):
    at = open_page("export", run=seeded_workspace.RUNS["finished"])
    assert "Download birds.zip" in at.get("html")[0].proto.body
    at.segmented_control(key="export_balance").set_value("The same total for each class").run()
    at.number_input(key="export_total").set_value(600).run()
    at.button(key="export_start").click().run()
    job = next(job for job in Store(full).jobs(kind="export") if job.live)
    assert job.payload["balance"] == 600 and job.payload["run"] == seeded_workspace.RUNS["finished"]


def test_an_export_without_originals_shows_all_images_as_generated(full):
    at = open_page("export", run=seeded_workspace.RUNS["finished"])
    assert list(plan_table(at)["real"]) == [500, 100, 20]
    at.checkbox(key="export_originals").uncheck().run()
    table = plan_table(at)
    assert list(table["real"]) == [0, 0, 0] and list(table["images from the run"]) == list(table["total"]) == [
        500,
        500,
        500,
    ]
    at.button(key="export_start").click().run()
    job = next(job for job in Store(full).jobs(kind="export") if job.live)
    assert job.payload["originals"] is False


def test_two_different_exports_in_quick_succession_are_two_and_two_equal_ones_are_one(full, monkeypatch):
    monkeypatch.setattr("pages.shared.double_click.SAME_CLICK_SECONDS", 600)
    at = open_page("export", run=seeded_workspace.RUNS["finished"])
    live = lambda: [job for job in Store(full).jobs(kind="export") if job.live]
    at.button(key="export_start").click().run()
    at.button(key="export_start").click().run()
    assert len(live()) == 1
    at.number_input(key="export_seed").set_value(7).run()
    at.button(key="export_start").click().run()
    assert [job.payload["seed"] for job in live()] == [7, 0]


@pytest.mark.slow
def test_an_export_is_deleted_and_comes_back(full):
    export, run = seeded_workspace.EXPORT, seeded_workspace.RUNS["finished"]
    write_json(full.export(export) / "export.json", {"file": "birds.zip", "run": run})
    at = open_page("export", run=run)
    at.button(key=f"export_delete_{export}").click().run()
    assert not full.export(export).exists() and not at.exception
    at.button(key="export_undelete").click().run()
    assert (full.export(export) / "birds.zip").is_file() and not at.exception
