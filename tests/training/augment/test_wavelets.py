"""The wavelets' filters: orthogonal, and bands that add up to the image."""

import numpy as np
import pytest
import torch

from gan_core.training.augment import wavelets


@pytest.mark.parametrize("taps", [wavelets.SYM2, wavelets.SYM6])
def test_a_wavelet_is_orthogonal_to_its_shifts_by_two(taps):
    products = np.correlate(taps, taps, "full")[len(taps) - 1 :: 2]
    assert products[0] == pytest.approx(1, abs=1e-9) and np.abs(products[1:]).max() < 1e-9
    moments = [(taps * (-1.0) ** np.arange(len(taps)) * np.arange(len(taps)) ** k).sum() for k in range(len(taps) // 2)]
    assert np.abs(moments).max() < 1e-5 * len(taps) ** (len(taps) // 2 - 1)  # as many vanish as its name says


def test_bands_add_up_to_the_image_and_each_lets_its_octave_through():
    bank = wavelets.band_filters()
    impulse = np.zeros(43)
    impulse[21] = 1
    assert bank.shape == (4, 43) and np.allclose(bank.sum(0), impulse, atol=1e-12)
    response = np.abs(np.fft.rfft(bank, 512))  # up to half a cycle a pixel
    assert response.argmax(1).tolist()[0] == 0
    strongest = response.argmax(0)
    assert [strongest[at] for at in (8, 48, 96, 220)] == [0, 1, 2, 3]  # of 512ths of a cycle


def test_tensors_are_made_once():
    here = torch.device("cpu")
    wavelets.prepare(here)
    assert wavelets.sym6(here, torch.float32) is wavelets.sym6(here, torch.float32)
    assert wavelets.sym6(here, torch.float32).sum().item() == pytest.approx(1)
