"""LOSSES as data: what D and G minimise, and what D(x) and D(G(z)) mean under it. Pure functions of logits [N]."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn.functional import softplus


class Loss(NamedTuple):
    d: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # (real, fake) -> scalar
    g: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # (real, fake) -> scalar; real is empty unless relativistic
    relativistic: bool  # G's loss needs the logits of reals too


# Non-saturating GAN (Goodfellow et al., arXiv:1406.2661). Relativistic pair (Jolicoeur-Martineau, arXiv:1807.00734, as in
# R3GAN, arXiv:2501.05441): real i and fake i share a label, and only their difference counts.
LOSSES: dict[str, Loss] = {
    "nonsaturating": Loss(
        d=lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
        g=lambda real, fake: softplus(-fake).mean(),
        relativistic=False,
    ),
    "relativistic": Loss(
        d=lambda real, fake: softplus(fake - real).mean(),
        g=lambda real, fake: softplus(real - fake).mean(),
        relativistic=True,
    ),
}


def probabilities(loss: Loss, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(D(x), D(G(z))): mean probability, in [0, 1], that D gives a real and a fake of being real.

    A relativistic D has no level of its own, only differences: there a real counts against the mean fake, and the other way.
    """
    if loss.relativistic:
        return (real - fake.mean()).sigmoid().mean(), (fake - real.mean()).sigmoid().mean()
    return real.sigmoid().mean(), fake.sigmoid().mean()
