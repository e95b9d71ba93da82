"""Random numbers and means over the global batch, for one process or several.

Every process draws for the whole batch with the same generator and keeps its part, so two processes together see what one
process sees alone. n is always the size of this process's part of the batch.
"""

import torch
import torch.distributed as dist


def world() -> tuple[int, int]:
    """(rank, number of processes); (0, 1) alone."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else (0, 1)


def local_part(whole: torch.Tensor) -> torch.Tensor:
    """This process's rows of a tensor that was drawn for the global batch."""
    rank, size = world()
    return whole if size == 1 else whole.chunk(size)[rank]


def randn(n: int, *shape: int, device: torch.device) -> torch.Tensor:
    return local_part(torch.randn(n * world()[1], *shape, device=device))


def rand(n: int, *shape: int, device: torch.device, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return local_part(torch.rand(n * world()[1], *shape, device=device, dtype=dtype))


def randint(low: int, high: int, n: int, *shape: int, device: torch.device) -> torch.Tensor:
    return local_part(torch.randint(low, high, (n * world()[1], *shape), device=device))


def all_reduce_mean(value: torch.Tensor) -> torch.Tensor:
    """The mean of a tensor over all processes."""
    if world()[1] > 1:
        value = value.clone()
        dist.all_reduce(value)
        value /= world()[1]
    return value
