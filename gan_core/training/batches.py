"""The training images and the batches that each step sees."""

from typing import Any, NamedTuple

import numpy as np
import torch

from gan_core.generation.sampling import from_pixels
from gan_core.settings.families import inner_size
from gan_core.settings.schema import TrainConfig
from gan_core.training import global_batch

MOST_OF_FREE_MEMORY = 0.3  # of a GPU, for the training images


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


def fits_on(device: torch.device, image_bytes: int) -> bool:
    """Whether so many bytes of images may lie on the device for the whole run, beside the networks and what a step needs."""
    return device.type != "cuda" or image_bytes <= MOST_OF_FREE_MEMORY * torch.cuda.mem_get_info(device)[0]


def rows_of(images: torch.Tensor, index: torch.Tensor, device: torch.device) -> torch.Tensor:
    """images[index] on the device. From the CPU to a GPU they go through pinned memory, so that the copy waits for nothing.

    Only the batch is pinned: pinned memory cannot be swapped, and a whole set of it could starve the computer. Where pinning fails,
    as with a limit on locked memory, the copy is an ordinary one.
    """
    if images.device == device or images.device.type == device.type:
        return images[index]
    shape = (len(index), *images.shape[1:])
    try:
        chosen = torch.empty(shape, dtype=images.dtype, pin_memory=True, memory_format=torch.channels_last)
    except RuntimeError:
        return images[index].to(device)
    return torch.index_select(images, 0, index, out=chosen).to(device, non_blocking=True)


class BatchSampler:
    """Keeps the whole set on the device as uint8 and draws batches with replacement from torch's own generator.

    With config.balance_classes every class comes up equally often. A set that is too large for a GPU stays on the CPU, which then
    draws, too: `place` is where the set lies and where is drawn.
    """

    def __init__(self, data: TrainingSet, config: TrainConfig, device: torch.device):
        self.place = device if fits_on(device, data.images.nbytes) else torch.device("cpu")
        # [N, S, S, C] seen as [N, C, S, S] is channels_last already.
        self.images = torch.from_numpy(np.array(data.images)).permute(0, 3, 1, 2).to(self.place)
        labels = np.array(data.labels)
        order = np.argsort(labels, kind="stable")
        counts = np.bincount(labels)
        present = np.flatnonzero(counts)
        self.order, self.labels = torch.from_numpy(order).to(self.place), torch.from_numpy(labels).to(self.place)
        self.present = torch.from_numpy(present).to(self.place)
        self.first = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)[:-1]])).to(self.place)
        self.counts = torch.from_numpy(counts).to(self.place)
        self.balance, self.flip = config.balance_classes, config.flip
        self.batch = config.batch // global_batch.world()[1]  # this process's part
        self.inner, self.device = inner_size(config.family, data.size), device

    def __call__(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(real [B, C, inner, inner] in [-1, 1], labels [B])."""
        if self.balance:
            labels = self.present[global_batch.randint(0, len(self.present), self.batch, device=self.place)]
            share = global_batch.rand(self.batch, device=self.place, dtype=torch.float64)
            index = self.order[self.first[labels] + (share * self.counts[labels]).long()]
        else:
            index = global_batch.randint(0, len(self.images), self.batch, device=self.place)
            labels = self.labels[index]
        real = from_pixels(rows_of(self.images, index, self.device), self.inner)
        if self.flip:
            mirrored = global_batch.rand(self.batch, 1, 1, 1, device=self.device) < 0.5
            real = torch.where(mirrored, real.flip(3), real)
        return real.contiguous(memory_format=torch.channels_last), labels.to(self.device, non_blocking=True)
