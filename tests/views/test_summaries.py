"""The summaries of the command line: every figure that counts, in lines, and no JSON."""

import pytest

from gan_core.evaluation.results import EvaluationResult
from gan_core.settings import recipes
from gan_core.views import summaries
from tests.builders import evaluated_run


@pytest.fixture
def stored(workspace, store):
    return evaluated_run.plant(workspace, store).result


def test_an_evaluation_names_every_score_with_its_value_beside_that_of_real_images(stored):
    said = summaries.evaluation(stored)
    for score in EvaluationResult.read(stored).scores:
        assert score.name in said
    assert all(name in said for name in stored["classes"]) and "real against real" in said
    assert all(caveat in said for caveat in stored["caveats"]) and "{" not in said
    assert len(said.splitlines()) < 60


def test_an_empty_or_older_result_can_be_said():
    assert "0 generated images" in summaries.evaluation({})
    assert summaries.utility({"verdict": "helps", "sentence": "It helps."}) == "It helps."


def test_a_utility_has_its_sentence_its_arms_and_its_gain():
    stored = evaluated_run.utility(["cat", "dog"])
    said = summaries.utility(stored)
    assert said.startswith(stored["sentence"]) and "+3.0 percentage points" in said
    assert all(arm["title"] in said for arm in stored["arms"].values())


def test_a_run_shows_what_differs_from_its_recipe_and_why_it_ended():
    config = recipes.RECIPES["quick"].config.model_copy(update={"batch": 24}).model_dump()
    value = {
        "kind": "run",
        "id": "r1",
        "name": "mine",
        "state": "failed",
        "dataset": "d1",
        "config": config,
        "images_seen": 1200,
    }
    said = summaries.item({**value, "error": {"code": "bug", "what": "It broke.", "todo": "Try again."}})
    assert "1,200 images" in said and "It broke. Try again." in said
    (line,) = [line for line in said.splitlines() if line.startswith("batch")]
    assert line.split() == ["batch", "24"] and "lr_G" not in said


def test_many_classes_are_cut():
    classes = [f"class {number}" for number in range(50)]
    counts = {f"{split}_counts": [5] * 50 for split in ("train", "validation", "test")}
    value = {"kind": "dataset", "id": "d1", "name": "many", "size": 32, "mode": "L", "classes": classes, "notices": []}
    said = summaries.item(value | counts)
    assert "750 images" in said and "class 39" in said and "class 40" not in said and "10 classes more" in said


def test_a_table_stands_in_columns():
    assert summaries.table(("a", "b"), [["long", 1], ["x", 200]]) == "a       b\nlong    1\nx     200"
    assert summaries.table(("a", "b"), []) == ""
