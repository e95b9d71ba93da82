"""Walks through the noise: from one end exactly to the other, along the sphere, in every family that has images in between."""

import itertools

import numpy as np
import pytest
import torch

from gan_core.generation import latent_walk, sampling
from gan_core.models import FAMILIES, Spec
from gan_core.settings.families import TRAITS, inner_size, why_no_walk

WALKING = [family for family in TRAITS if not why_no_walk(family)]


def test_slerp_meets_its_ends_and_keeps_the_length():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 256))
    way = latent_walk.slerp(a, b, np.linspace(0, 1, 11))
    assert way.dtype == np.float32 and way.shape == (11, 256)
    assert np.allclose(way[0], a, atol=1e-5) and np.allclose(way[-1], b, atol=1e-5)
    lengths = np.linalg.norm(way, axis=1)
    assert np.allclose(lengths, np.linspace(np.linalg.norm(a), np.linalg.norm(b), 11), rtol=1e-4)
    assert np.linalg.norm((a + b) / 2) < 0.8 * lengths[5]  # where the straight line would have gone


def test_slerp_goes_in_equal_angles():
    way = latent_walk.slerp(np.array([2.0, 0.0]), np.array([0.0, 2.0]), np.array([0, 1 / 3, 1]))
    assert np.allclose(way[1], [np.sqrt(3), 1], atol=1e-5)


@pytest.mark.parametrize("b", [[1.0, 0.0], [3.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
def test_slerp_where_there_is_no_one_arc_is_a_line(b):
    way = latent_walk.slerp(np.array([1.0, 0.0]), np.array(b), np.linspace(0, 1, 5))
    assert np.isfinite(way).all() and np.allclose(way[-1], b) and np.allclose(way[:, 1], 0)
    assert np.allclose(way[2, 0], (1 + b[0]) / 2)


@pytest.fixture
def make():
    def build(family):
        torch.manual_seed(0)
        size = TRAITS[family].sizes[0]
        return FAMILIES[family].Generator(Spec(inner_size(family, size), 3, 3, 8, 8)).eval().requires_grad_(False), size

    return build


@pytest.mark.parametrize("family", WALKING)
def test_a_walk_starts_and_ends_at_the_images_of_its_ends(family, make):
    G, size = make(family)
    with torch.no_grad():
        for module in G.modules():  # fresh networks may start with classes that make no difference
            if isinstance(module, latent_walk.ClassEmbedding):
                module.weight.normal_(generator=torch.Generator().manual_seed(1))
    a, b = sampling.noise(8, 2, seed=0)
    way = latent_walk.walk(G, (a, b), (0, 2), 5, size=size)
    ends = [sampling.to_pixels(G(torch.from_numpy(z[None]), torch.tensor([y])), size)[0] for z, y in ((a, 0), (b, 2))]
    assert way.shape == (5, size, size, 3) and way.dtype == np.uint8
    for found, wanted in ((way[0], ends[0]), (way[-1], ends[1])):
        assert np.abs(found.astype(int) - wanted).max() <= 1


def test_between_two_classes_of_the_same_noise_only_the_class_goes(make):
    G, size = make("dcgan")
    z = sampling.noise(8, 1, seed=0)[0]
    before = sampling.to_pixels(G(torch.from_numpy(z[None]), torch.tensor([0])), size)
    way = latent_walk.walk(G, (z, z), (0, 1), 5, size=size).astype(int)
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(way)]
    assert min(steps) > 0 and max(steps) < 0.9 * np.abs(way[-1] - way[0]).mean()
    after = sampling.to_pixels(G(torch.from_numpy(z[None]), torch.tensor([0])), size)
    assert np.array_equal(before, after)  # nothing of the walk stays in G


def test_families_whose_noise_picks_an_image_say_so():
    assert {family for family in TRAITS if why_no_walk(family)} == {"kmeans", "cyclegan"}
    assert all("selects" in why_no_walk(family) for family in ("kmeans", "cyclegan"))
