"""ADA's changes of color (arXiv:2006.06676)."""

import math

import torch

from gan_core.training.augment.luck import Chance, Luck


def color(x: torch.Tensor, p: Chance) -> torch.Tensor:
    """Brightness, contrast, mirrored luma, hue, saturation: one matrix and one offset for the colors of an image [N, C, S, S]."""
    c, luck = x.shape[1], Luck.of(x, p)
    eye = torch.eye(3, device=x.device, dtype=x.dtype)
    luma = torch.full([3, 3], 1 / 3, device=x.device, dtype=x.dtype)  # projects a color on the greys
    ahead = eye.roll(1, 0)
    cross = (ahead - ahead.T) / math.sqrt(3)  # the cross product with the axis of greys
    pick = lambda changed, neutral: luck.pick(changed, neutral)[:, None, None]
    offset = pick(0.2 * luck.normal(), 0.0)
    contrast = pick((0.5 * luck.normal()).exp2(), 1.0)
    flip = pick((luck.uniform() < 0.5).to(x.dtype), 0.0)
    hue = pick((luck.uniform() * 2 - 1) * math.pi, 0.0)
    saturation = pick(luck.normal().exp2(), 1.0)
    # About the axis of greys: grey does not change; other colors are rotated by the hue and scaled by the saturation.
    mixed = (1 - 2 * flip) * luma + saturation * (hue.cos() * (eye - luma) + hue.sin() * cross)
    mixed, offset = contrast * mixed, contrast * offset
    if c == 1:
        mixed = mixed.sum(2, keepdim=True).mean(1, keepdim=True)  # the effect on grey
    out = (mixed @ x.flatten(2) + offset).view_as(x)
    plain = (mixed == eye[:c, :c]).all(2).all(1)[:, None, None, None] & (offset == 0)[..., None]
    return torch.where(plain, x, out)
