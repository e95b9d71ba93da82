"""Two images of a batch made into one, with a target in proportion: MixUp, CutMix and CMO.

x: float [N, C, S, S]; y: float [N, K], the probabilities that are learned. Every random number comes from the generator handed in.
"""

import numpy as np
import torch

from gan_core.evaluation.utility.protocol import Mix

MIXUP_ALPHA = 0.2  # of the beta distribution, as arXiv:1710.09412 has it for ImageNet
CHANCE = (
    0.5  # of an image to get a rectangle of another one, as arXiv:1905.04899 and 2112.00412 have it for small images
)

Batch = tuple[torch.Tensor, torch.Tensor]


def mixed(batch: Batch, mix: Mix, rng: np.random.Generator, pasted: Batch | None = None) -> Batch:
    """The batch after the mix. pasted: of cmo, as many images, whose parts are pasted on those of the batch."""
    x, y = batch
    if mix == "none":
        return batch
    if mix == "cmo":
        assert pasted is not None
        return cut(batch, pasted, rng)
    partner = torch.from_numpy(rng.permutation(len(x))).to(x.device)
    other = x[partner], y[partner]
    if mix == "cutmix":
        return cut(batch, other, rng)
    share = torch.from_numpy(rng.beta(MIXUP_ALPHA, MIXUP_ALPHA, len(x))).to(x)
    wide = share.view(-1, 1, 1, 1)
    return wide * x + (1 - wide) * other[0], share[:, None] * y + (1 - share[:, None]) * other[1]


def cut(batch: Batch, other: Batch, rng: np.random.Generator) -> Batch:
    """A rectangle of the other image over the image; its area, uniform from none to all, is the other's part of the target."""
    (x, y), (x2, y2) = batch, other
    inside = torch.from_numpy(rectangles(len(x), x.shape[-1], rng)).to(x.device)
    share = inside.float().mean((1, 2))[:, None]
    return torch.where(inside[:, None], x2, x), (1 - share) * y + share * y2


def rectangles(count: int, side: int, rng: np.random.Generator) -> np.ndarray:
    """bool [count, side, side]: whether a pixel lies in its image's rectangle, clipped at the edges; half of them have none."""
    reach = side * np.sqrt(1 - rng.random(count)) / 2 * (rng.random(count) < CHANCE)
    middle = rng.random((2, count)) * side
    pixels = np.arange(side) + 0.5
    rows, columns = (np.abs(pixels - center[:, None]) < reach[:, None] for center in middle)
    return np.asarray(rows[:, :, None] & columns[:, None, :])
