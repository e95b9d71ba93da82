"""lights.py: numbers in, light out; the sentences name the numbers, and no light is green by a score that proves nothing."""

import json

import pytest

from gan_core.evaluation import lights
from gan_core.evaluation.lights import Facts
from gan_core.evaluation.result_parts import Verdict
from gan_core.evaluation.results import EvaluationResult, UtilityResult
from gan_core.export.card import evidence

GOOD = Facts(
    detector=0.55,
    detector_low=0.52,
    precision=0.97,
    density=1.0,
    recall=0.6,
    coverage=0.9,
    collapse=Verdict(verdict="ok", sentence="No sign."),
    agreement=0.9,
    classifier_accuracy=0.92,
    classes=10,
    copies=Verdict(verdict="ok", sentence="No copies."),
    useful=True,
    useful_sentence="It helps.",
)


def colors(**changes):
    return {subject: light.color for subject, light in lights.lights(GOOD._replace(**changes)).items()}


def test_good_numbers_are_green_and_nothing_measured_is_grey():
    assert set(colors().values()) == {"green"}
    assert not any(light.next_step for light in lights.lights(GOOD).values())
    nothing = lights.lights(Facts())
    assert {light.color for light in nothing.values()} == {"grey"} and all(light.sentence for light in nothing.values())


@pytest.mark.parametrize(
    ("facts", "color"),
    [
        ({}, "green"),
        ({"detector": 0.8, "detector_low": 0.78}, "yellow"),
        ({"detector": 0.8, "detector_low": 0.6}, "green"),  # by chance, of few images
        ({"detector": 0.99, "detector_low": 0.98}, "yellow"),  # precision contradicts it
        ({"detector": 0.99, "detector_low": 0.98, "precision": 0.7}, "red"),
        ({"detector": 0.99, "detector_low": 0.98, "precision": None}, "red"),
        ({"precision": 0.7}, "yellow"),
        ({"precision": 0.05}, "red"),
        ({"detector": None, "detector_low": None}, "green"),
        ({"detector": None, "detector_low": None, "precision": None}, "grey"),
        ({"density": 3.0}, "green"),
        ({"density": 3.0, "recall": 0.02}, "yellow"),
        ({"density": 3.0, "recall": 0.02, "detector": 0.99, "detector_low": 0.98}, "red"),
    ],
)
def test_realism(facts, color):
    assert colors(**facts)["realism"] == color


def test_a_generator_that_is_told_apart_in_99_percent_is_never_all_green():
    for precision in (0.5, 0.98, 1.1, None):
        for density in (0.5, 1.0, 3.0, None):
            for recall in (0.0, 0.5, 1.0, None):
                found = colors(detector=0.99, detector_low=0.985, precision=precision, density=density, recall=recall)
                assert found["realism"] in ("yellow", "red")


@pytest.mark.parametrize(
    ("facts", "color"),
    [
        ({"collapse": Verdict(verdict="amber", sentence="Less.", todo="Do.")}, "yellow"),
        ({"collapse": Verdict(verdict="red", sentence="Less.", todo="Do.")}, "red"),
        ({"recall": 0.1}, "yellow"),
        ({"recall": 0.02, "density": 3.0}, "yellow"),
        ({"coverage": 0.5}, "yellow"),
        ({"coverage": 0.2}, "red"),
        ({"coverage": 0.2, "collapse": None}, "red"),
        ({"coverage": 0.8, "collapse": None}, "green"),
        ({"coverage": None, "recall": None, "collapse": None}, "grey"),
        ({"collapse": Verdict(verdict="early", sentence="Wait.")}, "green"),
    ],
)
def test_variety(facts, color):
    assert colors(**facts)["variety"] == color


def test_the_dense_middle_is_named():
    shown = lights.lights(GOOD._replace(density=3.0, recall=0.02))
    assert "densest" in shown["realism"].sentence and "densest" in shown["variety"].sentence
    assert shown["realism"].next_step and shown["variety"].next_step


