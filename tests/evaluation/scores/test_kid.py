"""The kernel distance: the reference on one block, no bias, and an interval that covers."""

import numpy as np
import pytest
from torch_fidelity import metric_kid

from gan_core.errors import UserError
from gan_core.evaluation.scores.kid import kernel_distance, squared_mmd, squared_mmd_error


def draw(n: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 32)) + shift


def test_one_block_equals_the_reference():
    real, fake = draw(100, 0), draw(100, 1, shift=0.3)
    names = ("kid_kernel", "kid_kernel_poly_degree", "kid_kernel_poly_gamma", "kid_kernel_poly_coef0")
    cubic = dict(zip(names, ("poly", 3, None, 1.0), strict=True))
    reference = metric_kid.kernel_mmd(real, fake, **cubic)
    assert squared_mmd(real, fake) == pytest.approx(float(reference), rel=1e-3)


def test_two_points_on_each_side_by_hand():
    real, fake = np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]])
    within = 3.0**3 + 1.0**3  # (1*2 + 1)^3 and (0*1 + 1)^3
    between = (1 + 8 + 1 + 27) / 4
    assert squared_mmd(real, fake) == pytest.approx(within - 2 * between)


def test_sides_of_different_size_are_unbiased_too():
    values = [squared_mmd(draw(15, 2 * i), draw(40, 2 * i + 1)) for i in range(300)]
    assert np.mean(values) == pytest.approx(0, abs=3.5 * np.std(values) / np.sqrt(300))
    assert min(values) < 0


def test_the_interval_covers_0_for_equal_distributions_about_19_times_in_20():
    covered = 0
    for i in range(200):
        low, high = kernel_distance(draw(200, 2 * i), draw(200, 2 * i + 1), seed=i)["kid_ci"]
        covered += low <= 0 <= high
    assert 177 <= covered <= 199, covered


def test_a_shift_is_seen_and_more_of_it_scores_worse():
    real = draw(400, 0)
    near, far = (kernel_distance(real, draw(400, 1, shift), seed=0) for shift in (0.3, 0.8))
    assert near["kid_ci"][0] > 0
    assert far["kid"] > near["kid_ci"][1]


def test_order_of_the_images_does_not_matter_beyond_the_interval_and_the_seed_is_obeyed():
    real = np.concatenate([draw(100, 0, -2), draw(100, 1, 2)])  # sorted by class, as a folder is
    fake = np.concatenate([draw(100, 2, 2), draw(100, 3, -2)])
    result = kernel_distance(real, fake, seed=0)
    assert result["kid_ci"][0] <= 0 <= result["kid_ci"][1]
    assert result == kernel_distance(real, fake, seed=0) != kernel_distance(real, fake, seed=1)


def test_small_sets():
    assert np.isfinite(kernel_distance(draw(20, 0), draw(23, 1), seed=0)["kid_ci"]).all()
    with pytest.raises(UserError) as few:
        kernel_distance(draw(19, 0), draw(100, 1), seed=0)
    assert few.value.code == "too_few_images"


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_the_standard_error_is_the_spread_over_samples_of_fakes(shift):
    real, fakes = draw(500, 0), [draw(100, seed, shift) for seed in range(1, 201)]
    spread = np.std([squared_mmd(real, fake) for fake in fakes], ddof=1)
    assert np.mean([squared_mmd_error(real, fake) for fake in fakes]) == pytest.approx(spread, rel=0.2)
