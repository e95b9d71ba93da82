"""names_and_thresholds.py: every key has its name, its meaning and thresholds of the right order."""

import subprocess
import sys
from pathlib import Path

import pytest

from gan_core.evaluation import names_and_thresholds
from gan_core.evaluation.names_and_thresholds import INDICATORS, MEANINGS, how_near, level, part_name, score_names
from tests.builders import evaluated_run

LOW_IS_BAD = {
    "variance_ratio",
    "coverage_ratio",
    "support",
    "pairwise_ratio",
    "z_sensitivity",
    "d_loss_left",
    "d_label_use",
}


def test_amber_comes_before_red():
    for key, (_, threshold) in INDICATORS.items():
        assert (threshold.red < threshold.amber) == (key in LOW_IS_BAD), key
    assert set(names_and_thresholds.SEVERITY) < set(names_and_thresholds.LEVELS)
    assert level("red").word != level("anything else").word == names_and_thresholds.UNKNOWN.word


@pytest.mark.parametrize("extractor", ["inception-v3", "efficientnet-lite0", "referee"])
def test_every_score_has_a_name_and_a_meaning(extractor):
    named = score_names(extractor, names_and_thresholds.EXTRACTOR_TITLES[extractor], own_weights=False)
    assert set(names_and_thresholds.score_keys(extractor)) < set(named) <= set(MEANINGS)
    assert ("FID" in named.get("fid", "")) == (extractor == "inception-v3")


def test_every_score_of_a_result_has_a_meaning():
    assert {"fid", "inception_score", *evaluated_run.SCORES} == set(MEANINGS)


def test_parts_that_are_absent_have_names():
    labels = {"kid": "KID"}
    assert part_name("kid", labels) == "KID" and part_name("modes", {}) == names_and_thresholds.PARTS["modes"]
    assert "half" in part_name("floor.kid", labels) and "held-out" in part_name("floor.held_out.kid", labels)
    assert part_name("what nobody knows", {}) == "what nobody knows"


@pytest.mark.parametrize(
    ("distance", "usual", "copy", "said"),
    [
        (0.1, 1.0, True, "near copy"),
        (0.5, 1.0, False, "Closer"),
        (1.0, 1.0, False, "About as far"),
        (2.0, 1.0, False, "Further"),
        (1.0, 0.0, False, "not known"),
    ],
)
def test_a_distance_in_words(distance, usual, copy, said):
    assert said in how_near(distance, usual, copy)


def test_names_and_results_bring_no_torch():
    code = (
        "import sys, gan_core.evaluation.results, gan_core.evaluation.names_and_thresholds; "
        "print(sorted({'torch', 'streamlit', 'scipy', 'sklearn', 'numpy'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
