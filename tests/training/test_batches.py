"""The batches that a step sees."""

import numpy as np
import pytest
import torch

from gan_core.training.batches import BatchSampler, TrainingSet
from tests.builders.toy_images import toy_images

CPU = torch.device("cpu")


def test_balanced_sampling_shows_a_rare_class_as_often(tiny):
    images, _ = toy_images(100, 28, 1, 2)
    labels = np.array([0] * 95 + [1] * 5)
    torch.manual_seed(0)
    shares = {}
    for balance in (True, False):
        sampler = BatchSampler(TrainingSet(images, labels, ["a", "b"]), tiny(balance_classes=balance, batch=64), CPU)
        drawn = torch.cat([sampler()[1] for _ in range(40)])
        shares[balance] = (drawn == 1).float().mean().item()
    assert shares[True] == pytest.approx(0.5, abs=0.05) and shares[False] == pytest.approx(0.05, abs=0.02)


def test_a_batch_carries_the_label_of_its_image_and_is_padded(tiny):
    images, labels = toy_images(90, 28, 1, 3)
    shuffled = np.random.default_rng(0).permutation(90)
    sampler = BatchSampler(TrainingSet(images[shuffled], labels[shuffled], ["a", "b", "c"]), tiny(batch=60), CPU)
    real, y = sampler()
    assert real.shape == (60, 1, 32, 32) and real.abs().max() <= 1
    tone = ((real.mean([1, 2, 3]) + 1) * 127.5 - 40) / 80  # 0, 1, 2 by class
    assert torch.equal(tone.round().long(), y)


def test_a_run_without_labels_has_one_class(tiny):
    images, labels = toy_images(6, 28, 1, 3)
    data = TrainingSet.of(TrainingSet(images, labels, ["a", "b", "c"]), tiny(conditional=False))
    assert data.classes == ["all"] and data.labels.tolist() == [0] * 6
