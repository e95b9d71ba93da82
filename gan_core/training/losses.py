"""LOSSES: what D and G minimize, and what D(x) and D(G(z)) mean under each loss. Pure functions of logits [N] or [N, K]."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn.functional import relu, softplus

Pair = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # (real, fake) -> scalar


class Loss(NamedTuple):
    d: Pair
    g: Pair  # uses the logits of reals only where `relativistic`
    relativistic: bool = False  # only differences of logits count, not their level
    is_log_odds: bool = True  # sigmoid(logit) is D's probability of real; else the logit itself is, 1 for real


# Non-saturating and minimax: Goodfellow et al., arXiv:1406.2661. Hinge: arXiv:1705.02894. Least squares: arXiv:1611.04076.
# Wasserstein: arXiv:1701.07875. Relativistic pair: Jolicoeur-Martineau, arXiv:1807.00734, as in R3GAN, arXiv:2501.05441: real i
# and fake i have one label, and only the difference of their logits counts.
LOSSES: dict[str, Loss] = {
    "nonsaturating": Loss(
        d=lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
        g=lambda real, fake: softplus(-fake).mean(),
    ),
    "minimax": Loss(
        d=lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
        g=lambda real, fake: -softplus(fake).mean(),
    ),
    "hinge": Loss(
        d=lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(),
        g=lambda real, fake: -fake.mean(),
    ),
    "least-squares": Loss(
        d=lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
        g=lambda real, fake: (fake - 1).square().mean() / 2,
        is_log_odds=False,
    ),
    "wasserstein": Loss(
        d=lambda real, fake: fake.mean() - real.mean(),
        g=lambda real, fake: -fake.mean(),
        relativistic=True,
    ),
    "relativistic": Loss(
        d=lambda real, fake: softplus(fake - real).mean(),
        g=lambda real, fake: softplus(real - fake).mean(),
        relativistic=True,
    ),
}


def level(name: str) -> float | None:
    """The logit of a D that cannot tell reals from fakes; None where only differences of logits count."""
    loss = LOSSES[name]
    return None if loss.relativistic else 0.0 if loss.is_log_odds else 0.5


def blank_loss(name: str) -> float:
    """The loss of a D that cannot tell reals from fakes: 2 ln 2, ln 2, ...; 0 for Wasserstein, which has no scale."""
    answer = torch.tensor(level(name) or 0.0)
    return LOSSES[name].d(answer, answer).item()


def label_smoothing_term(
    real: torch.Tensor, fake: torch.Tensor, real_target: torch.Tensor, fake_target: torch.Tensor
) -> torch.Tensor:
    """What label smoothing and label noise add to D's cross-entropy: -t log s(l) - (1 - t) log s(-l) = softplus(-l) + (1 - t) l.

    Targets in [0, 1] have the logits' shape; (1, 0) adds nothing.
    """
    return ((1 - real_target) * real).mean() - (fake_target * fake).mean()


def probabilities(loss: Loss, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(D(x), D(G(z))): D's mean output for reals and for fakes, in [0, 1], 1 for real.

    With a relativistic loss a real is compared with the mean fake, and a fake with the mean real.
    """
    if loss.relativistic:
        return (real - fake.mean()).sigmoid().mean(), (fake - real.mean()).sigmoid().mean()
    answer = torch.sigmoid if loss.is_log_odds else lambda logits: logits.clamp(0, 1)
    return answer(real).mean(), answer(fake).mean()


def undecided(name: str, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor | float:
    """The logit of an image that D takes neither for real nor for fake: with a relativistic loss the middle of both means."""
    fixed = level(name)
    return (real.mean() + fake.mean()) / 2 if fixed is None else fixed
