"""The training images and the batches that each step sees."""

from typing import Any, NamedTuple

import numpy as np
import torch

from gan_core.generation.sampling import from_pixels
from gan_core.settings.families import inner_size
from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch


class TrainingSet(NamedTuple):
    """images uint8 [N, S, S, C], labels int64 [N] in any order, classes: their names."""

    images: np.ndarray
    labels: np.ndarray
    classes: list[str]

    @classmethod
    def of(cls, data: Any, config: TrainConfig) -> "TrainingSet":
        """data has images, labels and classes. A run without labels has one class, `all`."""
        if config.conditional:
            return cls(data.images, data.labels, data.classes)
        return cls(data.images, np.zeros(len(data.images), np.int64), ["all"])

    @property
    def size(self) -> int:
        return self.images.shape[1]

    @property
    def channels(self) -> int:
        return self.images.shape[3]


class BatchSampler:
    """Keeps the whole set on the device as uint8 and draws batches with replacement from torch's own generator.

    With config.balance_classes every class comes up equally often.
    """

    def __init__(self, data: TrainingSet, config: TrainConfig, device: torch.device):
        # [N, S, S, C] seen as [N, C, S, S] is channels_last already.
        self.images = torch.from_numpy(np.array(data.images)).permute(0, 3, 1, 2).to(device)
        labels = np.array(data.labels)
        order = np.argsort(labels, kind="stable")
        counts = np.bincount(labels)
        present = np.flatnonzero(counts)
        self.order, self.labels = torch.from_numpy(order).to(device), torch.from_numpy(labels).to(device)
        self.present = torch.from_numpy(present).to(device)
        self.first = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)[:-1]])).to(device)
        self.counts = torch.from_numpy(counts).to(device)
        self.balance, self.flip = config.balance_classes, config.flip
        self.batch = config.batch // global_batch.world()[1]  # this process's part
        self.inner, self.device = inner_size(config.family, data.size), device

    def __call__(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(real [B, C, inner, inner] in [-1, 1], labels [B])."""
        if self.balance:
            labels = self.present[global_batch.randint(0, len(self.present), self.batch, device=self.device)]
            share = global_batch.rand(self.batch, device=self.device, dtype=torch.float64)
            index = self.order[self.first[labels] + (share * self.counts[labels]).long()]
        else:
            index = global_batch.randint(0, len(self.images), self.batch, device=self.device)
            labels = self.labels[index]
        real = from_pixels(self.images[index], self.inner)
        if self.flip:
            mirrored = global_batch.rand(self.batch, 1, 1, 1, device=self.device) < 0.5
            real = torch.where(mirrored, real.flip(3), real)
        return real.contiguous(memory_format=torch.channels_last), labels
