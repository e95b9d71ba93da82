"""How a GPU should compute a run: twenty steps of each way, the fastest is kept, one that fails is left out with a notice.

The choice goes into the run's folder, so that a resumed run computes as it began. A CPU has one good way (device.py).
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gan_core.settings.schema import TrainConfig
from gan_core.storage.workspace import read_json, write_json
from gan_core.training import global_batch
from gan_core.training.state import State

STEPS, WARM_UP = 20, 5
FILE = "computing.json"


class Way(NamedTuple):
    bf16: bool
    channels_last: bool
    compiled: bool  # G, and D where no penalty needs a second derivative, which torch.compile cannot give

    def __str__(self) -> str:
        parts = ["bfloat16" if self.bf16 else "float32", "channels last" if self.channels_last else "contiguous"]
        return ", ".join(parts + ["compiled"] * self.compiled)


def ways(config: TrainConfig, device: torch.device) -> list[Way]:
    """What can be tried; the first is the safe one."""
    if device.type != "cuda" or global_batch.world()[1] > 1:  # several processes would have to agree step by step
        return []
    precisions = {"auto": (False, True), "fp32": (False,), "bf16": (True,)}[config.precision]
    return [
        Way(bf16, channels_last, compiled)
        for compiled in (False, True)
        for bf16 in precisions
        for channels_last in (True, False)
    ]


def fastest(
    candidates: list[Way], seconds: Callable[[Way], float], log: Callable[[str], None], should_stop: Callable[[], bool]
) -> Way:
    """The way with the least seconds(way); the first where none could be timed."""
    found: dict[Way, float] = {}
    for way in candidates:
        if should_stop():
            break
        try:
            found[way] = seconds(way)
        except Exception as error:  # whatever a compiler or a driver throws: the run goes on without it
            log(f"Not used: {way}. It failed here: {type(error).__name__}: {str(error).splitlines()[:1]}")
    best = min(found, key=found.__getitem__, default=candidates[0])
    if best in found:
        log(f"Computing in {best}: {found[best] / STEPS * 1000:.1f} ms a step, the fastest of {len(found)} ways.")
    return best


def apply(way: Way, state: State, config: TrainConfig) -> TrainConfig:
    """Make the networks compute this way; returns the settings that the steps are to be taken with."""
    memory_format = torch.channels_last if way.channels_last else torch.contiguous_format
    for net in (state.G, state.D, state.G_ema):
        net.to(memory_format=memory_format)
    if way.compiled:
        state.G.compile()
        if not config.has_penalty:
            state.D.compile()
    return config.model_copy(update={"precision": "bf16" if way.bf16 else "fp32"})


def settle(
    config: TrainConfig,
    folder: Path,
    fresh: Callable[[], State],
    step: Callable[[State, TrainConfig], Any],
    device: torch.device,
    log: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> Way | None:
    """The way of this run: as its folder says, else the fastest of a trial on throwaway states. None on a CPU."""
    candidates = ways(config, device)
    if not candidates:
        return None
    known = read_json(folder / FILE)
    if known:
        return Way(**known)

    def seconds(way: Way) -> float:
        state = fresh()
        told = apply(way, state, config)
        for number in range(WARM_UP + STEPS):
            if number == WARM_UP:
                torch.cuda.synchronize(device)
                started = time.monotonic()
            step(state, told)
        torch.cuda.synchronize(device)
        return time.monotonic() - started

    way = fastest(candidates, seconds, log, should_stop)
    write_json(folder / FILE, way._asdict())
    return way