@pytest.mark.parametrize(
    ("facts", "color"),
    [
        ({"agreement": 0.80}, "yellow"),
        ({"agreement": 0.3}, "red"),
        ({"agreement": 0.3, "agreement_level": "ok"}, "green"),  # the indicator allows for chance
        ({"agreement": 0.9, "agreement_level": "red"}, "red"),  # a single class
        ({"classifier_accuracy": 0.12, "agreement": 0.12}, "grey"),  # a classifier that guesses
        ({"agreement": None}, "grey"),
    ],
)
def test_right_class(facts, color):
    assert colors(**facts)["right_class"] == color


@pytest.mark.parametrize(("verdict", "color"), [("ok", "green"), ("amber", "yellow"), ("red", "red")])
def test_copies(verdict, color):
    found = lights.lights(GOOD._replace(copies=Verdict(verdict=verdict, sentence="S.", todo="T.")))["copies"]
    assert found == (color, "S.", "" if color == "green" else "T.")
    assert colors(copies=Verdict(verdict="not checked", sentence="not checked"))["copies"] == "grey"


def test_usefulness():
    assert colors(useful=False, useful_high=0.01)["usefulness"] == "yellow"
    assert colors(useful=False, useful_high=-0.01)["usefulness"] == "red"
    assert colors(useful=False)["usefulness"] == "yellow"
    assert lights.look("usefulness", lights.lights(GOOD)["usefulness"]).word == "Helps"


def test_scores_are_read_beside_their_floor_and_reasons_are_kept():
    stored = {
        "precision": 0.05,
        "recall": 0.3,
        "coverage": 0.6,
        "density": 1.0,
        "floor": {"n": 100, "precision": 0.9, "recall": 0.9, "coverage": 0.97, "density": 1.0},
        "two_sample": {"accuracy": 0.99, "ci95": [0.98, 0.995], "n_test": 2000},
        "classes": ["a", "b"],
        "absent": {"agreement": "No labels.", "memorisation": "Too few."},
        "collapse": {"verdict": "ok", "sentence": "Fine.", "indicators": []},
    }
    shown = lights.of_evaluation(EvaluationResult.read(stored))
    assert shown["realism"].color == "red" and "99%" in shown["realism"].sentence and "6%" in shown["realism"].sentence
    assert shown["variety"].color == "green" and shown["right_class"] == ("grey", "No labels.", "")
    assert shown["copies"] == ("grey", "Too few.", "") and shown["usefulness"].color == "grey"
    useful = UtilityResult.read({"verdict": "helps", "sentence": "Yes."})
    assert lights.of_evaluation(EvaluationResult.read(stored), useful)["usefulness"] == ("green", "Yes.", "")
    assert set(lights.of_evaluation(None)) == set(lights.SUBJECTS)
    assert json.loads(json.dumps(lights.to_json(shown)))["realism"]["color"] == "red"
    assert len(lights.in_words(shown).splitlines()) == 5 and lights.from_json(lights.to_json(shown)) == shown
    rows = evidence({"lights": lights.to_json(shown)}).splitlines()
    assert [row.split(" | ")[0] for row in rows] == ["| Realism", "| Variety", "| Right class"] and "alarm" in rows[0]


def test_a_check_of_a_run_shows_variety_and_the_label():
    row = {"verdict": "red", "sentence": "Class 'a' …", "todo": "Try.", "levels": {"agreement": "amber"}}
    row["values"] = {"agreement": 0.7}
    shown = lights.of_check(row)
    assert shown["variety"] == ("red", "Class 'a' …", "Try.") and shown["right_class"].color == "yellow"
    assert shown["realism"].color == shown["copies"].color == "grey"
    early = lights.of_check(row | {"verdict": "early", "sentence": ""})
    assert early["variety"].color == early["right_class"].color == "grey" and "too short" in early["variety"].sentence
