"""Every page, in an empty workspace and in one that holds every state; no worker is ever started."""

import ast
import json
import subprocess
import sys
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gan_core.evaluation.vocabulary import part_name
from gan_core.jobs import queue
from gan_core.settings import recipes
from gan_core.settings.schema import TrainConfig
from gan_core.storage import export_preview, run_folder
from gan_core.storage.store import Run, Store
from gan_core.storage.workspace import Workspace, new_id, write_json
from pages.evaluate import per_class
from pages.shared.select_run import unique_labels
from tests.builders import evaluated_run, seeded_workspace
from tests.builders.app_pages import ROOT, letters, open_page, words

PAGES = ("home", "dataset", "train", "live", "samples", "evaluate", "export", "runs", "learn", "system")


def plan_table(at: AppTest):
    """The numbers of an export's plan."""
    return next(frame.value for frame in at.dataframe if "synthetic" in frame.value)


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_workspace_gets_a_sentence_and_a_next_step(page, empty):
    at = open_page(page)
    assert at.title and not at.error
    if page not in ("home", "learn"):  # which need none of it
        assert at.info and at.info[0].value.endswith(".")


@pytest.mark.parametrize(
    ("page", "state"),
    [
        *((page, "finished") for page in PAGES),
        *(("live", state) for state in seeded_workspace.RUNS),
        *((page, "queued") for page in ("samples", "evaluate", "export")),
    ],
)
def test_every_page_opens_for_a_run_in_every_state(page, state, full):
    at = open_page(page, run=seeded_workspace.RUNS[state])
    shown = words(at)
    assert "<script>" not in shown and "![x]" not in shown and ":red[" not in shown


@pytest.mark.parametrize("page", ["dataset", "train", "live"])
def test_a_strange_address_is_not_an_error_of_the_page(page, full):
    open_page(page, run="../../etc/passwd", ds="d0", job="j" + "9" * 16)


@pytest.mark.parametrize(
    ("state", "keys"),
    [
        ("running", {"live_pause", "live_stop"}),
        ("queued", {"live_stop"}),
        ("failed", {"live_resume"}),
        ("interrupted", {"live_resume"}),
        ("stopped", {"live_resume"}),
        ("finished", set()),
    ],
)
def test_live_offers_the_buttons_of_the_state(state, keys, full):
    at = open_page("live", run=seeded_workspace.RUNS[state])
    assert {button.key for button in at.button if button.key.startswith("live_")} == keys


def test_pause_stop_and_a_late_click(full):
    store = Store(full)
    at = open_page("live", run=seeded_workspace.RUNS["running"])
    at.button(key="live_pause").click().run()
    job = store.latest_job("train", seeded_workspace.RUNS["running"])
    assert job.control == "pause" and "Paused" in words(at)
    at.button(key="live_continue").click().run()
    assert store.job(job.id).control == "run"
    queue.finish(store, store.job(job.id), "finished", result={})  # it ends while the page still shows Stop
    at.button(key="live_stop").click().run()
    assert not at.exception and "not training" in at.toast[0].value.replace("\\", "")


def test_a_paused_run_promises_no_time_and_the_next_one_names_it(full):
    at = open_page("live", run=seeded_workspace.RUNS["running"])
    at.button(key="live_pause").click().run()
    shown = {metric.label: metric.value for metric in at.metric}
    assert shown["Images a second"] == shown["Time left"] == "–" and "left" not in at.sidebar.caption[0].value
    at = open_page("live", run=seeded_workspace.RUNS["queued"])
    assert "Waiting behind Birds, running, which is paused: continue or stop it." in words(at).replace("\\", "")


def test_a_run_cancelled_before_it_started_offers_only_to_resume(full):
    at = open_page("live", run=seeded_workspace.RUNS["queued"])
    at.button(key="live_stop").click().run()
    shown = words(at)
    assert "Cancelled before it started." in shown and "kept" not in shown
    assert {button.key for button in at.button if button.key.startswith("live_")} == {"live_resume"}
    assert "cancelled before it started" in words(open_page("samples", run=seeded_workspace.RUNS["queued"]))


