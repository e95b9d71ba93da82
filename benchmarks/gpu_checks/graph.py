"""Checks of the way that the loop takes steps on a GPU: a CUDA graph computes what eager steps do, and keeps the GPU busy."""

import time
from typing import Any

import torch

from benchmarks.gpu_checks.bench import (
    PROGRESS,
    Bench,
    Finding,
    LoopSteps,
    full_float32,
    loop_steps,
    made_up,
    share_off,
    weights_of,
)
from gan_core.settings import recipes
from gan_core.settings.schema import TrainConfig
from gan_core.training import device as devices
from gan_core.training.batches import BatchSampler, TrainingSet
from gan_core.training.cuda_graph import Capture, TrainSteps, capture_and_replay
from gan_core.training.loop import build_state

CHOICE_SECONDS = 30  # the longest that a run may look for its compute mode
BUSY_GOAL = 0.8
BUSY_CASES = (
    *(("quick", 32), ("quick", 64), ("balanced", 64), ("best", 64), ("stylegan2-ada", 64), ("stylegan2-ada", 128)),
    *(("fastgan", 128), ("projected", 64)),
)
PROFILED_STEPS = 4
GRAPH_CASES = (("quick", 64), ("stylegan2-ada", 64), ("fastgan", 64))
GRAPH_STEPS = 40


def settings_of(bench: Bench, recipe: str, size: int, **changes: Any) -> TrainConfig:
    small = {"width": 8, "batch": 8} if bench.tiny else {}
    config = recipes.start(recipe, size=size, train_images=2000)
    return config.model_copy(update={"device": bench.device.type, "guide": False, **small, **changes})


def gpu_is_busy(bench: Bench) -> Finding:
    """Images a second of the loop's own steps; kernels run for 80 % of the time and more."""
    devices.prepare(bench.device)
    rows: dict[str, Any] = {}
    for name, size in BUSY_CASES[:1] if bench.tiny else BUSY_CASES:
        steps = loop_steps(settings_of(bench, name, size), made_up(256, size), bench.device)
        rows[f"{name} {size}"] = speed_of(bench, steps)
        del steps
        bench.free()
    busy = [row["busy"] for row in rows.values() if "busy" in row]
    speeds = [row["images_per_second"] for row in rows.values()]
    return Finding(min(speeds) > 0 and min(busy, default=1.0) >= BUSY_GOAL, {"goal": BUSY_GOAL, **rows})


def speed_of(bench: Bench, steps: LoopSteps) -> dict[str, Any]:
    for _ in range(2 if bench.tiny else 24):  # a graph is captured after some eager steps
        steps.step()
    seconds = bench.seconds(steps.step, 0.3 if bench.tiny else 2.0)
    row = {"images_per_second": round(steps.config.batch / seconds), "step_ms": round(seconds * 1e3, 2)}
    if not bench.cuda:
        return row
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        for _ in range(PROFILED_STEPS):
            steps.step()
        bench.synchronize()
    kernels = [event for event in profile.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    milliseconds = sum(event.device_time for event in kernels) / PROFILED_STEPS / 1e3
    return row | {
        "kernels": len(kernels) // PROFILED_STEPS,
        "kernels_ms": round(milliseconds, 2),
        "busy": round(milliseconds / row["step_ms"], 2),
    }


def graph_equals_eager(bench: Bench) -> Finding:
    """From one seed, replayed steps lead to the weights that eager steps lead to, and every kind of step is captured."""
    bench.need_gpu()
    rows, ok = {}, True
    with full_float32():
        for name, size in GRAPH_CASES:
            config = settings_of(bench, name, size, precision="fp32")
            said: list[str] = []
            ends = [end_of(config, size, bench.device, capture, said) for capture in (None, capture_and_replay)]
            off = share_off(*ends, limit=config.lr_D * GRAPH_STEPS / 10)
            rows[f"{name} {size}"] = {"share_off": round(off, 4), "said": said}
            ok &= off < 0.01 and not said
            bench.free()
    return Finding(ok, rows)


def end_of(
    config: TrainConfig, size: int, device: torch.device, capture: Capture | None, said: list[str]
) -> list[torch.Tensor]:
    """All weights after GRAPH_STEPS steps."""
    data = TrainingSet.of(made_up(256, size), config)
    state, sampler = build_state(config, data, device), BatchSampler(data, config, device)
    steps = TrainSteps(state, sampler, config, said.append, capture)
    torch.manual_seed(7)
    for _ in range(GRAPH_STEPS):
        steps(PROGRESS)
    return weights_of(state)


def compute_mode_is_found_soon(bench: Bench) -> Finding:
    """A run looks for its compute mode for less than half a minute."""
    bench.need_gpu()
    devices.prepare(bench.device)
    rows, ok = {}, True
    for name, size in (("quick", 64), ("fastgan", 64)):
        started = time.perf_counter()
        steps = loop_steps(settings_of(bench, name, size), made_up(256, size), bench.device)
        seconds = time.perf_counter() - started
        for _ in range(10):
            steps.step()
        rows[f"{name} {size}"] = {"seconds": round(seconds, 1), "said": steps.said[-9:]}
        ok &= seconds < CHOICE_SECONDS
        bench.free()
    return Finding(ok, rows)
