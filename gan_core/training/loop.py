"""Train a run: take steps until the budget is spent; metrics, sample grids and checkpoints go into the run's folder."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gan_core.errors import Stopped
from gan_core.models.guided import GuidedDiscriminator
from gan_core.settings.schema import TrainConfig, images_total
from gan_core.storage.run_folder import read_status
from gan_core.storage.workspace import write_json
from gan_core.text import all_of
from gan_core.training import autotune, checkpoint, distributed
from gan_core.training.batches import BatchSampler, TrainingSet
from gan_core.training.cuda_graph import TrainSteps, capture_and_replay
from gan_core.training.device import PeakMemory, choose, prepare, synchronize, title
from gan_core.training.hooks import Hooks
from gan_core.training.recorder import CHECKPOINT_SECONDS, Recorder
from gan_core.training.state import State
from gan_core.training.step import new_state
from gan_core.training.transfer import load_weights_from

START_FILE = "start.json"  # in the run's folder: what was taken of the weights that the run started from


def train(config: TrainConfig, data: Any, folder: Path, hooks: Hooks) -> dict[str, Any]:
    """Train into `folder`, from its newest checkpoint where it has one; returns the last status.

    data: images uint8 [N, S, S, C], labels int64 [N] and classes of the training split. Writes metrics.jsonl, status.json,
    samples/ and checkpoints/. Ends early, with a checkpoint, when hooks.should_stop() is true. Raises UserError diverged where
    the losses stop being finite.
    """
    device = choose(config.device)
    prepare(device)
    distributed.check_batch(config)
    data = TrainingSet.of(data, config)
    sampler = BatchSampler(data, config, device)
    config, state, mode = first_state(config, data, sampler, folder, hooks)
    started_from, passed_over = restore_or_start(state, folder, hooks)
    recorder = Recorder(folder, config, data, state, device, hooks)
    if not distributed.is_rank_0():
        return follow(recorder, steps_in(mode, state, sampler, config, recorder.notice))
    recorder.begin()
    if passed_over:
        recorder.notice(passed_over)
    if sampler.place.type != device.type:
        recorder.notice(
            "The training images are too many for the GPU: they stay in the computer's memory, and each batch is copied."
        )
    if started_from:
        write_json(folder / START_FILE, started_from)
        recorder.event("notice", started_from["sentence"])
    hooks.log(
        f"{config.recipe} on {title(device)}, {torch.get_num_threads()} threads: {len(data.images):,} training images of "
        f"{data.size} px, {len(data.classes)} classes, {images_total(config, len(data.images)):,} images to show."
    )
    try:
        take_steps(recorder, steps_in(mode, state, sampler, config, recorder.notice))
    except BaseException:
        recorder.fail()
        raise
    return recorder.status


def first_state(
    config: TrainConfig, data: TrainingSet, sampler: BatchSampler, folder: Path, hooks: Hooks
) -> tuple[TrainConfig, State, autotune.ComputeMode | None]:
    """(the settings that steps are taken with, a fresh state, the compute mode), in the fastest compute mode of the device."""
    fresh = lambda: build_state(config, data, sampler.device)
    images = (data.size, data.channels, len(data.classes))
    remembered = autotune.Remembered(folder / autotune.FILE, hooks.compute_modes, config, images, title(sampler.device))
    mode = autotune.choose_mode(autotune.Trial(fresh, sampler, config, hooks.should_stop), remembered, hooks)
    state = fresh()  # seeds torch: a trial leaves no trace
    if mode:
        config = autotune.apply(mode, state, config)
    distributed.sync_batch_norm(state.G)
    distributed.sync_batch_norm(state.D)
    return config, state, mode


def steps_in(
    mode: autotune.ComputeMode | None,
    state: State,
    sampler: BatchSampler,
    config: TrainConfig,
    notice: Callable[[str], None],
) -> TrainSteps:
    """The steps of a run in this mode. config: the settings that the mode gave."""
    return TrainSteps(state, sampler, config, notice, capture_and_replay if mode and mode.graph else None)


def build_state(config: TrainConfig, data: TrainingSet, device: torch.device) -> State:
    return new_state(config, size=data.size, channels=data.channels, num_classes=len(data.classes), device=device)


def restore_or_start(state: State, folder: Path, hooks: Hooks) -> tuple[dict[str, Any] | None, str]:
    """Put the newest checkpoint into the state; without one, other weights and those of the guide where they are given.

    Returns (what was taken of other weights, see transfer.py; which newer checkpoints could not be read, in a sentence, or "").
    Raises UserError damaged_checkpoints where the run had checkpoints and none can be read.
    """
    rank_0 = distributed.is_rank_0()
    found = distributed.broadcast(checkpoint.to_resume(folder / "checkpoints", had_saved(folder)) if rank_0 else None)
    if found is not None:
        checkpoint.restore(state, found.values)
        hooks.log(f"Resumed at {state.images_seen:,} images from a checkpoint.")
        return None, about_passed_over(found.passed_over, state.images_seen)
    started_from = None
    if hooks.start_weights is not None:
        started_from = load_weights_from(state, hooks.start_weights(), hooks.log)
    if isinstance(state.D, GuidedDiscriminator) and (hooks.guide_weights is not None or not rank_0):
        state.D.load_classifier(
            distributed.broadcast(hooks.guide_weights() if hooks.guide_weights is not None and rank_0 else None)
        )
    return started_from, ""


def had_saved(folder: Path) -> bool:
    """Whether the run had a checkpoint, by what it told of itself; older versions told only how long it had trained."""
    status = read_status(folder)
    if "saved_at" in status:
        return bool(status["saved_at"])
    return (status.get("elapsed_seconds") or 0) > 2 * CHECKPOINT_SECONDS


def about_passed_over(newer: list[int], images_seen: int) -> str:
    """What a run says that goes on from an older checkpoint; '' where it goes on from its newest."""
    if not newer:
        return ""
    places = all_of([f"{seen:,}" for seen in sorted(newer)])
    return (
        f"The {'checkpoint' if len(newer) == 1 else 'checkpoints'} at {places} images could not be read, so the run goes on from "
        f"the one at {images_seen:,}. The damaged files are kept in checkpoints/bad."
    )


def take_steps(recorder: Recorder, steps: TrainSteps) -> None:
    """Steps of rank 0 until the run is over or the user stops it."""
    should_stop = recorder.hooks.should_stop
    stopped = should_stop()
    while not recorder.is_over() and not stopped:
        _, progress = distributed.broadcast_numbers(1, recorder.progress())
        recorder.add(steps(progress))
        recorder.tick_if_due()
        asked_at = time.monotonic()
        stopped = should_stop()  # waits here while the run is paused
        recorder.waited(time.monotonic() - asked_at)
    distributed.broadcast_numbers(0, 1)
    recorder.end("stopped" if stopped else "finished")


def follow(recorder: Recorder, steps: TrainSteps) -> dict[str, Any]:
    """Steps of every other rank for as long as rank 0 goes on; nothing is written."""
    while True:
        goes_on, progress = distributed.broadcast_numbers(0, 0)
        if not goes_on:
            return recorder.status
        steps(progress)


def probe(
    config: TrainConfig, data: Any, seconds: float, should_stop: Callable[[], bool], compute_modes: Path | None = None
) -> dict[str, Any]:
    """Speed, memory and checkpoint size of a few real steps, after some to warm up. Nothing is written. Raises Stopped.

    compute_modes: see Hooks; the steps are taken in the mode that is remembered there.
    """
    device = choose(config.device)
    prepare(device)
    data = TrainingSet.of(data, config)
    with PeakMemory(device) as memory:
        state, sampler = build_state(config, data, device), BatchSampler(data, config, device)
        images = (data.size, data.channels, len(data.classes))
        mode = autotune.usual_mode(
            autotune.Remembered(None, compute_modes, config, images, title(device)), config, device
        )
        steps = steps_in(mode, state, sampler, autotune.apply(mode, state, config) if mode else config, print)
        for _ in range(autotune.warm_up_steps(mode, config)):
            steps(0.0)
            if should_stop():
                raise Stopped
        synchronize(device)
        started, before = time.monotonic(), state.images_seen
        while time.monotonic() - started < seconds and not should_stop():
            steps(0.0)
        synchronize(device)
        speed = (state.images_seen - before) / (time.monotonic() - started)
    parameters = sum(p.numel() for net in (state.G, state.D) for p in net.parameters())
    return {
        "images_per_second": speed,
        "memory_bytes": memory.bytes,
        "checkpoint_bytes": 4 * (3 * parameters + sum(p.numel() for p in state.G.parameters())),
        "device": title(device),
        "mode": str(mode) if mode else None,
    }
