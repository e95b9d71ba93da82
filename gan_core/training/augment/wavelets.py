"""The wavelets of ADA (Karras et al., arXiv:2006.06676, appendix B): symlets of 6 and 2 vanishing moments (Daubechies, 1992).

Tensors of them are made once for a device, so that a training step copies nothing from the host.
"""

import functools

import numpy as np
import torch

SYM2 = np.array([1 - np.sqrt(3), 3 - np.sqrt(3), 3 + np.sqrt(3), 1 + np.sqrt(3)]) / (4 * np.sqrt(2))
SYM6 = np.array(
    [
        *(0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633),
        *(0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252),
        *(-0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148),
    ]
)
BANDS = 4  # of frequencies, each an octave; the first one is what is left below


def spread(taps: np.ndarray, step: int) -> np.ndarray:
    """The filter with step - 1 zeros between its taps."""
    out = np.zeros((len(taps) - 1) * step + 1)
    out[::step] = taps
    return out


def band_filters() -> np.ndarray:
    """[BANDS, 43]: the taps of band-pass filters from low to high frequencies, which sum to one unit impulse."""
    low = np.convolve(SYM2, SYM2[::-1]) / 2
    high = low * (-1.0) ** (np.arange(len(low)) - len(low) // 2)
    found, below = [], np.ones(1)
    for octave in range(BANDS - 1):
        found.append(np.convolve(spread(high, 1 << octave), below))
        below = np.convolve(spread(low, 1 << octave), below)
    edges = [(len(below) - len(band)) // 2 for band in (below, *reversed(found))]
    return np.stack([np.pad(band, edge) for band, edge in zip((below, *reversed(found)), edges, strict=True)])


@functools.cache
def sym6(device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """[12], of sum 1."""
    return torch.tensor(SYM6 / SYM6.sum(), device=device, dtype=dtype)


@functools.cache
def bank(device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """band_filters() as a tensor."""
    return torch.tensor(band_filters(), device=device, dtype=dtype)


@functools.cache
def band_power(device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """[BANDS], of sum 1: the share of each band in the power of a natural image."""
    return torch.tensor([10.0, 1.0, 1.0, 1.0], device=device, dtype=dtype) / 13


def prepare(device: torch.device) -> None:
    """Make the tensors for a device before its first step."""
    named = torch.empty(0, device=device).device  # "cuda" is "cuda:0" for the images that ask for them
    for made in (sym6, bank, band_power):
        made(named, torch.float32)
