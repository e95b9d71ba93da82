"""The refiner enlarges what a generator of small images draws; together they are one generator for whoever samples."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gan_core.generation.onnx_export import write_onnx
from gan_core.generation.sampling import load_generator
from gan_core.models import Spec
from gan_core.models.refiner import RefinedGenerator, Refiner, generator, shrink, shrink_pixels
from gan_core.settings.schema import TrainConfig
from gan_core.training.step import new_state

CONFIG = TrainConfig(family="r3lite", width=16, z_dim=8, train_size=16)
SHAPE = {"channels": 3, "num_classes": 3}


def refined(size=32) -> RefinedGenerator:
    torch.manual_seed(0)
    G = generator(CONFIG, size=size, **SHAPE).eval()
    torch.nn.init.normal_(G.refiner.leave.weight, std=0.1)
    return G


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_fresh_refiner_is_bicubic_interpolation(factor):
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    net, y = Refiner(Spec(16, 3, 4, z_dim=8), 16 * factor), torch.tensor([0, 3])
    enlarged, strength = net(images, y)
    wanted = F.interpolate(images, scale_factor=float(factor), mode="bicubic", align_corners=False)
    assert enlarged.shape == (2, 3, 16 * factor, 16 * factor) and torch.allclose(enlarged, wanted)
    noise = net.draw(images, torch.randn(2, 8), y) - enlarged
    assert strength.shape == (2, 1, 16 * factor, 16 * factor) and 0 < noise.std() < 0.1


def test_samples_have_the_size_of_the_dataset_and_the_game_sees_small_ones():
    G, z, y = refined(64), torch.randn(2, 8), torch.tensor([0, 1])
    assert G(z, y).shape == (2, 3, 64, 64)
    assert G.train()(z, y).shape == (2, 3, 16, 16)
    assert not isinstance(generator(CONFIG.model_copy(update={"train_size": 0}), size=32, **SHAPE), RefinedGenerator)


def test_the_class_changes_what_the_refiner_adds():
    images, net = torch.rand(1, 3, 16, 16), refined().refiner
    with torch.no_grad():
        assert (net(images, torch.tensor([0]))[0] - net(images, torch.tensor([1]))[0]).abs().max() > 1e-4


def test_noise_is_white_and_the_same_for_the_same_latent_code():
    net = Refiner(Spec(16, 1, 1, z_dim=8), 32)
    torch.nn.init.constant_(net.strength.bias, 0.0)
    images, y, z = torch.zeros(64, 1, 16, 16), torch.zeros(64, dtype=torch.int64), torch.randn(64, 8)
    with torch.no_grad():
        noise, again = (net.draw(images, z, y) for _ in range(2))
    assert torch.equal(noise, again) and noise.std() == pytest.approx(1, abs=0.1)
    right = (noise[..., 1:] * noise[..., :-1]).mean() / noise.var()
    assert abs(right) < 0.1 and (noise[0] - noise[1]).abs().mean() > 0.1


def test_pixels_are_shrunk_to_the_mean_of_each_square():
    images = np.zeros((5, 4, 4, 1), np.uint8)
    images[:, 0, 0] = 200
    assert shrink_pixels(images, 2)[0, :, :, 0].tolist() == [[50, 0], [0, 0]]
    assert shrink_pixels(images, 4) is images and shrink_pixels(images, None) is images
    assert shrink(torch.ones(1, 3, 8, 8), 2).shape == (1, 3, 2, 2)


def test_a_checkpoint_of_the_average_is_read_with_its_refiner():
    state = new_state(CONFIG, size=32, **SHAPE, device=torch.device("cpu"))
    G = load_generator(CONFIG, state.G_ema.state_dict(), size=32, **SHAPE, device=torch.device("cpu"))
    assert G(torch.randn(1, 8), torch.tensor([2])).shape == (1, 3, 32, 32)


@pytest.mark.slow
def test_the_file_for_other_programs_draws_the_refined_images(tmp_path):
    assert write_onnx(refined(), tmp_path / "G.onnx", z_dim=8, size=32, classes=3) <= 1
