"""ADA's filters and corruptions (arXiv:2006.06676), which its authors found useful for few datasets only."""

import torch
from torch.nn import functional as F

from gan_core.training.augment import wavelets
from gan_core.training.augment.luck import Chance, Luck


def frequency_bands(x: torch.Tensor, p: Chance) -> torch.Tensor:
    """Each of four octaves of [N, C, S, S] amplified by 2^N(0, 1) with probability p, at the same expected power. S > 21."""
    luck, bands = Luck.of(x, p), wavelets.BANDS
    power = wavelets.band_power(x.device, x.dtype)
    gain = torch.ones_like(power).expand(luck.n, -1)
    for band in torch.eye(bands, device=x.device, dtype=x.dtype):
        one = luck.pick(luck.normal(1).exp2(), 1.0) * band + (1 - band)  # [N, bands]
        gain = gain * one * (power * one.square()).sum(1, keepdim=True).rsqrt()
    taps = (gain @ wavelets.bank(x.device, x.dtype))[:, None, None]  # [N, 1, 1, 43]
    edge = taps.shape[3] // 2
    out = F.pad(x, [edge] * 4, mode="reflect").transpose(
        0, 1
    )  # [C, N, ...]: an image is a group with a filter of its own
    out = F.conv2d(F.conv2d(out, taps, groups=luck.n), taps.mT, groups=luck.n)
    return out.transpose(0, 1)


def noise(x: torch.Tensor, p: Chance) -> torch.Tensor:
    """Independent noise on each value, its deviation 0.1 |N(0, 1)| drawn for each image."""
    luck = Luck.of(x, p)
    deviation = luck.pick(luck.normal(1, 1, 1).abs() * 0.1, 0.0)
    return x + luck.normal(*x.shape[1:]) * deviation


def cutout(x: torch.Tensor, p: Chance) -> torch.Tensor:
    """A square of half the side becomes mid-grey; its centre lies anywhere in the image."""
    luck, side = Luck.of(x, p), x.shape[3]
    size = luck.pick(torch.full([luck.n, 1], 0.5, device=x.device, dtype=x.dtype), 0.0)
    centre = luck.uniform(2)
    line = (torch.arange(side, device=x.device, dtype=x.dtype) + 0.5) / side
    inside = (line - centre[:, :, None]).abs() < size[:, :, None] / 2  # [N, 2, S]: columns, rows
    return x.masked_fill((inside[:, 1, :, None] & inside[:, 0, None])[:, None], 0.0)
