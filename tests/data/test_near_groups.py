"""near_groups.py: copies that were changed a little are one group, and images that are merely of one class are not."""

import io

import numpy as np
import pytest
from PIL import Image

from gan_core.data.near_groups import cells, join, near_groups
from tests.builders.toy_images import toy_images

SIDE = 64


def photographs(n: int, side: int = SIDE, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Smooth random pictures, uint8 [n, side, side, channels]."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (n, 6, 6, 3), np.uint8)
    large = [np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC)) for one in small]
    return np.stack(large)[..., :channels]


def jpeg(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


def found(images: np.ndarray, labels=None) -> np.ndarray:
    return near_groups(cells([images]), np.zeros(len(images), int) if labels is None else labels)


CHANGES = {
    "jpeg": jpeg,
    "mirrored": lambda image: image[:, ::-1],
    "brighter": lambda image: np.clip(image * 0.8 + 30, 0, 255).astype(np.uint8),
    "noise": lambda image: np.clip(image + np.random.default_rng(1).normal(0, 8, image.shape), 0, 255).astype(np.uint8),
    "shifted": lambda image: np.roll(image, 1, axis=1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_in_the_group_of_its_image_and_nothing_else_is(change):
    images = photographs(120)
    copies = np.stack([CHANGES[change](image) for image in images[:40]])
    groups = found(np.concatenate([images, copies]))
    assert np.array_equal(groups[:120], np.arange(120))
    assert np.array_equal(groups[120:], np.arange(40))


def test_groups_stay_within_a_class_and_are_linked_by_their_members():
    images = photographs(30)
    chain = np.stack([images[0], images[0][:, ::-1], jpeg(images[0])])
    together = np.concatenate([images, chain, images[1:2]])
    labels = np.array([0] * 33 + [1])
    groups = found(together, labels)
    assert set(groups[30:33]) == {0} and groups[33] == 33


def test_a_class_in_which_everything_looks_alike_is_not_one_group():
    images, _ = toy_images(300, 28, 1, 1)  # one tone with noise
    assert len(set(found(images))) > 290
    flat = np.full((20, 28, 28, 1), 90, np.uint8)
    assert len(set(found(flat))) == 20  # an image that shows nothing is no copy of another one


def test_many_copies_of_one_image_are_one_group():
    images = np.concatenate([photographs(50), np.repeat(photographs(1, seed=9), 400, axis=0)])
    groups = found(images)
    assert len(set(groups)) == 51 and (groups == 50).sum() == 400


@pytest.mark.parametrize("side", [28, 32, 64, 128, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_cells_of_every_size_are_means(side, channels):
    images = photographs(5, side, channels)
    small = cells([images[:2], images[2:]])
    assert small.dtype == np.uint8 and small.shape[1] in (7, 8) and small.shape[3] == channels
    exact = images.reshape(5, small.shape[1], side // small.shape[1], small.shape[1], -1, channels).mean(axis=(2, 4))
    assert np.abs(small - exact).max() < (1 if side <= 64 else 8)  # of a large cell only some points are read
    assert np.array_equal(cells([images[:, :, ::-1]]), small[:, :, ::-1])
    assert cells([]).shape == (0, 8, 8, 1)


def test_groups_that_are_joined_by_any_chain_of_pairs_are_one():
    groups = np.arange(8)
    join(groups, np.array([6, 3, 1]), np.array([7, 6, 2]))
    join(groups, np.array([7, 5]), np.array([1, 5]))
    assert groups.tolist() == [0, 1, 1, 1, 4, 5, 1, 1]
