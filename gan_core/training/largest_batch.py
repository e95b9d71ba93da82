"""After an out-of-memory error: find the largest batch that fits, for the message."""

import gc
import traceback
from collections.abc import Callable
from typing import Any

import torch

from gan_core.errors import UserError, is_out_of_memory
from gan_core.settings.rules import smallest_batch
from gan_core.settings.schema import TrainConfig
from gan_core.training.batches import BatchSampler, TrainingSet
from gan_core.training.device import choose, synchronize
from gan_core.training.loop import build_state
from gan_core.training.step import train_step

STEPS = 2  # in the second one the optimizers hold their memory too


def explained(
    config: TrainConfig, data: Any, work: Callable[[], dict[str, Any]], beside: Callable[[], str] = lambda: ""
) -> dict[str, Any]:
    """work(), and UserError out_of_memory where it runs out of memory.

    data has images uint8 [N, S, S, C], labels int64 [N] and classes. beside(): another job on the same device, as 'a training', or
    ''; what fits beside it says nothing of the batch.
    """
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold the networks that fill the memory
    if others := beside():
        raise UserError(
            "out_of_memory",
            f"Memory ran out at batch size {config.batch} while {others} was running on the same device.",
            f"Wait until {others} has ended, then try again; or choose a smaller batch, which may fit beside it.",
        )
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


def largest_batch_that_fits(config: TrainConfig, data: Any) -> int | None:
    """By bisection, with trial steps of D and G and the penalty; None where the smallest batch does not fit."""
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
    gc.collect()  # networks are in reference cycles
    device = choose(config.device)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    images = TrainingSet.of(data, config)
    state, sampler = build_state(config, images, device), BatchSampler(images, config, device)
    for _ in range(STEPS):
        train_step(state, *sampler(), config)
    synchronize(device)  # a GPU reports an error late
