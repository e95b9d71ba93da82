"""The schedule of the collapse monitor: when a run is checked, and how a check leaves training unchanged.

The collapse monitor itself, with its indicators and alarms, is evaluation/collapse/monitor.py.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch

from gan_core.errors import Stopped
from gan_core.generation.sampling import from_pixels, generate
from gan_core.models.refiner import shrink
from gan_core.settings.families import TRAITS, inner_size
from gan_core.settings.schema import TrainConfig
from gan_core.training.state import State

IMAGES_BETWEEN = 10_000  # images shown between two checks
MOST_SHARE = 0.02  # of the training time that checks may take: a slow check is followed by a longer wait
BATCH = 64

Draw = Callable[[np.ndarray, np.ndarray], np.ndarray]
Discriminate = Callable[[np.ndarray, np.ndarray], np.ndarray]


class CollapseMonitor(Protocol):
    def check(self, draw: Draw, discriminate: Discriminate | None, images_seen: int, epoch: float) -> dict[str, Any]:
        """Returns a row with "verdict" and "sentence".

        draw(z float32 [N, z_dim], y int64 [N]) -> uint8 [N, S, S, C]; discriminate(uint8 [N, S, S, C], y) -> logits of D [N], None
        where the family has no D.
        """
        ...


class MonitorSchedule:
    """Builds the monitor when its first check is due (it may have to train a classifier), then checks at intervals."""

    def __init__(
        self,
        make_monitor: Callable[[], CollapseMonitor] | None,
        config: TrainConfig,
        state: State,
        size: int,
        device: torch.device,
        log: Callable[[str], None],
    ) -> None:
        self.make_monitor = make_monitor
        self.monitor: CollapseMonitor | None = None
        self.config, self.state, self.size, self.device, self.log = config, state, size, device, log
        self.next_images = (state.images_seen // IMAGES_BETWEEN + 1) * IMAGES_BETWEEN
        self.next_seconds = 0.0
        self.row: dict[str, Any] = {}  # of the newest check; {} where it failed

    def is_due(self, elapsed_seconds: float) -> bool:
        enough = self.state.images_seen >= self.next_images and elapsed_seconds >= self.next_seconds
        return self.make_monitor is not None and enough

    def is_behind(self) -> bool:
        """Whether there was a check, but none of this state."""
        return (
            self.make_monitor is not None
            and self.row.get("images_seen", self.state.images_seen) < self.state.images_seen
        )

    def check(self, epoch: float, elapsed_seconds: float) -> float:
        """Check once. Returns the seconds that building the monitor took, which do not count as training time."""
        assert self.make_monitor is not None
        built, self.row = 0.0, {}
        with unchanged(self.state, self.device):
            started = time.monotonic()
            try:
                if self.monitor is None:
                    self.monitor = self.make_monitor()
                    built = time.monotonic() - started
                    self.log(f"The collapse monitor is ready after {built:.1f} s.")
                    started = time.monotonic()
                discriminate = self.discriminate if TRAITS[self.config.family].losses else None
                self.row = row = self.monitor.check(self.draw, discriminate, self.state.images_seen, epoch)
                if row["verdict"] in ("amber", "red"):
                    self.log(f"{row['verdict']}: {row['sentence']}")
            except Stopped:
                return time.monotonic() - started if self.monitor is None else built
            except Exception as error:  # a fault of the monitor does not end the run
                self.log(f"No check for mode collapse: {error!r}")
                if not isinstance(error, OSError):  # a full disk may have room again later
                    self.make_monitor = None
                    self.log("The collapse monitor of this run is switched off.")
                    return built if self.monitor is not None else time.monotonic() - started
            seconds = time.monotonic() - started
        self.next_images = (self.state.images_seen // IMAGES_BETWEEN + 1) * IMAGES_BETWEEN
        self.next_seconds = elapsed_seconds + seconds / MOST_SHARE
        return built

    def draw(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return generate(self.state.G_ema, z, y, self.size, BATCH)

    @torch.no_grad()
    def discriminate(self, images: np.ndarray, y: np.ndarray) -> np.ndarray:
        inner, parts = inner_size(self.config.family, self.size), []
        for start in range(0, len(images), BATCH):
            pixels = torch.from_numpy(np.array(images[start : start + BATCH])).permute(0, 3, 1, 2).to(self.device)
            labels = torch.from_numpy(y[start : start + BATCH]).to(self.device)
            shown = shrink(from_pixels(pixels, inner), self.config.train_size or inner)
            logits = self.state.D(shown, labels).float()  # [N] or [N, K]
            parts.append(logits.view(len(pixels), -1).mean(1).cpu().numpy())
        return np.concatenate(parts)


@contextmanager
def unchanged(state: State, device: torch.device) -> Iterator[None]:
    """Restores random numbers and modes at the end: with or without a monitor, the run is the same bit for bit."""
    training = state.D.training
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        state.D.eval()
        try:
            yield
        finally:
            state.D.train(training)
