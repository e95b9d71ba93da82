"""The losses of training/losses.py without torch: value and gradient by the logits. A test compares them with torch's."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Slopes = tuple[float, np.ndarray, np.ndarray]  # value, by the logits of reals [N], by those of fakes [N]


class Loss(NamedTuple):
    title: str
    d: Callable[[np.ndarray, np.ndarray], Slopes]
    g: Callable[[np.ndarray, np.ndarray], Slopes]
    relative: bool = False  # only differences of logits count
    log_odds: bool = True  # D's answer is sigmoid(logit), else the logit itself


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))


def nothing(x: np.ndarray) -> np.ndarray:
    return np.zeros_like(x)


def classic_d(real: np.ndarray, fake: np.ndarray) -> Slopes:
    n = len(real)
    return float(softplus(-real).mean() + softplus(fake).mean()), -sigmoid(-real) / n, sigmoid(fake) / n


def relative_d(real: np.ndarray, fake: np.ndarray) -> Slopes:
    slope = sigmoid(fake - real) / len(real)
    return float(softplus(fake - real).mean()), -slope, slope


def relative_g(real: np.ndarray, fake: np.ndarray) -> Slopes:
    value, slope_fake, slope_real = relative_d(fake, real)
    return value, slope_real, slope_fake


def hinge_d(real: np.ndarray, fake: np.ndarray) -> Slopes:
    value = float(np.maximum(1 - real, 0).mean() + np.maximum(1 + fake, 0).mean())
    return value, -1.0 * (real < 1) / len(real), 1.0 * (fake > -1) / len(real)


def lift_fakes(real: np.ndarray, fake: np.ndarray) -> Slopes:
    return float(-fake.mean()), nothing(real), np.full_like(fake, -1 / len(fake))


LOSSES = {
    "nonsaturating": Loss(
        "Classic (non-saturating)",
        classic_d,
        lambda real, fake: (float(softplus(-fake).mean()), nothing(real), -sigmoid(-fake) / len(fake)),
    ),
    "minimax": Loss(
        "Minimax (the first one, fades)",
        classic_d,
        lambda real, fake: (float(-softplus(fake).mean()), nothing(real), -sigmoid(fake) / len(fake)),
    ),
    "least-squares": Loss(
        "Least squares",
        lambda real, fake: (
            float((np.square(real - 1).mean() + np.square(fake).mean()) / 2),
            (real - 1) / len(real),
            fake / len(fake),
        ),
        lambda real, fake: (float(np.square(fake - 1).mean() / 2), nothing(real), (fake - 1) / len(fake)),
        log_odds=False,
    ),
    "hinge": Loss("Hinge", hinge_d, lift_fakes),
    "wasserstein": Loss(
        "Wasserstein",
        lambda real, fake: (
            float(fake.mean() - real.mean()),
            np.full_like(real, -1 / len(real)),
            np.full_like(fake, 1 / len(fake)),
        ),
        lift_fakes,
        relative=True,
    ),
    "relativistic": Loss("Relativistic", relative_d, relative_g, relative=True),
}


def answers(loss: Loss, logits: np.ndarray, level: float) -> np.ndarray:
    """D's answers in [0, 1], 1 for real. level: the logit halfway between reals and fakes, for a loss that only compares logits."""
    if loss.relative:
        return sigmoid(logits - level)
    return sigmoid(logits) if loss.log_odds else np.clip(logits, 0, 1)
