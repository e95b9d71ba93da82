"""The gain, its intervals over draws and generators, and when synthetic images are said to help."""

import numpy as np
import pytest

from gan_core.evaluation.utility.gain import balanced_accuracy, bootstrap, compare, interval

LABELS = np.repeat([0, 1], [90, 10])


def table(*shape):
    return np.zeros((*shape, len(LABELS)), bool)


def test_balanced_accuracy_is_the_mean_recall():
    right = table(1, 1, 1)
    right[..., 90:] = True
    assert balanced_accuracy(right, LABELS, 3)[0, 0, 0] == 0.5  # the third class has no image


def test_one_draw_and_generator_has_the_t_interval_of_its_seeds():
    mean, (low, high) = interval(np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3))
    assert mean == 2 and high == pytest.approx(2 + 4.302653 / np.sqrt(3), abs=1e-5) and low == pytest.approx(4 - high)


def test_seeds_are_averaged_before_draws_and_generators_are_repetitions():
    values = np.zeros((1, 2, 100))
    values[0, 0], values[0, 1] = 0.01, 0.03
    mean, (_, high) = interval(values)
    assert mean == pytest.approx(0.02) and high - mean == pytest.approx(12.7062 * 0.01, rel=1e-4)  # two repetitions


@pytest.mark.slow
@pytest.mark.parametrize("of_draws", [0.0, 1.0, 4.0])
def test_the_interval_holds_the_truth_as_often_as_it_says(of_draws):
    rng, held = np.random.default_rng(0), 0
    for _ in range(2000):
        noise = rng.normal(size=(3, 2, 1)) + of_draws * rng.normal(size=(3, 1, 1))
        _, (low, high) = interval(noise + 0.5 * rng.normal(size=(3, 2, 3)))
        held += low < 0 < high
    assert held / 2000 > 0.925


def test_helps_needs_both_intervals_above_nought():
    base, arm = table(3, 2, 2), table(3, 2, 2)
    arm[..., 90:] = True
    found = compare(base, arm, LABELS, ["a", "b"], 0)
    assert found["gain"] == pytest.approx(0.5) and found["per_class_gain"]["b"]["gain"] == 1
    assert found["verdict"] == "helps"
    worse = compare(arm, base, LABELS, ["a", "b"], 0)
    assert worse["verdict"] == "no measurable gain" and worse["gain_ci95"][1] < 0 and "worse" in worse["sentence"]
    lucky = table(3, 2, 2)
    lucky[..., 95] = True  # one image of the rare class, whatever the draw: other test images might not have it
    found = compare(base, lucky, LABELS, ["a", "b"], 0)
    assert found["gain_ci95"][0] > 0 and found["test_bootstrap_ci95"][0] <= 0
    assert found["verdict"] == "no measurable gain"


def test_what_real_images_shown_again_do_as_well_is_not_the_synthetic_images_own():
    base, arm = table(3, 2, 2), table(3, 2, 2)
    arm[..., 90:] = True
    again = compare(base, arm, LABELS, ["a", "b"], 0, control=arm.copy())
    assert again["gain_ci95"][0] > 0 and again["own_gain"]["gain"] == 0 and again["verdict"] == "no measurable gain"
    assert "shown again" in again["sentence"]
    assert compare(base, arm, LABELS, ["a", "b"], 0, control=base)["verdict"] == "helps"


def test_a_gain_of_one_draw_alone_is_no_gain():
    base, arm = table(3, 1, 2), table(3, 1, 2)
    arm[0, ..., :40] = True
    found = compare(base, arm, LABELS, ["a", "b"], 0)
    assert found["gain"] > 0 and found["gain_ci95"][0] < 0 and found["verdict"] == "no measurable gain"


def test_the_bootstrap_is_as_wide_as_theory_says():
    rng = np.random.default_rng(0)
    difference = rng.choice([-1.0, 0.0, 1.0], 400)
    low, high = bootstrap(difference, np.zeros(400, int), 0)
    assert (high - low) / 2 == pytest.approx(1.96 * difference.std() / 20, rel=0.08)
    assert low < difference.mean() < high
