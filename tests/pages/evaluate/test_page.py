"""The Evaluate page: scores, verdicts, missing parts, several checkpoints, downloads."""

import pytest

from gan_core.evaluation.names_and_thresholds import part_name
from gan_core.storage import checkpoints
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, write_json
from gan_core.views import evaluation_results
from tests.builders import evaluated_run, seeded_workspace
from tests.builders.app_pages import letters, open_page, words


def test_scores_come_with_their_floor_and_reasons(full):
    at = open_page("evaluate", run=seeded_workspace.RUNS["finished"])
    shown = words(at).replace("\\", "")
    assert {metric.value for metric in at.metric} == {"31.25", "0.0123", "–"}
    assert "3.125 times the floor" in shown and "Too few images." in shown and "Fewer than 2,048" in shown
    assert "FID" not in " ".join(metric.label for metric in at.metric)


def test_an_evaluation_shows_its_verdicts_in_words_and_all_its_parts(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    shown = letters(at)
    assert at.error[0].value.startswith("**Variety: alarm") and at.error[0].icon == ":material/error:"
    assert [box.value.split(":")[0] for box in at.warning[:2]] == ["**Realism", "**Copies"]
    assert at.warning[0].icon == ":material/warning:"
    for said in (
        *(
            "28.12 to 34.38",
            "Real against real: 10 (60 images",
            "120 real, 120 generated.",
        ),
        *("3.125 times the floor", "in each of 5 independent draws", "averaged weights (EMA)", "Seed 0."),
        *("kernel distance first", "D was not at hand."),
        *("**88.9 %**", "**Usefulness: helps.**", "83.0 %"),
        *("**2 of 3 images**", "trained once"),
    ):
        assert said in shown, said
    assert {metric.value for metric in at.metric} >= {"31.25", "0.71", "0.48", "0.9", "0.55", "–"}
    assert "<script>" not in words(at) and "![x]" not in words(at) and ":red[" not in words(at)
    assert len(at.get("plotly_chart")) == 7 and not at.get("image")[0].proto.imgs[0].url.startswith("http")


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["evaluation", "dataset", "looks"])
def test_an_evaluation_without_its_files_still_shows_its_scores(gone, planted):
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
        assert "missing" in letters(at)


def test_missing_parts_are_named_with_their_reasons(empty):
    parts = ("per_class", "agreement", "collapse", "memorisation", "two_sample", "floor")
    gone = dict.fromkeys(parts) | {"absent": {part: f"No {part} here." for part in parts}}
    evaluated_run.plant(empty, Store(empty), changes=gone)
    at = open_page("evaluate", run=evaluated_run.RUN)
    assert all(f"{part_name(part, {})}. No {part} here." in letters(at) for part in parts)
    assert "31.25" in {metric.value for metric in at.metric} and "**Variety: not known.** No collapse here." in letters(
        at
    )


@pytest.mark.slow
def test_the_form_asks_for_what_it_shows(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    write_json(planted.run(evaluated_run.RUN) / "checkpoints" / "ck-000001200.json", {"images_seen": 1200})
    at.number_input(key="evaluate_draws").set_value(3)
    at.selectbox(key="evaluate_extractor").set_value("referee")
    at.button(key="evaluate_start").click().run()
    job = Store(planted).jobs(kind="evaluate")[0]
    assert job.live and (job.payload["draws"], job.payload["extractor"]) == (3, "referee")


def evaluate_again(workspace: Workspace, **changes) -> None:
    """One more evaluation of the run, later than the others."""
    store = Store(workspace)
    first = store.jobs(kind="evaluate", subject=evaluated_run.RUN)[-1].result
    seeded_workspace.add_job(store, "evaluate", evaluated_run.RUN, "finished", {}, result=first | changes)


def keep_checkpoints(workspace: Workspace, *seen: int) -> None:
    for at in seen:
        write_json(workspace.run(evaluated_run.RUN) / "checkpoints" / f"ck-{at:012d}.json", {"images_seen": at})


@pytest.mark.slow
def test_scores_of_two_checkpoints_are_drawn_against_the_epoch(planted):
    before = open_page("evaluate", run=evaluated_run.RUN)
    assert "same conditions" not in letters(before)
    evaluate_again(planted, images_seen=240_000, epoch=25.0, frechet_distance=20.0)
    at = open_page("evaluate", run=evaluated_run.RUN)
    assert len(at.get("plotly_chart")) == len(before.get("plotly_chart")) + 3
    assert "2 checkpoints" in letters(at)
    assert "left out" not in letters(at)
    evaluate_again(planted, images_seen=300_000, epoch=31.0, extractor="referee")
    alone = open_page("evaluate", run=evaluated_run.RUN)
    assert len(alone.get("plotly_chart")) == len(before.get("plotly_chart"))  # the newest has no like


@pytest.mark.slow
def test_a_checkpoint_can_be_chosen_and_the_newest_is_the_default(planted):
    keep_checkpoints(planted, 2400, 3600)  # beside the seeded one at 1,200
    at = open_page("evaluate", run=evaluated_run.RUN)
    assert at.selectbox(key="evaluate_at").options == ["The newest", "2,400 images seen", "1,200 images seen"]
    at.button(key="evaluate_start").click().run()
    assert Store(planted).jobs(kind="evaluate")[0].payload["at"] is None
    at.selectbox(key="evaluate_at").set_value(1200)
    at.button(key="evaluate_start").click().run()
    assert Store(planted).jobs(kind="evaluate")[0].payload["at"] == 1200
    (planted.run(evaluated_run.RUN) / "checkpoints" / "ck-000001200.json").unlink()
    at.run()
    assert not at.exception and at.selectbox(key="evaluate_at").value is None


@pytest.mark.slow
def test_the_best_checkpoint_is_the_default_where_one_is_marked(planted):
    keep_checkpoints(planted, 2400, 3600)
    mark = {"images_seen": 2400, "kernel_distance": 1.25, "coverage": 0.9}
    write_json(planted.run(evaluated_run.RUN) / "checkpoints" / checkpoints.BEST, {"best": mark, "checks": []})
    at = open_page("evaluate", run=evaluated_run.RUN)
    best = "The best: 2,400 images seen, kernel distance 1.25"
    assert at.selectbox(key="evaluate_at").options == [best, "The newest", "1,200 images seen"]
    assert "at 2,400 images, kernel distance 1.25" in letters(at)
    at.selectbox(key="evaluate_at").set_value("newest")
    at.button(key="evaluate_start").click().run()
    assert Store(planted).jobs(kind="evaluate")[0].payload["at"] == "newest"


@pytest.mark.slow
def test_downloads_are_made_when_they_are_asked_for(planted, monkeypatch):
    monkeypatch.setattr(evaluation_results, "to_csv", lambda results: pytest.fail("made for nothing"))
    at = open_page("evaluate", run=evaluated_run.RUN)
    assert {"Download as CSV", "Download as JSON"} <= {button.proto.label for button in at.get("download_button")}
    at.run()
    assert not at.exception


def test_reasons_that_several_indicators_share_are_said_once(planted):
    absent = {"d_overfit": "D was not asked.", "d_certainty": "D was not asked.", "z_sensitivity": "No labels."}
    first = Store(planted).jobs(kind="evaluate", subject=evaluated_run.RUN)[0].result
    evaluate_again(planted, collapse=first["collapse"] | {"absent": absent})
    said = letters(open_page("evaluate", run=evaluated_run.RUN))
    assert said.count("D was not asked.") == 1 and "overfitting, certainty of the discriminator. D" in said
    assert "use of the noise. No labels." in said
