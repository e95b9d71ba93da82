import numpy as np
import pytest
import torch

from gan_core.generation import sampling
from gan_core.models import FAMILIES, Spec
from tests.builders.toy_images import toy_images


@pytest.fixture
def G():
    torch.manual_seed(0)
    return FAMILIES["r3lite"].Generator(Spec(32, 1, 3, 8, 16)).eval()


def test_an_image_depends_on_seed_and_number_not_on_the_batch(G, monkeypatch):
    labels = np.arange(20) % 3
    whole = sampling.draw(G, labels, z_dim=8, size=28, seed=1)
    assert whole.shape == (20, 28, 28, 1) and whole.dtype == np.uint8
    monkeypatch.setattr(sampling, "BATCH", 7)
    parts = np.concatenate(
        [
            sampling.draw(G, labels[:10], z_dim=8, size=28, seed=1),
            sampling.draw(G, labels[10:], z_dim=8, size=28, seed=1, start=10),
        ]
    )
    assert np.abs(whole.astype(int) - parts).max() <= 1  # rounding of another batch shape
    assert np.abs(whole.astype(int) - sampling.draw(G, labels, z_dim=8, size=28, seed=2)).max() > 1


def test_truncation_zero_draws_one_image_per_class(G):
    images = sampling.draw(G, np.zeros(5, np.int64), z_dim=8, size=28, seed=0, truncation=0.0)
    assert np.abs(images.astype(int) - images[0]).max() <= 1


def test_pixels_go_there_and_back():
    images, _ = toy_images(6, 28, 3, 3)
    x = sampling.from_pixels(torch.from_numpy(images).permute(0, 3, 1, 2), 32)
    assert x.shape == (6, 3, 32, 32) and torch.equal(x[:, :, :2, 16], x[:, :, 2:3, 16].expand(-1, -1, 2))
    assert np.array_equal(sampling.to_pixels(x, 28), images)


def test_a_grid_has_a_row_per_class_in_order():
    classes = ["dark", "grey", "bright"]
    images, labels = toy_images(60, 32, 1, 3)
    picture = np.asarray(sampling.real_grid(images, labels, classes, seed=0).convert("L"))
    rows = np.array_split(picture[:, -300:], 3)
    tones = [np.median(row) for row in rows]
    assert tones[0] < tones[1] < tones[2]


def test_a_class_with_two_images_and_an_absent_class_still_have_rows():
    images, _ = toy_images(4, 32, 3, 2)
    labels = np.array([0, 0, 2, 2])
    assert sampling.real_grid(images, labels, ["a", "b", "c"], seed=0).height > 3 * 60
