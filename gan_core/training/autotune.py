"""Choose how a GPU computes a run: a few compute modes take trial steps, and the fastest is kept.

The choice takes seconds, shows its progress and can be stopped. It is remembered in the workspace for this GPU, this version of
torch and these settings, and in the run's folder, so that a resumed run computes as before; elsewhere it is made anew. A mode that
fails is left out with a line in the log. A CPU has one good mode (device.py), and several processes take the safe one.
"""

import gc
import hashlib
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gan_core.errors import Stopped
from gan_core.settings.schema import TrainConfig
from gan_core.storage.workspace import read_json, write_json
from gan_core.training import global_batch
from gan_core.training.augment import ada
from gan_core.training.batches import BatchSampler
from gan_core.training.cuda_graph import EAGER_FIRST, EAGER_OF_A_KIND, Capture, TrainSteps, capture_and_replay
from gan_core.training.device import synchronize
from gan_core.training.hooks import Hooks
from gan_core.training.state import State

FILE = "computing.json"  # in the run's folder
SHARED_FILE = "cache/compute_modes.json"  # in the workspace
ALL_SECONDS, MODE_SECONDS = 24.0, 6.0  # after which no other mode, and no other step of a mode, is begun
TIMED_SECONDS, WARM_UP, LONGEST_CYCLE, PROGRESS = 0.5, 5, 64, 0.3
BF16_GAIN = 1.1  # float32 is kept unless bfloat16 is so much faster
NO_EFFECT = {"recipe", "seed", "epochs", "minutes", "start_from"}  # settings that say nothing about the time of a step
MOST_REMEMBERED = 500


class ComputeMode(NamedTuple):
    bf16: bool
    channels_last: bool
    graph: bool  # steps are replayed as CUDA graphs

    def __str__(self) -> str:
        parts = ["bfloat16" if self.bf16 else "float32", "channels last" if self.channels_last else "contiguous"]
        return ", ".join(parts + ["CUDA graph"] * self.graph)


def candidate_modes(config: TrainConfig, device: torch.device) -> list[ComputeMode]:
    """The modes to try; the first is the safe one, which needs nothing but eager steps."""
    if device.type != "cuda" or global_batch.world()[1] > 1:  # all ranks would have to take the same trial steps
        return []
    precisions = {"auto": (False, True), "fp32": (False,), "bf16": (True,)}[config.precision]
    graphs = [ComputeMode(bf16, layout, True) for bf16 in precisions for layout in (True, False)]
    return [ComputeMode(precisions[0], True, False), *graphs]


