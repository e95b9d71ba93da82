"""Choose how a GPU computes a run: each compute mode takes twenty trial steps, and the fastest is kept.

A mode that fails is skipped with a line in the log. The choice is written into the run's folder, so that a resumed run
computes as before. A CPU has one good mode (device.py).
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gan_core.settings.schema import TrainConfig
from gan_core.storage.workspace import read_json, write_json
from gan_core.training import global_batch
from gan_core.training.device import synchronize
from gan_core.training.state import State

STEPS, WARM_UP = 20, 5
FILE = "computing.json"


class ComputeMode(NamedTuple):
    bf16: bool
    channels_last: bool
    compiled: bool  # G, and D where no penalty needs a second derivative, which torch.compile cannot give

    def __str__(self) -> str:
        parts = ["bfloat16" if self.bf16 else "float32", "channels last" if self.channels_last else "contiguous"]
        return ", ".join(parts + ["compiled"] * self.compiled)


def candidate_modes(config: TrainConfig, device: torch.device) -> list[ComputeMode]:
    """The modes to try; the first is the safe one."""
    if (
        device.type != "cuda" or global_batch.world()[1] > 1
    ):  # with several processes all ranks would have to take the same trial steps
        return []
    precisions = {"auto": (False, True), "fp32": (False,), "bf16": (True,)}[config.precision]
    return [
        ComputeMode(bf16, channels_last, compiled)
        for compiled in (False, True)
        for bf16 in precisions
        for channels_last in (True, False)
    ]


def fastest(
    candidates: list[ComputeMode],
    seconds: Callable[[ComputeMode], float],
    log: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> ComputeMode:
    """The mode with the lowest seconds(mode); the first one where none could be timed."""
    found: dict[ComputeMode, float] = {}
    for mode in candidates:
        if should_stop():
            break
        try:
            found[mode] = seconds(mode)
        except Exception as error:  # a compiler or a driver may raise anything; the run goes on without this mode
            log(f"Not used: {mode}. It failed here: {type(error).__name__}: {str(error).splitlines()[:1]}")
    best = min(found, key=found.__getitem__, default=candidates[0])
    if best in found:
        log(f"Computing in {best}: {found[best] / STEPS * 1000:.1f} ms a step, the fastest of {len(found)} modes.")
    return best


def apply(mode: ComputeMode, state: State, config: TrainConfig) -> TrainConfig:
    """Put the networks into this mode; returns the settings that steps are then taken with."""
    memory_format = torch.channels_last if mode.channels_last else torch.contiguous_format
    for net in (state.G, state.D, state.G_ema):
        net.to(memory_format=memory_format)
    if mode.compiled:
        state.G.compile()
        if not config.has_penalty:
            state.D.compile()
    return config.model_copy(update={"precision": "bf16" if mode.bf16 else "fp32"})


def choose_mode(
    config: TrainConfig,
    folder: Path,
    fresh: Callable[[], State],
    step: Callable[[State, TrainConfig], Any],
    device: torch.device,
    log: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> ComputeMode | None:
    """The mode of this run: the one in its folder, else the fastest in a trial on throwaway states. None on a CPU."""
    candidates = candidate_modes(config, device)
    if not candidates:
        return None
    known = read_json(folder / FILE)
    if known:
        return ComputeMode(**known)

    def seconds(mode: ComputeMode) -> float:
        state = fresh()
        trial_config = apply(mode, state, config)
        for number in range(WARM_UP + STEPS):
            if number == WARM_UP:
                synchronize(device)
                started = time.monotonic()
            step(state, trial_config)
        synchronize(device)
        return time.monotonic() - started

    mode = fastest(candidates, seconds, log, should_stop)
    write_json(folder / FILE, mode._asdict())
    return mode
