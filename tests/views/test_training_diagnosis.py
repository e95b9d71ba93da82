"""The diagnosis in words: which rule fits which numbers."""

import numpy as np
import pytest

from gan_core.settings.families import LOSSES, TRAITS
from gan_core.views import training_diagnosis


def answers(real: float, fake: float, count: int = 20) -> dict[str, np.ndarray]:
    return {"d_real": np.full(count, real), "d_fake": np.full(count, fake), "loss_g": np.full(count, 1.0)}


@pytest.mark.parametrize(
    ("loss", "real", "fake", "key", "words"),
    [
        ("nonsaturating", 0.95, 0.03, "d_wins", "D is winning: D(x) is 0.95 and D(G(z)) is 0.03"),
        ("nonsaturating", 0.8, 0.3, "d_ahead", "D is ahead"),
        ("nonsaturating", 0.55, 0.45, "balanced", "balanced"),
        ("relativistic", 0.2, 0.6, "g_ahead", "G is ahead"),
        ("hinge", 0.73, 0.27, "balanced", "balanced"),  # where this loss leads D by itself
        ("hinge", 0.92, 0.05, "d_ahead", "D is ahead"),
        ("hinge", 0.97, 0.03, "d_wins", "D is winning"),
        ("wasserstein", 1.0, 0.0, "no_scale", "no scale"),
    ],
)
def test_the_diagnosis_says_who_leads(loss, real, fake, key, words):
    found = training_diagnosis.diagnose(answers(real, fake), loss)
    assert found.key == key and words in found.text


def test_only_the_newest_rows_count():
    some = answers(0.5, 0.5, 100)
    some["d_real"][:90], some["d_fake"][:90] = 0.99, 0.01
    assert training_diagnosis.diagnose(some, "nonsaturating").key == "balanced"


def test_a_gap_that_grew_is_told_before_d_wins():
    some = answers(0.6, 0.4, 400)
    some["d_real"][-40:], some["d_fake"][-40:] = 0.75, 0.3
    found = training_diagnosis.diagnose(some, "nonsaturating")
    assert found.key == "d_pulls_away" and "0.25 further apart" in found.text
    assert (
        training_diagnosis.diagnose({name: values[-60:] for name, values in some.items()}, "nonsaturating").key
        == "d_ahead"
    )  # young


def test_there_is_no_diagnosis_before_there_are_numbers():
    assert training_diagnosis.diagnose({}, "hinge") is None and training_diagnosis.diagnose({}, "", "vae") is None
    assert training_diagnosis.diagnose(answers(np.nan, np.nan), "hinge") is None
    some = answers(0.5, 0.5)
    some["d_real"][-1] = np.nan  # a row that lacks a number is left out
    assert training_diagnosis.diagnose(some, "hinge").key == "balanced"


@pytest.mark.parametrize(("factor", "key"), [(0.9, "falls"), (1.0, "flat"), (1.1, "rises")])
def test_a_game_without_d_is_read_by_its_error(factor, key):
    error = np.ones(100)
    error[-10:] = factor
    found = training_diagnosis.diagnose({"loss_g": error}, "", "vae")
    assert found.key == key and (key == "flat") == ("%" not in found.text)
    assert training_diagnosis.diagnose({"loss_g": error[:5]}, "", "kmeans").key == "early"


@pytest.mark.parametrize("loss", LOSSES)
def test_both_lines_within_the_band_are_read_as_balanced(loss):
    between = training_diagnosis.band(loss)
    if between is None:
        assert loss == "wasserstein" and training_diagnosis.rules(loss) == []
        return
    low, high = between
    assert training_diagnosis.diagnose(answers(high - 0.001, low + 0.001), loss).key == "balanced"
    assert training_diagnosis.diagnose(answers(high + 0.001, low - 0.001), loss).key == "d_ahead"


def test_every_reading_is_among_the_rules_that_are_shown():
    for game in {facts.game for facts in TRAITS.values()}:
        shown = [key for key, when in training_diagnosis.rules("nonsaturating", game) if when]
        assert shown == (
            ["falls", "rises", "flat"] if game in training_diagnosis.WITHOUT_D else list(training_diagnosis.RULES)
        )