def fastest(
    candidates: list[ComputeMode],
    seconds: Callable[[ComputeMode], float],
    log: Callable[[str], None],
    told: Callable[[float, str], None] = lambda share, text: None,
) -> ComputeMode:
    """The mode with the least seconds(mode), a step's; the first where none could be timed. told(share done, sentence).

    Raises Stopped where seconds does.
    """
    found: dict[ComputeMode, float] = {}
    began = time.monotonic()
    for number, mode in enumerate(candidates):
        if time.monotonic() - began > ALL_SECONDS:
            log(f"Not tried, because the time for trials was over: {', '.join(map(str, candidates[number:]))}.")
            break
        told(number / len(candidates), f"Choosing how to compute: {mode} ({number + 1} of {len(candidates)}).")
        try:
            found[mode] = seconds(mode)
        except Stopped:
            raise
        except Exception as error:  # a driver may raise anything; the run goes on without this mode
            log(f"Not used: {mode}. It failed here: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
    if not found:
        return candidates[0]
    best = min(found, key=lambda mode: found[mode] * (BF16_GAIN if mode.bf16 else 1.0))
    times = ", ".join(f"{mode}: {1000 * found[mode]:.1f}" for mode in found)
    log(f"Computing in {best}. Milliseconds a step: {times}.")
    return best


def apply(mode: ComputeMode, state: State, config: TrainConfig) -> TrainConfig:
    """Put fresh networks into this mode; returns the settings that steps are then taken with."""
    memory_format = torch.channels_last if mode.channels_last else torch.contiguous_format
    for net in (state.G, state.D, state.G_ema):
        net.to(memory_format=memory_format)
    return config.model_copy(update={"precision": "bf16" if mode.bf16 else "fp32"})


class Trial(NamedTuple):
    """Takes trial steps on throwaway networks. fresh: makes them; capture: see cuda_graph.TrainSteps."""

    fresh: Callable[[], State]
    sampler: BatchSampler
    config: TrainConfig
    should_stop: Callable[[], bool]
    capture: Capture = capture_and_replay

    def steps(self, mode: ComputeMode) -> TrainSteps:
        def give_up(sentence: str) -> None:
            raise RuntimeError(sentence)

        state = self.fresh()
        config = apply(mode, state, self.config)
        return TrainSteps(state, self.sampler, config, give_up, self.capture if mode.graph else None)

    def seconds(self, mode: ComputeMode) -> float:
        """Seconds of a step, the mean over whole cycles of at least TIMED_SECONDS. Raises Stopped."""
        try:
            return self.timed(self.steps(mode))
        finally:
            free_memory(self.sampler.device)  # networks are in reference cycles

    def timed(self, steps: TrainSteps) -> float:
        until, cycle = time.monotonic() + MODE_SECONDS, min(steps_of_a_cycle(self.config), LONGEST_CYCLE)
        settled = 0  # steps since a kind of step was new
        while settled < max(cycle, WARM_UP) and time.monotonic() < until:
            news = steps.eager_steps, len(steps.replays)
            self.take(steps)
            settled = settled + 1 if steps.capture is None or news == (steps.eager_steps, len(steps.replays)) else 0
        block = cycle * math.ceil(8 / cycle)  # the host may run ahead of the device within it
        synchronize(self.sampler.device)
        started, taken = time.monotonic(), 0
        while not taken or (time.monotonic() - started < TIMED_SECONDS and time.monotonic() < until):
            for _ in range(block):
                self.take(steps)
            synchronize(self.sampler.device)
            taken += block
        return (time.monotonic() - started) / taken

    def take(self, steps: TrainSteps) -> None:
        if self.should_stop():
            raise Stopped
        steps(PROGRESS)

    def works(self, mode: ComputeMode) -> Exception | None:
        """None where this mode can take a step, else what it raised."""
        try:
            self.take(self.steps(mode))
            synchronize(self.sampler.device)
            return None
        except Stopped:
            raise
        except Exception as error:
            return error
        finally:
            free_memory(self.sampler.device)


def steps_of_a_cycle(config: TrainConfig) -> int:
    """After so many steps each kind of step has come."""
    of_G = config.d_steps * (config.path_length_every if config.path_length else 1)
    return math.lcm(of_G, config.penalty_every, ada.STEPS if config.augment == "ada" else 1)


def warm_up_steps(mode: ComputeMode | None, config: TrainConfig) -> int:
    """Steps after which steps take their usual time."""
    if mode is None or not mode.graph:
        return 2
    return EAGER_FIRST + (EAGER_OF_A_KIND + 1) * min(steps_of_a_cycle(config), LONGEST_CYCLE)


def free_memory(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


class Remembered:
    """The modes that were chosen before: in the run's folder, and in the workspace by GPU, torch and settings."""

    def __init__(self, run: Path | None, shared: Path | None, config: TrainConfig, images: tuple[int, ...], gpu: str):
        """run, shared: the files, None where there is none; images: side, channels and classes of the dataset."""
        self.run, self.shared = run, shared
        self.here = {"gpu": gpu, "torch": str(torch.__version__)}
        settings = {"settings": config.model_dump(exclude=NO_EFFECT), "images": images, **self.here}
        self.key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:32]

    def read(self) -> ComputeMode | None:
        """None where nothing is known, or what is known is of another GPU or torch."""
        mine = values_of(self.run)
        if all(mine.get(name) == value for name, value in self.here.items()) and (mode := mode_of(mine)):
            return mode
        return mode_of(values_of(self.shared).get(self.key))

    def write(self, mode: ComputeMode, chosen: bool) -> None:
        """chosen: by a trial, which other runs may use; otherwise what was remembered is forgotten."""
        if self.run:
            write_json(self.run, {**mode._asdict(), **self.here})
        if self.shared:
            others = {key: value for key, value in values_of(self.shared).items() if key != self.key}
            newest = dict(list(others.items())[-MOST_REMEMBERED:])
            self.shared.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.shared, newest | ({self.key: mode._asdict()} if chosen else {}))


def values_of(path: Path | None) -> dict[str, Any]:
    """What a JSON file holds; nothing where it is not there or was damaged."""
    try:
        found = read_json(path) if path else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def mode_of(values: Any) -> ComputeMode | None:
    """From the values of a file; None where they are not a mode of this version."""
    fields = ComputeMode._fields
    if not isinstance(values, dict) or not all(isinstance(values.get(name), bool) for name in fields):
        return None
    return ComputeMode(**{name: values[name] for name in fields})


def choose_mode(trial: Trial, remembered: Remembered, hooks: Hooks) -> ComputeMode | None:
    """The mode of this run: the remembered one where it still takes a step, else the fastest in a trial. None on a CPU."""
    candidates = candidate_modes(trial.config, trial.sampler.device)
    if not candidates:
        return None
    try:
        known = remembered.read()
        error = trial.works(known) if known else None
        if known and error is None:
            return known
        if known:
            hooks.log(f"{known} worked before and fails now, so the run computes in {candidates[0]}: {error!r}")
            remembered.write(candidates[0], chosen=False)
            return candidates[0]
        mode = fastest(candidates, trial.seconds, hooks.log, hooks.on_preparing)
    except Stopped:
        return candidates[0]  # the loop stops before its first step
    remembered.write(mode, chosen=True)
    return mode


def usual_mode(remembered: Remembered, config: TrainConfig, device: torch.device) -> ComputeMode | None:
    """The mode that a run of these settings would most likely take, without a trial. None on a CPU."""
    candidates = candidate_modes(config, device)
    return (remembered.read() or candidates[1]) if candidates else None
