"""When a run is looked at for mode collapse, and what that look may touch: nothing that training depends on.

The panel itself (what is measured, when it alarms) comes from outside: see metrics/panel.py.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch

from gan_core.errors import Stopped
from gan_core.generation.sampling import from_pixels, to_pixels
from gan_core.settings.families import TRAITS, inner_size
from gan_core.settings.schema import TrainConfig
from gan_core.training.step import State

IMAGES_BETWEEN = 10_000  # images shown between two looks
MOST_SHARE = 0.02  # of the training time that looks may take: a costly one is followed by a longer wait
BATCH = 64

Draw = Callable[[np.ndarray, np.ndarray], np.ndarray]
Judge = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Panel(Protocol):
    def check(self, draw: Draw, judge: Judge | None, images_seen: int, epoch: float) -> dict[str, Any]:
        """draw(z float32 [N, z_dim], y int64 [N]) -> uint8 [N, S, S, C]; judge(uint8 [N, S, S, C], y) -> logits of D [N].

        judge is None where the game has no D.
        """
        ...


class MonitorSchedule:
    """Builds the panel when it is first due (it may have to train a classifier), then looks now and then."""

    def __init__(
        self,
        make_monitor: Callable[[], Panel] | None,
        config: TrainConfig,
        state: State,
        size: int,
        device: torch.device,
        log: Callable[[str], None],
    ):
        self.make_monitor = make_monitor
        self.panel: Panel | None = None
        self.config, self.state, self.size, self.device, self.log = config, state, size, device, log
        self.next_images = (state.images_seen // IMAGES_BETWEEN + 1) * IMAGES_BETWEEN
        self.next_seconds = 0.0

    def is_due(self, elapsed_seconds: float) -> bool:
        enough = self.state.images_seen >= self.next_images and elapsed_seconds >= self.next_seconds
        return self.make_monitor is not None and enough

    def __call__(self, epoch: float, elapsed_seconds: float) -> float:
        """One look. Returns the seconds that went into building the panel, which are no training time."""
        assert self.make_monitor is not None
        built = 0.0
        with untouched(self.state, self.device):
            started = time.monotonic()
            try:
                if self.panel is None:
                    self.panel = self.make_monitor()
                    built = time.monotonic() - started
                    self.log(f"Ready to watch for mode collapse after {built:.1f} s.")
                    started = time.monotonic()
                judge = self.judge if TRAITS[self.config.family].losses else None
                row = self.panel.check(self.draw, judge, self.state.images_seen, epoch)
                cost = time.monotonic() - started
                if row["verdict"] in ("amber", "red"):
                    self.log(f"{row['verdict']}: {row['sentence']}")
            except Stopped:
                return time.monotonic() - started if self.panel is None else built
            except Exception as error:  # a run is worth more than its panel
                self.log(f"No look for mode collapse: {error!r}")
                if self.panel is None or not isinstance(error, OSError):  # a full disk may have room again later
                    self.make_monitor = None
                    self.log("This run is not watched for mode collapse any more.")
                    return built if self.panel is not None else time.monotonic() - started
                cost = time.monotonic() - started
        self.next_images = (self.state.images_seen // IMAGES_BETWEEN + 1) * IMAGES_BETWEEN
        self.next_seconds = elapsed_seconds + cost / MOST_SHARE
        return built

    @torch.no_grad()
    def draw(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(z), BATCH):
            noise = torch.from_numpy(z[start : start + BATCH]).to(self.device)
            labels = torch.from_numpy(y[start : start + BATCH]).to(self.device)
            parts.append(to_pixels(self.state.G_ema(noise, labels).float(), self.size))
        return np.concatenate(parts)

    @torch.no_grad()
    def judge(self, images: np.ndarray, y: np.ndarray) -> np.ndarray:
        inner, parts = inner_size(self.config.family, self.size), []
        for start in range(0, len(images), BATCH):
            pixels = torch.from_numpy(np.array(images[start : start + BATCH])).permute(0, 3, 1, 2).to(self.device)
            labels = torch.from_numpy(y[start : start + BATCH]).to(self.device)
            answers = self.state.D(from_pixels(pixels, inner), labels).float()  # [N] or [N, K]
            parts.append(answers.view(len(pixels), -1).mean(1).cpu().numpy())
        return np.concatenate(parts)


@contextmanager
def untouched(state: State, device: torch.device) -> Iterator[None]:
    """Random numbers and modes are afterwards what they were: with or without a panel, the run is the same bit for bit."""
    training = state.D.training
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        state.D.eval()
        try:
            yield
        finally:
            state.D.train(training)
