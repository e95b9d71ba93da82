"""Train a run: show images until the budget is spent, tick about once a second, keep grids and checkpoints in the folder.

Knows nothing of stores, jobs or pages: progress goes out through on_tick, the wish to stop comes in through should_stop.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gan_core.errors import Stopped
from gan_core.generation.sampling import from_pixels
from gan_core.models.guided import Guided
from gan_core.settings.families import inner_size
from gan_core.settings.schema import TrainConfig, images_total
from gan_core.tracking import Sinks
from gan_core.training import autotune, checkpoint, distributed, global_batch
from gan_core.training.device import PeakMemory, choose, prepare, title
from gan_core.training.monitor_schedule import Panel
from gan_core.training.recorder import Recorder
from gan_core.training.step import new_state, train_step
from gan_core.training.transfer import load_weights_from


class Sampler:
    """The whole set on the device as uint8; draws batches with replacement from torch's own generator.

    images uint8 [N, S, S, C], labels int64 [N] sorted or not. With balance every class comes up equally often.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, config: TrainConfig, inner: int, device: torch.device):
        # [N, S, S, C] seen as [N, C, S, S] is channels_last already.
        self.images = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).to(device)
        labels = np.array(labels) if config.conditional else np.zeros(len(images), np.int64)
        order = np.argsort(labels, kind="stable")
        counts = np.bincount(labels)
        present = np.flatnonzero(counts)
        self.order, self.labels = torch.from_numpy(order).to(device), torch.from_numpy(labels).to(device)
        self.present = torch.from_numpy(present).to(device)
        self.first = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)[:-1]])).to(device)
        self.counts = torch.from_numpy(counts).to(device)
        self.balance, self.flip = config.balance_classes, config.flip
        self.batch = config.batch // global_batch.world()[1]  # this process's part
        self.inner, self.device = inner, device

    def __call__(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(real [B, C, inner, inner] in [-1, 1], labels [B])."""
        if self.balance:
            labels = self.present[global_batch.randint(0, len(self.present), self.batch, device=self.device)]
            place = (
                global_batch.rand(self.batch, device=self.device, dtype=torch.float64) * self.counts[labels]
            ).long()
            index = self.order[self.first[labels] + place]
        else:
            index = global_batch.randint(0, len(self.images), self.batch, device=self.device)
            labels = self.labels[index]
        real = from_pixels(self.images[index], self.inner)
        if self.flip:
            mirrored = global_batch.rand(self.batch, 1, 1, 1, device=self.device) < 0.5
            real = torch.where(mirrored, real.flip(3), real)
        return real.contiguous(memory_format=torch.channels_last), labels


def train(
    config: TrainConfig,
    images: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    folder: Path,
    on_tick: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
    log: Callable[[str], None] = print,
    make_monitor: Callable[[], Panel] | None = None,
    other_weights: Callable[[], dict[str, Any]] | None = None,
    guide: Callable[[], dict[str, Any]] | None = None,
    *,
    dataset: str = "",
    sinks: Sinks | None = None,
) -> dict[str, Any]:
    """Train into folder, from its newest checkpoint where it has one, else from other_weights(); returns the last status.

    images uint8 [N, S, S, C], labels int64 [N], all from the training split. Writes metrics.jsonl, status.json, samples/ and
    checkpoints/. other_weights gives the checkpoint of a run to start from (transfer.py), guide the layers of a classifier of
    these images for a guided D (models/guided.py). make_monitor is called when the
    first look for mode collapse is due (checkup.py). dataset: its name, for the settings inside each grid. sinks get a copy of
    rows and grids, and change nothing. Ends early, with a checkpoint, when should_stop() says so. Raises UserError where the
    losses stop being finite.
    """
    device = choose(config.device)
    prepare(device)
    size, channels = images.shape[1], images.shape[3]
    classes = classes if config.conditional else ["all"]
    fresh = lambda: new_state(config, size=size, channels=channels, num_classes=len(classes), device=device)
    sampler = Sampler(images, labels, config, inner_size(config.family, size), device)
    trial = lambda state, told: train_step(state, *sampler(), told)
    way = autotune.settle(config, folder, fresh, trial, device, log, should_stop)
    state = fresh()  # seeds torch: a trial leaves no trace
    config = autotune.apply(way, state, config) if way else config
    distributed.sync_batch_norm(state.G)
    distributed.sync_batch_norm(state.D)
    distributed.check_batch(config)
    leads = global_batch.world()[0] == 0
    if (
        found := distributed.broadcast(checkpoint.newest(folder / "checkpoints", set_aside=True) if leads else None)
    ) is not None:
        checkpoint.restore(state, found[0])
        log(f"Resumed at {state.images_seen:,} images from a checkpoint.")
    else:
        if other_weights is not None:
            load_weights_from(state, other_weights(), log)
        if isinstance(state.D, Guided) and (guide is not None or not leads):
            state.D.take(distributed.broadcast(guide() if guide is not None and leads else None))
    recorder = Recorder(
        folder,
        config,
        classes,
        len(images),
        size,
        state,
        device,
        on_tick,
        log,
        make_monitor,
        dataset=dataset,
        sinks=sinks,
    )
    if not leads:
        return follow(recorder, sampler)
    recorder.begin(images, labels if config.conditional else np.zeros(len(images), np.int64))
    total = images_total(config, len(images))
    log(
        f"{config.recipe} on {title(device)}, {torch.get_num_threads()} threads: {len(images):,} training images of {size} px, "
        f"{len(classes)} classes, {total:,} images to show."
    )

    try:
        stopped = should_stop()
        while state.images_seen < total and not recorder.time_is_up() and not stopped:
            _, progress = distributed.broadcast_numbers(1, recorder.progress())
            recorder.add(train_step(state, *sampler(), config, progress))
            recorder.tick_if_due()
            asked_at = time.monotonic()
            stopped = should_stop()  # holds here while the run is paused
            recorder.waited(time.monotonic() - asked_at)
        distributed.broadcast_numbers(0, 1)
        recorder.end("stopped" if stopped else "finished")
    except BaseException:
        recorder.fail()
        raise
    return recorder.status


def follow(recorder: Recorder, sampler: Sampler) -> dict[str, Any]:
    """Steps beside the leader for as long as it goes on; nothing is written."""
    while True:
        goes_on, progress = distributed.broadcast_numbers(0, 0)
        if not goes_on:
            return recorder.status
        train_step(recorder.state, *sampler(), recorder.config, progress)


def probe(config: TrainConfig, data: Any, seconds: float, should_stop: Callable[[], bool]) -> dict[str, Any]:
    """Speed, memory and checkpoint size of a few real steps, after two to warm up.

    data has images uint8 [N, S, S, C], labels int64 [N] and classes. Nothing is written. Raises Stopped.
    """
    device = choose(config.device)
    prepare(device)
    size, channels = data.images.shape[1], data.images.shape[3]
    num_classes = len(data.classes) if config.conditional else 1
    with PeakMemory(device) as memory:
        state = new_state(config, size=size, channels=channels, num_classes=num_classes, device=device)
        sampler = Sampler(data.images, data.labels, config, inner_size(config.family, size), device)
        for _ in range(2):
            train_step(state, *sampler(), config)
            if should_stop():
                raise Stopped
        synchronise(device)
        started, before = time.monotonic(), state.images_seen
        while time.monotonic() - started < seconds and not should_stop():
            train_step(state, *sampler(), config)
        synchronise(device)
        speed = (state.images_seen - before) / (time.monotonic() - started)
    parameters = sum(p.numel() for net in (state.G, state.D) for p in net.parameters())
    return {
        "images_per_second": speed,
        "memory_bytes": memory.bytes,
        "checkpoint_bytes": 4 * (3 * parameters + sum(p.numel() for p in state.G.parameters())),
        "device": title(device),
    }


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
