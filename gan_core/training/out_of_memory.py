"""Out of memory, told with the largest batch that fits."""

import gc
import traceback
from collections.abc import Callable
from typing import Any

import torch

from gan_core.errors import UserError
from gan_core.settings.families import inner_size
from gan_core.settings.rules import smallest_batch
from gan_core.settings.schema import TrainConfig
from gan_core.training.device import choose
from gan_core.training.loop import Sampler
from gan_core.training.step import new_state, train_step

STEPS = 2  # the second one has the optimisers' memory beside it


def guarded(config: TrainConfig, data: Any, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """work(), where running out of memory is a UserError. data has images uint8 [N, S, S, C], labels int64 [N], classes."""
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold the networks that are in the way
    fits = largest_batch_that_fits(config, data)
    least = "one image fits" if smallest_batch(config) == 1 else "two images fit"
    raise UserError(
        "out_of_memory",
        f"Memory ran out at batch size {config.batch}: "
        + (f"the largest batch that fits is {fits}." if fits else f"not even {least}."),
        f"Start a new run with batch size {fits}, or with a smaller network width."
        if fits
        else "Choose a smaller network width, or import the images again at a smaller size.",
    )


def is_out_of_memory(error: BaseException) -> bool:
    words = str(error).lower()
    said = "can't allocate memory" in words or "defaultcpuallocator" in words or "out of memory" in words
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or said


def largest_batch_that_fits(config: TrainConfig, data: Any) -> int | None:
    """By halving what is not known, with throwaway steps of D and G and the penalty; None where the smallest does not fit."""
    least = smallest_batch(config)
    fits, too_large = least - 1, config.batch
    while too_large - fits > 1:
        batch = (fits + too_large) // 2
        if runs(config.model_copy(update={"batch": batch, "d_steps": 1, "penalty_every": 1}), data):
            fits = batch
        else:
            too_large = batch
    return fits if fits >= least else None


def runs(config: TrainConfig, data: Any) -> bool:
    try:
        try_steps(config, data)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)
        return False
    return True


def try_steps(config: TrainConfig, data: Any) -> None:
    gc.collect()  # networks hold themselves in circles
    device = choose(config.device)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    size, channels = data.images.shape[1], data.images.shape[3]
    classes = len(data.classes) if config.conditional else 1
    state = new_state(config, size=size, channels=channels, num_classes=classes, device=device)
    sampler = Sampler(data.images, data.labels, config, inner_size(config.family, size), device)
    for _ in range(STEPS):
        train_step(state, *sampler(), config)
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # what runs out there is told late
