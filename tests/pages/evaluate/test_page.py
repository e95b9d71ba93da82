"""The Evaluate page: scores, verdicts, and what is said where a part is missing."""

import pytest

from gan_core.evaluation.vocabulary import part_name
from gan_core.storage.store import Store
from gan_core.storage.workspace import write_json
from tests.builders import evaluated_run, seeded_workspace
from tests.builders.app_pages import letters, open_page, words


def test_scores_come_with_their_floor_and_reasons(full):
    at = open_page("evaluate", run=seeded_workspace.RUNS["finished"])
    shown = words(at).replace("\\", "")
    assert {metric.value for metric in at.metric} == {"31.25", "0.0123", "–"}
    assert "3.125 times the floor" in shown and "Too few images." in shown and "Fewer than 2,048" in shown
    assert "FID" not in " ".join(metric.label for metric in at.metric)


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


def test_the_form_asks_for_what_it_shows(planted):
    at = open_page("evaluate", run=evaluated_run.RUN)
    write_json(planted.run(evaluated_run.RUN) / "checkpoints" / "ck-000001200.json", {"images_seen": 1200})
    at.number_input(key="evaluate_draws").set_value(3)
    at.selectbox(key="evaluate_extractor").set_value("referee")
    at.button(key="evaluate_start").click().run()
    job = Store(planted).jobs(kind="evaluate")[0]
    assert job.live and (job.payload["draws"], job.payload["extractor"]) == (3, "referee")
