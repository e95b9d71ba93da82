"""The batches that a step sees."""

import numpy as np
import pytest
import torch

from gan_core.training import batches
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


def test_a_set_lies_on_a_gpu_only_where_it_fits_beside_the_training(monkeypatch):
    free = 10_000_000_000
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 3 * free))
    GPU = torch.device("cuda")
    assert batches.fits_on(GPU, free // 5) and not batches.fits_on(GPU, free // 2)
    assert batches.fits_on(CPU, 100 * free)


def test_images_of_a_set_that_stays_on_the_cpu_are_copied_batch_by_batch(monkeypatch):
    """To another device, here one without values: pinned where that works, and else in an ordinary copy."""
    images = torch.arange(6 * 3 * 4 * 4, dtype=torch.uint8).view(6, 4, 4, 3).permute(0, 3, 1, 2)
    index, elsewhere = torch.tensor([5, 0, 5]), torch.device("meta")
    assert torch.equal(batches.rows_of(images, index, CPU), images[index])
    asked, original = [], torch.empty

    def empty(*shape, pin_memory=False, **rest):
        asked.append(pin_memory)
        return original(*shape, **rest)

    monkeypatch.setattr(torch, "empty", empty)
    assert batches.rows_of(images, index, elsewhere).device == elsewhere and asked == [True]

    def refuse(*_, **__):
        raise RuntimeError("CUDA error: OS call failed or operation not supported on this OS")

    monkeypatch.setattr(torch, "empty", refuse)
    found = batches.rows_of(images, index, elsewhere)
    assert found.device == elsewhere and found.shape == (3, 3, 4, 4) and found.dtype == torch.uint8


def test_a_pinned_batch_holds_the_rows_that_were_drawn(monkeypatch):
    images = torch.arange(6 * 3 * 4 * 4, dtype=torch.uint8).view(6, 4, 4, 3).permute(0, 3, 1, 2)
    original, kept = torch.empty, []

    def empty(*shape, pin_memory=False, **rest):
        kept.append(original(*shape, **rest))
        return kept[-1]

    monkeypatch.setattr(torch, "empty", empty)
    batches.rows_of(images, torch.tensor([5, 0, 5]), torch.device("meta"))
    assert torch.equal(kept[0], images[[5, 0, 5]]) and kept[0].is_contiguous(memory_format=torch.channels_last)