def test_home_opens_the_newest_run_only_where_there_is_one(empty):
    assert "There is no run yet" in words(open_page("home"))
    seeded_workspace.seed(empty.root)
    assert "There is no run yet" not in words(open_page("home"))


def test_resume_queues_the_run_again(full, started):
    at = open_page("live", run=seeded_workspace.RUNS["interrupted"])
    at.button(key="live_resume").click().run()
    assert Store(full).latest_job("train", seeded_workspace.RUNS["interrupted"]).state == "queued" and started


def test_the_demo_button_queues_one_run_even_when_clicked_twice(empty, started, monkeypatch):
    monkeypatch.setattr("pages.shared.context.SAME_CLICK_SECONDS", 600)
    at = open_page("home")
    at.button(key="run_demo").click().run()
    assert started and len(Store(empty).runs()) == 1
    assert at.query_params["run"] == Store(empty).runs()[0].id and at.title[0].value == "Live"
    at.switch_page("home/page.py").run()
    at.button(key="run_demo").click().run()
    assert len(Store(empty).runs()) == 1


def test_a_refused_setting_is_told_at_its_field_and_start_is_off(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    assert not at.button(key="train_start").disabled
    at.number_input(key="setting_batch").set_value(1024).run()
    assert any("1024 is larger than the 620" in error.value.replace("\\", "") for error in at.error)
    assert at.button(key="train_start").disabled


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("batch", 100_000.0, "Batch size must be at most 1024, not 100000."),
        ("batch", 1.5, "Batch size must be a whole number, not 1.5."),
        ("batch", None, "Batch size must be a whole number."),
        ("epochs", -5.0, "Epochs must be above 0, not -5."),
        ("epochs", None, "Epochs must be a number."),
        ("lr_D", 3.0, "Learning rate of D must be at most 0.1, not 3."),
    ],
)
def test_a_number_out_of_bounds_is_refused_and_not_replaced(setting, value, said, full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    at.number_input(key=f"setting_{setting}").set_value(value).run()
    told = [error.value.replace("\\", "") for error in at.error]
    assert said in told and at.number_input(key=f"setting_{setting}").value == value
    assert f"Start is off: see {said.split(' must')[0]}." in told
    assert at.button(key="train_start").disabled


def test_a_click_that_brings_a_refused_change_starts_nothing(full):
    at, runs = open_page("train", ds=seeded_workspace.DATASET), len(Store(full).runs())
    at.number_input(key="setting_batch").set_value(None)
    at.button(key="train_start").click().run()
    assert not at.exception and at.title[0].value == "Train" and len(Store(full).runs()) == runs


def test_no_limit_is_a_value(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    assert at.number_input(key="setting_minutes").value is None and not at.error
    at.number_input(key="setting_batch").set_value(32.0).run()
    at.button(key="train_start").click().run()
    assert Store(full).runs()[0].config["batch"] == 32 and Store(full).runs()[0].config["minutes"] is None


def test_train_comes_back_to_its_dataset(full):
    Store(full).add_dataset("d" + "2" * 16, "Newer", time.time() + 60)
    at = open_page("train", ds=seeded_workspace.DATASET, run=seeded_workspace.RUNS["finished"])
    assert "run" not in at.query_params
    at.button(key="train_start").click().run()
    assert at.title[0].value == "Live"
    at.query_params.clear()
    at.switch_page("train/page.py").run()
    assert at.selectbox(key="train_dataset").value == seeded_workspace.DATASET


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


def test_train_starts_what_the_form_says(full, started):
    at = open_page("train", ds=seeded_workspace.DATASET)
    at.number_input(key="setting_epochs").set_value(3.0)
    at.number_input(key="setting_lr_D").set_value(1e-4)
    at.run()
    assert "Learning rate of D: 0.0005 → 0.0001" in words(at).replace("\\", "").replace("\u2060", "")
    at.button(key="train_start").click().run()
    newest = Store(full).runs()[0]
    assert newest.config["epochs"] == 3.0 and newest.config["lr_D"] == 1e-4 and at.title[0].value == "Live"
    assert at.query_params["run"] == newest.id


def test_the_estimate_follows_epochs_without_a_new_probe(full):
    store = Store(full)
    at = open_page("train", ds=seeded_workspace.DATASET)
    probe = store.jobs(kind="probe")[0]
    with store.transaction() as db:
        db.execute(
            "UPDATE jobs SET state = 'finished', result = ? WHERE id = ?",
            (
                json.dumps(
                    {"images_per_second": 100.0, "memory_bytes": 10**9, "checkpoint_bytes": 10**7, "device": "cpu"}
                ),
                probe.id,
            ),
        )
    at.run()
    assert "about 3 min" in words(at)  # 30 epochs of 620 images at 100 a second
    at.number_input(key="setting_epochs").set_value(300.0).run()
    assert "about 31 min" in words(at) and len(store.jobs(kind="probe")) == 1


def test_recipes_of_other_sizes_are_named_and_cannot_be_chosen(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    at.segmented_control(key="recipe_group").set_value("Student projects").run()
    fashion = recipes.RECIPES["fashion-dcgan-28"]
    assert f"{fashion.title}: draws 28 px, and this dataset is 32 px." in letters(at)
    assert not [button for button in at.button if button.key == "recipe_fashion-dcgan-28"]


@pytest.mark.parametrize("group", [title for title, group in recipes.GROUPS.items() if group])
def test_every_recipe_that_fits_can_be_chosen_in_its_group(group, full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    at.segmented_control(key="recipe_group").set_value(group).run()
    for name, recipe in recipes.GROUPS[group].items():
        buttons = [button for button in at.button if button.key == f"recipe_{name}"]
        if 32 in recipe.sizes and name != "quick":
            buttons[0].click().run()
            assert not at.exception and at.session_state["recipe"] == name
            assert not at.button(key="train_start").disabled, (name, letters(at))
            assert at.segmented_control(key="recipe_group").value == group
            assert f"From the recipe {recipe.title}." in letters(at)


def test_the_form_has_every_setting_and_greys_out_what_has_no_effect(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    shown = {w.key for kind in ("number_input", "selectbox", "toggle") for w in at.get(kind)}
    assert {f"setting_{name}" for name in TrainConfig.model_fields if name != "recipe"} <= shown
    assert not at.number_input(key="setting_gamma").disabled
    at.selectbox(key="setting_penalty").set_value("none").run()
    gamma = at.number_input(key="setting_gamma")
    assert (
        gamma.disabled and "There is no penalty" in gamma.help and gamma.value == recipes.RECIPES["quick"].config.gamma
    )
    assert not at.button(key="train_start").disabled


def test_a_run_to_start_from_is_offered_where_it_fits_and_is_kept_with_its_refusal_where_not(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    start = lambda: at.selectbox(key="setting_start_from")
    assert len(start().options) == 1  # the seeded runs are 64 wide, the recipe is not
    at.number_input(key="setting_width").set_value(64.0).run()
    at.toggle(key="setting_guide").set_value(False).run()
    assert len(start().options) == 6 and at.number_input(key="setting_freeze_d").disabled  # one run has no checkpoint
    start().set_value(seeded_workspace.RUNS["finished"]).run()
    at.number_input(key="setting_freeze_d").set_value(2.0).run()
    assert not at.button(key="train_start").disabled
    at.number_input(key="setting_width").set_value(32.0).run()
    assert at.button(key="train_start").disabled and "network width 64 instead of 32" in letters(at)
    at.number_input(key="setting_width").set_value(64.0).run()
    at.button(key="train_start").click().run()
    config = Store(full).runs()[0].config
    assert (config["start_from"], config["freeze_d"]) == (seeded_workspace.RUNS["finished"], 2)


def test_the_suggestion_says_why_and_fills_the_form(full, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    at = open_page("train", ds=seeded_workspace.DATASET)
    shown = letters(at)
    assert "Quick: there is no GPU here" in shown and "the largest has 25 times as many images" in shown
    at.number_input(key="suggest_minutes").set_value(7.0).run()
    assert at.number_input(key="setting_minutes").value is None  # nothing is filled in unasked
    at.button(key="suggest_use").click().run()
    assert at.number_input(key="setting_minutes").value == 7 and at.number_input(key="setting_label_full").value == 0.5
    assert not at.button(key="train_start").disabled
    at.button(key="train_start").click().run()
    config = Store(full).runs()[0].config
    assert (config["minutes"], config["label_start"], config["augment"]) == (7, 0.25, "translation")


def test_the_suggestion_believes_the_last_measured_steps(full):
    store = Store(full)
    probe = {"images_per_second": 9e3, "device": "cuda: Some GPU"}
    seeded_workspace.add_job(store, "probe", seeded_workspace.DATASET, "finished", {}, result=probe)
    assert "no GPU" not in letters(open_page("train", ds=seeded_workspace.DATASET))


def test_variants_of_real_images_are_made_once_and_shown(full, started):
    at = open_page("samples", run=seeded_workspace.RUNS["finished"])
    at.selectbox(key=f"fuse_class_{seeded_workspace.RUNS['finished']}").set_value(1)
    at.button(key="fuse_start").click().run()
    store = Store(full)
    job = store.latest_job("fuse", seeded_workspace.RUNS["finished"])
    assert started and job.payload == {"class": seeded_workspace.CLASSES[1], "strength": 0.3, "seed": 0}
    assert at.button(key="fuse_cancel")
    folder = full.run(seeded_workspace.RUNS["finished"]) / "fusions"
    folder.mkdir()
    seeded_workspace.picture(folder / f"{job.id}.png", 64, 1)
    result = {"class": seeded_workspace.HOSTILE, "strength": 0.3, "error": 0.061, "error_at_random": 0.214}
    with store.transaction() as db:
        db.execute("UPDATE jobs SET state = 'finished', result = ? WHERE id = ?", (json.dumps(result), job.id))
    at = open_page("samples", run=seeded_workspace.RUNS["finished"])
    assert "off by 6.1% of the brightness range" in letters(at) and "<script>" not in words(at)
    (folder / f"{job.id}.png").unlink()
    assert "not kept any more" in letters(open_page("samples", run=seeded_workspace.RUNS["finished"]))


def test_import_shows_its_job_and_then_the_dataset(full):
    at = open_page("dataset")
    at.button(key="import_start").click().run()
    job = Store(full).jobs(kind="import")[0]
    assert at.query_params["job"] == job.id and at.button(key="import_cancel")
    at.button(key="import_cancel").click().run()
    assert Store(full).job(job.id).state == "stopped"


def test_after_a_failed_import_the_form_is_open_and_the_datasets_are_there(full):
    at = open_page("dataset")
    at.button(key="import_start").click().run()
    store = Store(full)
    error = json.dumps({"code": "x", "what": "It broke.", "todo": "Mend it."})
    with store.transaction() as db:
        db.execute("UPDATE jobs SET state = 'failed', error = ? WHERE kind = 'import'", (error,))
    at.run()
    assert "It broke" in words(at) and at.expander[0].proto.expanded
    assert at.selectbox(key="dataset_choice").value == seeded_workspace.DATASET


def test_sizes_that_no_recipe_draws_say_so(full, monkeypatch):
    monkeypatch.setattr(recipes, "RECIPES", {"quick": recipes.RECIPES["quick"]})
    sizes = open_page("dataset").selectbox(key="import_size").options
    assert sizes[:2] == ["28 × 28 px", "32 × 32 px"] and sizes[-1] == "256 × 256 px (no recipe draws it yet)"


def test_scores_come_with_their_floor_and_reasons(full):
    at = open_page("evaluate", run=seeded_workspace.RUNS["finished"])
    shown = words(at).replace("\\", "")
    assert {metric.value for metric in at.metric} == {"31.25", "0.0123", "–"}
    assert "3.125 times the floor" in shown and "Too few images." in shown and "Fewer than 2,048" in shown
    assert "FID" not in " ".join(metric.label for metric in at.metric)


@pytest.fixture
def planted(empty) -> Workspace:
    """One run that was measured, with all that this leaves."""
    evaluated_run.plant(empty, Store(empty))
    return empty


def test_a_measurement_shows_its_verdicts_in_words_and_all_it_found(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    shown = letters(at)
    assert at.error[0].value.startswith("**Variety: alarm.**") and at.warning[0].value.startswith(
        "**Copies: look closer.**"
    )
    assert at.error[0].icon == ":material/error:" and at.warning[0].icon == ":material/warning:"
    for said in (
        *(
            "95 % interval 28.12 to 34.38",
            "Real against real: 10 (60 images a side), held-out 10",
            "120 real, 120 generated.",
        ),
        *("3.125 times the floor", "in each of 5 independent draws", "averaged weights (EMA)", "Seed 0."),
        *("read the kernel distance first", "missing variety", "discriminator overfitting. D was not at hand."),
        *("**88.9 %** of the generated images", "**Helps.** Synthetic images add 3.0 points", "50 % is guessing"),
        *("**2 of 3 images** in pictures look generated", "The GAN was trained once."),
    ):
        assert said in shown, said
    assert {metric.value for metric in at.metric} >= {"31.25", "0.71", "0.48", "0.9", "0.55", "–"}
    assert "<script>" not in words(at) and "![x]" not in words(at) and ":red[" not in words(at)
    assert len(at.get("plotly_chart")) == 7 and not at.get("image")[0].proto.imgs[0].url.startswith("http")


def test_a_class_opens_its_images_beside_real_ones_and_its_closest_pairs(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    before = len(at.get("image"))
    table = next(one for one in at.dataframe if "coverage" in one.value.columns)
    assert list(table.value["class"]) == [evaluated_run.CLASSES[2], evaluated_run.CLASSES[1], evaluated_run.CLASSES[0]]
    at.selectbox(key="class_choice").set_value("cat").run()
    assert not at.exception and len(at.get("image")) == before + 3
    assert {"Generated as cat", "Real cat", "Closest to a training image"} <= {one.value for one in at.subheader}
    assert "takes 35 of 40 images for this class" in letters(at) and "Fewer than 50 images." in letters(at)


def test_a_selected_row_and_a_clicked_cell_are_the_choice_in_the_boxes(monkeypatch):
    state = {"class_table": {"selection": {"rows": [1]}}, "confusion": {"selection": {"points": [{"x": 2, "y": 0}]}}}
    monkeypatch.setattr(per_class.st, "session_state", state)
    per_class.take_row(["b", "a"], "class_table")
    per_class.take_cell(3)
    assert (state[per_class.CHOSEN], state[per_class.ASKED], state[per_class.TAKEN]) == ("a", 0, 2)
    state["class_table"]["selection"]["rows"], state["confusion"]["selection"]["points"] = [], [{"x": 9, "y": 0}]
    per_class.take_row(["b", "a"], "class_table")
    per_class.take_cell(3)
    assert (state[per_class.CHOSEN], state[per_class.ASKED], state[per_class.TAKEN]) == (None, 0, 2)


def test_a_confusion_cell_opens_its_images(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    before = len(at.get("image"))
    at.selectbox(key="cell_asked").set_value(0)
    at.selectbox(key="cell_taken").set_value(1).run()
    assert "**cat** taken for **owl & <b>kiwi</b>**: 5 images." in letters(at) and len(at.get("image")) == before + 1
    at.selectbox(key="cell_taken").set_value(2).run()
    assert ": 0 images." in letters(at) and len(at.get("image")) == before


@pytest.mark.parametrize("gone", ["evaluation", "dataset", "looks"])
def test_a_measurement_whose_files_are_gone_still_shows_its_scores(gone, planted):
    run = planted.run(evaluated_run.RUN)
    if gone == "evaluation":
        for path in sorted((run / "evaluations").glob("*/images.npy")):
            path.write_bytes(b"torn")
    elif gone == "dataset":
        (planted.dataset(evaluated_run.DATASET) / "train_images.npy").unlink()
    else:
        (run / "collapse.jsonl").unlink()
    at = open_page("evaluate", run=evaluated_run.RUN)
    at.selectbox(key="class_choice").set_value("cat").run()
    assert not at.exception and "31.25" in {metric.value for metric in at.metric}
    if gone == "evaluation":
        assert "were not kept" in letters(at)
    if gone == "dataset":
        assert "not there any more" in letters(at)


def test_parts_that_are_absent_are_told_with_their_reasons(empty):
    parts = ("per_class", "agreement", "collapse", "memorisation", "two_sample", "floor")
    gone = dict.fromkeys(parts) | {"absent": {part: f"No {part} here." for part in parts}}
    evaluated_run.plant(empty, Store(empty), changes=gone)
    at = open_page("evaluate", run=evaluated_run.RUN)
    assert all(f"Not given: {part_name(part, {})}. No {part} here." in letters(at) for part in parts)
    assert "31.25" in {metric.value for metric in at.metric} and "**Variety" not in letters(at)


def test_one_class_has_no_confusion(empty):
    evaluated_run.plant(empty, Store(empty), classes=["all"])
    at = open_page("evaluate", run=evaluated_run.RUN)
    assert "Asked for, and taken for" not in letters(at) and "Per class" in letters(at)


def test_the_form_asks_for_what_it_shows(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    write_json(planted.run(evaluated_run.RUN) / "checkpoints" / "ck-000001200.json", {"images_seen": 1200})
    at.number_input(key="evaluate_draws").set_value(3)
    at.selectbox(key="evaluate_extractor").set_value("referee")
    at.button(key="evaluate_start").click().run()
    job = Store(planted).jobs(kind="evaluate")[0]
    assert job.live and (job.payload["draws"], job.payload["extractor"]) == (3, "referee")


def test_the_question_whether_it_helps_is_a_job_and_a_refusal_is_a_sentence(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    at.number_input(key="utility_seeds").set_value(7)
    at.number_input(key="utility_shots").set_value(12)
    at.button(key="utility_start").click().run()
    job = Store(planted).jobs(kind="utility")[0]
    assert job.live and (job.payload["seeds"], job.payload["shots"]) == (7, 12) and job.subject == evaluated_run.RUN
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


def test_runs_are_comparable_only_when_measured_alike(planted):
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
    assert list(table["variety"]) == ["Alarm", "No alarm", "Alarm"] and list(table["images"]) == [120, 120, 50]


def test_an_unmeasured_run_says_so_in_a_comparison(full):
    evaluated_run.plant(full, Store(full))
    at = open_page("evaluate", run=evaluated_run.RUN)
    at.multiselect(key="compare_runs").set_value(
        [seeded_workspace.RUNS["failed"], seeded_workspace.RUNS["finished"]]
    ).run()
    assert "Birds, failed has not been measured yet." in letters(at) and "the dataset" in at.warning[-1].value


def test_live_tells_of_variety_from_the_newest_look(planted):
    shown = letters(open_page("live", run=evaluated_run.RUN))
    assert "**Variety: alarm.**" in shown and "since epoch 9" in shown and "coverage ratio 0.66" in shown


def test_live_has_every_sign_and_a_score_against_the_epoch(planted):
    path = planted.run(evaluated_run.RUN) / "collapse.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["values"] |= {"kernel_distance": 1 / row["epoch"], "d_overfit": 0.4}
        row["levels"] = {"d_overfit": "amber"}
        row["modes"] = {"sentence": "64 of 64 known kinds appear in 256 images."}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    at = open_page("live", run=evaluated_run.RUN)
    assert "Known kinds: 64 of 64 known kinds" in letters(at) and not any("sign" in one.value for one in at.dataframe)
    at.session_state["live_signs"] = True
    at.run()
    (table,) = (one.value for one in at.dataframe if "sign" in one.value)
    assert ("Discriminator overfitting", "Look closer", 0.4) in table.itertuples(index=False, name=None)
    assert any("live_distance" in chart.proto.id for chart in at.get("bidi_component"))


@pytest.mark.parametrize(
    ("lines", "said"), [(2, "**Variety: too early to say.**"), (4, "**Variety: no alarm.**"), (0, None)]
)
def test_live_says_too_early_and_nothing_without_looks(lines, said, planted):
    path = planted.run(evaluated_run.RUN) / "collapse.jsonl"
    path.write_text("".join(path.read_text().splitlines(True)[:lines]))
    shown = letters(open_page("live", run=evaluated_run.RUN))
    assert (said in shown) if said else "Variety" not in shown


def test_export_tells_what_the_check_for_copies_said_and_can_go_without(planted):
    at = open_page("export", run=evaluated_run.RUN)
    assert at.warning[0].value.startswith("**Copies: look closer.**")
    at.segmented_control(key="export_balance").set_value("The same total for each class").run()
    at.number_input(key="export_total").set_value(50).run()
    at.button(key="export_start").click().run()
    at.checkbox(key="export_no_gate").check().run()
    at.button(key="export_start").click().run()
    assert [job.payload["gate"] for job in Store(planted).jobs(kind="export")] == [False, True]


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


def test_a_preview_is_asked_for_and_an_image_that_is_ticked_stays_out_of_the_export(full):
    run, checks = seeded_workspace.RUNS["finished"], ["label", "realism", "copy", "twin"]
    at = open_page("export", run=run)
    at.button(key="preview_start").click().run()
    store = Store(full)
    (asked,) = store.jobs(kind="preview")
    assert asked.payload == {"seed": 0, "checks": checks} and asked.lane == "heavy"
    told = {"seed": 0, "checks": checks, "gate_said": "2 of 3 images kept.", "gate": {}}
    told["images_seen"] = run_folder.checkpoints(full.run(run))[0]
    job = seeded_workspace.add_job(store, "preview", run, "finished", {}, result=told)
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
    assert any("of another seed" in info.value for info in at.info)
    bad = {**told, "gate_said": "Most of what is drawn is refused.", "unfit": [seeded_workspace.CLASSES[0]]}
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


def test_the_generator_is_packed_once_for_a_double_click_and_offered(full):
    run = seeded_workspace.RUNS["finished"]
    at = open_page("export", run=run)
    for _ in range(2):
        at.button(key="share_start").click().run()
    store = Store(full)
    (job,) = store.jobs(kind="share")
    assert job.payload == {"run": run} and job.lane == "heavy"
    facts = {
        "kind": "share",
        "run": run,
        "file": "birds-generator.zip",
        "bytes": 9,
        "sha256": "cd" * 32,
        "images_seen": 640,
    }
    other = new_id("export")
    full.export(other).mkdir()
    (full.export(other) / "birds-generator.zip").write_bytes(b"a zip")
    seeded_workspace.add_job(store, "share", other, "finished", {"run": run}, result={**facts, "onnx": "They cannot."})
    at = open_page("export", run=run)
    assert "Without ONNX: They cannot" in letters(at)
    assert any("Download birds-generator.zip" in element.proto.body for element in at.get("html"))


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
    told = {**facts, "gate_said": "Not enough good ones: cat.", "per_class": {}}
    other = new_id("export")
    full.export(other).mkdir()
    (full.export(other) / "birds.zip").write_bytes(b"a zip")
    seeded_workspace.add_job(
        store, "export", other, "finished", {"run": seeded_workspace.RUNS["finished"]}, result=told
    )
    at = open_page("export", run=seeded_workspace.RUNS["finished"])
    assert any("Not enough good ones" in warning.value.replace("\\", "") for warning in at.warning)


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
    monkeypatch.setattr("pages.shared.context.SAME_CLICK_SECONDS", 600)
    at = open_page("export", run=seeded_workspace.RUNS["finished"])
    live = lambda: [job for job in Store(full).jobs(kind="export") if job.live]
    at.button(key="export_start").click().run()
    at.button(key="export_start").click().run()
    assert len(live()) == 1
    at.number_input(key="export_seed").set_value(7).run()
    at.button(key="export_start").click().run()
    assert [job.payload["seed"] for job in live()] == [7, 0]


def test_no_page_brings_torch_into_the_server(tmp_path):
    seeded_workspace.seed(tmp_path)
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
from gan_core import jobs
jobs.ensure_workers = lambda store, workspace: None
import app
at = AppTest.from_file("pages/router.py", default_timeout=30).run()
for page in {PAGES[1:]}:
    at.query_params["run"] = "{seeded_workspace.RUNS["finished"]}"
    at.switch_page(page + ".py").run()
    assert not at.exception, at.exception
print(sorted(set(sys.modules) & {{"torch", "torchvision", "sklearn", "scipy"}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GANVAS_WORKSPACE": str(tmp_path)},
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_imports_point_down_and_unsafe_sinks_stay_unused():
    banned = {
        "torch",
        "torchvision",
        "gan_core.models",
        "gan_core.training",
        "gan_core.evaluation",
        "gan_core.jobs.handlers",
    }
    pages = {f"pages.{name}" for name in (*PAGES, "learn", "router")}
    for file in sorted((ROOT / "pages").rglob("*.py")):
        source = file.read_text()
        assert "unsafe_allow" not in source and "components.v1" not in source, file
        for node in ast.walk(ast.parse(source)):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            for name in names:
                assert not any(name == bad or name.startswith(f"{bad}.") for bad in banned | pages), (file, name)
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func).endswith(".html")
                and "escape" not in ast.unparse(node)
            ):
                body = ast.unparse(node.args[0]) if node.args else ""
                assert body.startswith("urls.download_link("), (file, body)


def test_runfolder_drops_a_torn_line_and_goes_on_where_it_was(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"a": 1}\n{"a": NaN}\n{"a": 3')
    rows, offset = run_folder.read_lines(path)
    assert rows == [{"a": 1}, {"a": None}]
    with open(path, "a") as file:
        file.write("}\n")
    assert run_folder.read_lines(path, offset) == ([{"a": 3}], path.stat().st_size)
    path.write_text('{"a": 9}\n')  # cut by a resume
    assert run_folder.read_lines(path, offset)[0] == [{"a": 9}]
    assert run_folder.read_lines(tmp_path / "absent") == ([], 0)


def test_samples_need_their_file_and_count_once(tmp_path):
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "a.png").write_bytes(b"")
    rows = [{"images_seen": 2, "epoch": 1.0, "file": "a.png"}] * 2 + [
        {"images_seen": 1, "epoch": 0.5, "file": "gone.png"}
    ]
    (tmp_path / "samples" / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run_folder.read_samples(tmp_path) == rows[:1]


def test_a_run_without_any_job_can_still_be_opened(empty):
    run = new_id("run")
    empty.run(run).mkdir()
    write_json(empty.run(run) / "config.json", {})
    Store(empty).add_run(run, "Repaired", "d" + "0" * 16, {"conditional": True})
    assert "Resume it" in words(open_page("live", run=run))
