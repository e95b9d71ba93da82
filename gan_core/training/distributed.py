"""Several processes that train one run together, one for each GPU or host, started by torchrun. Rank 0 writes the run's folder.

Each process draws the whole global batch and keeps its part (global_batch.py); gradients are averaged by one all-reduce
(optimizers.py). DistributedDataParallel computes the same, but its hooks do not allow the second derivative of a gradient penalty.
Batch norm takes its statistics over all parts, so K processes compute what one process computes on the same global batch.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.nn.functional import all_reduce

from gan_core.errors import UserError
from gan_core.settings.families import TRAITS
from gan_core.settings.rules import smallest_batch
from gan_core.settings.schema import TrainConfig
from gan_core.training.global_batch import world


def is_rank_0() -> bool:
    return world()[0] == 0


@contextlib.contextmanager
def process_group() -> Iterator[None]:
    """Inside, this process belongs to the process group that torchrun started; no effect where it is the only process."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def broadcast(value: Any) -> Any:
    """The value of rank 0 in every process: plain values and tensors on the CPU."""
    if world()[1] == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def broadcast_numbers(*numbers: float) -> list[float]:
    """The numbers of rank 0 in every process; fast enough for each step."""
    if world()[1] == 1:
        return list(numbers)
    values = torch.tensor(numbers, dtype=torch.float64)
    dist.broadcast(values, src=0)
    return values.tolist()


def check_batch(config: TrainConfig) -> None:
    """Raise UserError bad_batch where the global batch is not divisible by the processes, or gives one of them too few images."""
    batch, size = config.batch, world()[1]
    if batch % size:
        what = f"A batch of {batch} cannot be shared evenly by {size} processes."
        raise UserError("bad_batch", what, f"Choose a batch that is a multiple of {size}.")
    least = 1 if TRAITS[config.family].batch_norm and not config.minibatch_std else smallest_batch(config)
    if batch // size < least:  # batch norm spans all parts; other layers that compare images do not
        what = f"A batch of {batch} leaves one image to each of {size} processes, but these networks compare {least}."
        raise UserError("bad_batch", what, f"Choose a batch of {least * size} or more.")


class SyncBatchNorm2d(nn.BatchNorm2d):
    """Batch norm with statistics over all processes; torch's SyncBatchNorm needs a GPU."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x)
        axes = [0, *range(2, x.ndim)]
        shape = [1, -1, *[1] * (x.ndim - 2)]
        moments = torch.stack([x.float().mean(axes), x.float().square().mean(axes)])
        mean, square = (all_reduce(moments) / world()[1]).unbind()
        var = (square - mean.square()).clamp(min=0)  # the difference of two roundings may be negative
        with torch.no_grad():
            assert (
                self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
            )
            n = x.numel() // x.shape[1] * world()[1]
            momentum = self.momentum or 0.1
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(var * n / (n - 1), momentum)
            self.num_batches_tracked += 1
        out = (x - mean.view(shape)) * torch.rsqrt(var + self.eps).view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(x.dtype)


class SyncBatchNorm1d(SyncBatchNorm2d):
    def _check_input_dim(self, x: torch.Tensor) -> None:
        if x.ndim not in (2, 3):
            raise ValueError(f"expected 2 or 3 dimensions, not {x.ndim}")


SYNCED: dict[type[nn.Module], type[nn.Module]] = {nn.BatchNorm2d: SyncBatchNorm2d, nn.BatchNorm1d: SyncBatchNorm1d}


def sync_batch_norm(net: nn.Module) -> None:
    """Make every batch norm of the network take its statistics over all processes."""
    if world()[1] > 1:
        for module in net.modules():
            if synced := SYNCED.get(type(module)):
                module.__class__ = synced
