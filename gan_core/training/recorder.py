"""Write the files of a run during training: metrics, status, sample grids, checkpoints."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gan_core.errors import Overtaken, UserError
from gan_core.generation.png_metadata import notes_of
from gan_core.generation.sampling import fixed_noise, grid, real_grid, save_png, to_pixels
from gan_core.settings.run_time import seconds_left
from gan_core.settings.schema import TrainConfig, images_total
from gan_core.storage import full_disk
from gan_core.storage.run_folder import read_status
from gan_core.storage.workspace import write_json
from gan_core.tracking import Trackers
from gan_core.training import checkpoint
from gan_core.training.augment import ada
from gan_core.training.batches import TrainingSet
from gan_core.training.best_checkpoint import BestCheckpoint
from gan_core.training.device import forget_peak, memory_bytes, title
from gan_core.training.gpu_obstacle import obstacle
from gan_core.training.hooks import Hooks
from gan_core.training.line_files import LineFiles, keep_until
from gan_core.training.monitor_schedule import MonitorSchedule
from gan_core.training.state import State

TICK_SECONDS = 1.0
CHECKPOINT_SECONDS = 60.0
PAUSE_SECONDS = 1.0  # a shorter wait is not recorded as a pause
RETRY_SECONDS = 10.0  # after a checkpoint that could not be written
MOST_FAILED_SAVES = 3  # checkpoints in a row; after the third one training waits for room, with the weights in memory
MOST_GRIDS = 400  # of one run; a run with more epochs draws them less often than once an epoch
POLL_SECONDS = 0.2  # how often a run that waits for room asks whether it shall give up
FILES_WITH_ROWS = ("metrics.jsonl", "collapse.jsonl", "events.jsonl", "samples/index.jsonl")
GRID_IMAGES = 10_000  # an epoch longer than this gets grids in between
DRAWN_TOGETHER = 32  # images of a grid in one pass: no more memory than training takes


def grid_every(config: TrainConfig, train_images: int) -> int:
    """Images between two grids: an epoch, a whole fraction of a long one, or several where there would be too many grids."""
    epoch = max(train_images, config.batch)
    every = epoch / math.ceil(epoch / GRID_IMAGES)
    if config.minutes is None:  # with a time limit the clock bounds the number of grids, see grid_is_due
        every = max(every, images_total(config, train_images) / MOST_GRIDS)
    return max(config.batch, round(every))


class Recorder:
    """Writes about once a second, at a tick; between two ticks it only sums on the device."""

    def __init__(
        self, folder: Path, config: TrainConfig, data: TrainingSet, state: State, device: torch.device, hooks: Hooks
    ) -> None:
        self.folder, self.config, self.data, self.state, self.device, self.hooks = (
            folder,
            config,
            data,
            state,
            device,
            hooks,
        )
        self.log, self.trackers = hooks.log, hooks.trackers or Trackers({}, folder, {}, hooks.log)
        self.total = images_total(config, len(data.images))
        self.every = grid_every(config, len(data.images))
        self.z, self.y = (t.to(device) for t in fixed_noise(config.z_dim, len(data.classes), config.seed))
        self.sums: dict[str, torch.Tensor] = {}
        self.counts: dict[str, int] = {}  # a penalty, or G's loss, may be missing from a step
        self.latest_grid: str | None = None
        self.last_tick = self.last_checkpoint = time.monotonic()
        self.tick_images, self.next_grid = state.images_seen, 0
        self.least_seconds = (config.minutes or 0) * 60 / MOST_GRIDS
        self.last_grid_seconds = state.elapsed_seconds
        self.status: dict[str, Any] = {}
        self.monitor = MonitorSchedule(hooks.make_monitor, config, state, data.size, device, hooks.log)
        self.best = BestCheckpoint(folder / "checkpoints", state.images_seen)
        self.why_ended = self.best.no_gain(config.patience)  # before its last image, '' while it goes on
        self.leaks = ada.LeakWatch()
        self.lines = LineFiles(folder)
        self.failed_saves = 0  # checkpoints in a row that could not be written; other files do not count
        self.trouble = ""  # why the newest checkpoint could not be written, and what to do
        self.told: set[str] = set()  # failures that the log has already
        self.saved_at = state.images_seen  # a resumed state has its checkpoint; a fresh one needs none

    def begin(self) -> None:
        """Write real images for comparison and the first grid; drop rows of an earlier attempt beyond its checkpoint."""
        forget_peak(self.device)
        seen = self.state.images_seen
        self.check_still_mine()
        self.latest_grid = read_status(self.folder).get("latest_grid") if seen else None
        (self.folder / "samples").mkdir(exist_ok=True)
        dropped = [keep_until(self.folder / name, seen) for name in FILES_WITH_ROWS]
        save_png(self.folder / "samples" / "reals.png", real_grid(*self.data, self.config.seed))
        self.next_grid = (seen // self.every + 1) * self.every
        self.trackers.begin(seen)
        if seen == 0:
            if any(dropped):
                self.notice("This run had ended before its first checkpoint, so it begins at its first image again.")
            with self.tolerant("a sample grid"):
                self.draw_grid()
        else:
            self.event("resumed", "Resumed from this checkpoint.")
        if self.config.device == "auto" and self.device.type == "cpu":
            hindered = obstacle(torch.device("cuda"))
            if hindered is not None and hindered.there:
                self.notice(f"This run trains on the CPU. {hindered.what} {hindered.todo}")
        self.last_tick = self.last_checkpoint = time.monotonic()
        self.write_status("training", None)

    def add(self, stats: dict[str, torch.Tensor]) -> None:
        """Sum on the device, without waiting for it."""
        for name, value in stats.items():
            self.counts[name] = self.counts.get(name, 0) + 1
            self.sums[name] = self.sums[name] + value if name in self.sums else value.clone()

    def hold(self, seconds: float) -> None:
        """Do not count these seconds as training time."""
        self.last_tick += seconds
        self.last_checkpoint += seconds

    def waited(self, seconds: float) -> None:
        """The user held training for so long."""
        self.hold(seconds)
        if seconds >= PAUSE_SECONDS:
            self.event("pause", f"Paused for {seconds:,.0f} s.")

    def event(self, kind: str, text: str) -> None:
        """Add a line to events.jsonl, for a mark on the curves. kind: a key of views/run_events.py."""
        row = {"images_seen": self.state.images_seen, "kind": kind, "text": text, "at": time.time()}
        with self.tolerant("an event"):
            self.lines.add("events.jsonl", row)

    def notice(self, sentence: str) -> None:
        """Tell something in the log and as an event."""
        self.log(sentence)
        self.event("notice", sentence)

    def check_still_mine(self) -> None:
        """Raise Overtaken where another process carries on with this run: nothing may be written any more."""
        if not self.hooks.may_write():
            raise Overtaken

    def is_over(self) -> bool:
        """Whether all images are shown, the time is up, or the patience is at its end."""
        return self.state.images_seen >= self.total or self.time_is_up() or bool(self.why_ended)

    def time_is_up(self) -> bool:
        return self.config.minutes is not None and self.elapsed_seconds() >= self.config.minutes * 60

    def tick_if_due(self) -> None:
        if time.monotonic() - self.last_tick >= TICK_SECONDS or self.grid_is_due():
            self.tick()
        if self.monitor.is_due(self.state.elapsed_seconds):
            self.check()
            self.why_ended = self.best.no_gain(self.config.patience)
        if time.monotonic() - self.last_checkpoint >= CHECKPOINT_SECONDS:
            self.save()
            if self.failed_saves >= MOST_FAILED_SAVES:
                self.wait_until_saved(self.hooks.should_stop)

    def check(self) -> None:
        """Look for mode collapse, and keep this state where it is the best so far."""
        self.tick()
        self.check_still_mine()
        self.hold(self.monitor.check(self.epoch(), self.state.elapsed_seconds))
        with self.tolerant("the mark of the best checkpoint"):
            self.best.add(self.monitor.row, self.progress(), self.save)

    def progress(self) -> float:
        """The share of the run that is done, in [0, 1]: by images and, with a time limit, by time; the larger of both."""
        share = self.state.images_seen / self.total
        if self.config.minutes is not None:
            share = max(share, self.elapsed_seconds() / (self.config.minutes * 60))
        return min(1.0, share)

    def elapsed_seconds(self) -> float:
        return self.state.elapsed_seconds + time.monotonic() - self.last_tick

    def grid_is_due(self) -> bool:
        long_enough = self.elapsed_seconds() - self.last_grid_seconds >= self.least_seconds
        return self.state.images_seen >= self.next_grid and long_enough

    def tick(self) -> None:
        """Write a metrics line, the status, and a grid where one is due. Here alone training waits for the device."""
        self.check_still_mine()
        grid_is_due = self.grid_is_due()
        if self.counts:
            self.write_metrics()
        if grid_is_due:
            with self.tolerant("a sample grid"):
                self.draw_grid()
            self.next_grid = (self.state.images_seen // self.every + 1) * self.every
            self.last_grid_seconds = self.state.elapsed_seconds
            speed = self.status.get("images_per_second")
            self.log(f"epoch {self.epoch():.2f}, {self.state.images_seen:,} images, {speed or 0:.0f} images/s")
            self.write_status("training", speed)

    def write_metrics(self) -> None:
        """Write the means since the last tick as one line. Raises UserError diverged where they are not finite."""
        means = {name: value.item() / self.counts[name] for name, value in self.sums.items()}
        now = time.monotonic()
        seconds, images = now - self.last_tick, self.state.images_seen - self.tick_images
        self.state.elapsed_seconds += seconds
        self.last_tick, self.tick_images, self.sums, self.counts = now, self.state.images_seen, {}, {}
        if not all(math.isfinite(value) for value in means.values()):
            raise self.diverged()
        if sentence := self.leaks(means.get("ada_p"), self.state.images_seen):
            self.notice(sentence)
        row = {
            "images_seen": self.state.images_seen,
            "epoch": self.epoch(),
            "elapsed_seconds": self.state.elapsed_seconds,
            **means,
            "images_per_second": images / max(seconds, 1e-9),
            "memory_bytes": memory_bytes(self.device),
        }
        with self.tolerant("metrics"):
            self.lines.add("metrics.jsonl", row)
        self.trackers.row(row)
        self.write_status("training", row["images_per_second"])

    def diverged(self) -> UserError:
        return UserError(
            "diverged",
            f"The losses stopped being finite numbers at {self.state.images_seen:,} images.",
            "The last good checkpoint is kept: start a new run with half the learning rates or ten times the penalty.",
        )

    @contextlib.contextmanager
    def tolerant(self, what: str) -> Iterator[None]:
        """Log a failed write and go on: no training ends for a file that can be written later, or done without."""
        try:
            yield
        except OSError as error:
            self.could_not_write(what, error)

    def could_not_write(self, what: str, error: OSError) -> None:
        """Log this failure once until a checkpoint has been written, and give the disk some room for small files."""
        self.hooks.make_room()
        if (text := f"could not write {what}: {error.strerror or error}") not in self.told:
            self.told.add(text)
            self.log(text)

    def epoch(self) -> float:
        return self.state.images_seen / len(self.data.images)

    def write_status(self, phase: str, speed: float | None) -> None:
        """Write status.json and pass it to on_tick. speed: images/s of the last tick, smoothed here for the remaining time."""
        earlier = self.status.get("images_per_second")
        smooth = speed if earlier is None or speed is None else 0.8 * earlier + 0.2 * speed
        seen, elapsed = self.state.images_seen, self.state.elapsed_seconds
        self.status = {
            "phase": phase,
            "images_seen": self.state.images_seen,
            "images_total": self.total,
            "epoch": self.epoch(),
            "epochs": self.config.epochs,
            "progress": self.progress(),
            "images_per_second": smooth,
            "eta_seconds": seconds_left(
                self.config, len(self.data.images), smooth, images_seen=seen, elapsed_seconds=elapsed
            ),
            "elapsed_seconds": self.state.elapsed_seconds,
            "memory_bytes": memory_bytes(self.device),
            "device": title(self.device),
            "latest_grid": self.latest_grid,
            "why_ended": self.why_ended,
            "saved_at": self.saved_at,
            "trouble": self.trouble,
        }
        with self.tolerant("the status"):
            write_json(self.folder / "status.json", self.status, self.hooks.may_write)
        self.hooks.on_tick(self.status)

    @torch.no_grad()
    def draw_grid(self) -> None:
        """Write the fixed-noise grid of the averaged G, a file that never changes."""
        parts = zip(self.z.split(DRAWN_TOGETHER), self.y.split(DRAWN_TOGETHER), strict=True)
        images = np.concatenate([to_pixels(self.state.G_ema(z, y), self.data.size) for z, y in parts])
        name = f"fakes-{self.state.images_seen:09d}.png"
        notes = notes_of(
            self.folder.name,
            self.hooks.dataset_name,
            self.config,
            self.state.images_seen,
            seed=self.config.seed,
            truncation=1.0,
        )
        save_png(self.folder / "samples" / name, grid(images, self.data.classes), notes)
        self.lines.add(
            "samples/index.jsonl", {"images_seen": self.state.images_seen, "epoch": self.epoch(), "file": name}
        )
        self.latest_grid = name
        self.trackers.grid(self.state.images_seen, self.folder / "samples" / name)

    def save(self) -> bool:
        """Write a checkpoint, unless this state has one already. Returns whether it has one now.

        Raises UserError diverged where the state is not finite.
        """
        now = time.monotonic()
        if self.saved_at != self.state.images_seen:
            extra = {"classes": self.data.classes, "size": self.data.size}
            try:
                checkpoint.save(self.folder / "checkpoints", self.state, extra, self.hooks.may_write)
            except FloatingPointError:
                raise self.diverged() from None
            except checkpoint.NotSaved as refused:
                self.last_checkpoint = now - CHECKPOINT_SECONDS + RETRY_SECONDS
                self.not_saved(refused)
                return False
            self.saved_at = self.state.images_seen
        self.last_checkpoint, self.failed_saves, self.trouble, self.told = time.monotonic(), 0, "", set()
        return True

    def not_saved(self, refused: checkpoint.NotSaved) -> None:
        """Count a checkpoint that could not be written, and tell why at the first one."""
        self.failed_saves += 1
        self.could_not_write("a checkpoint", refused.error)
        told = full_disk.obstacle(refused.error, self.folder, refused.bytes)
        if self.failed_saves == 1:
            self.notice(f"The last checkpoint is the one at {self.saved_at:,} images. {told}")
        self.trouble = str(told)
        self.write_status(self.status.get("phase", "training"), self.status.get("images_per_second"))

    def wait_until_saved(self, give_up: Callable[[], bool]) -> bool:
        """Hold training, with the weights in memory, and try again until this state has a checkpoint.

        Returns False where give_up() was true before that. The time does not count as training time.
        """
        started = time.monotonic()
        self.tick()
        self.log("Training waits, with its weights in memory, until a checkpoint can be written.")
        while not (saved := self.save()):
            self.write_status("unsaved", None)
            again_at = time.monotonic() + RETRY_SECONDS
            while time.monotonic() < again_at and not give_up():
                time.sleep(min(POLL_SECONDS, RETRY_SECONDS))
            if give_up():
                break
        self.hold(time.monotonic() - started)
        if saved:
            self.lines.write_all(self.could_not_write)
            self.notice(f"There is room again: the checkpoint at {self.saved_at:,} images is written.")
            self.write_status("training", None)
        return saved

    def end(self, phase: str) -> None:
        """A finished run ends with a check of its last state for the best checkpoint; a stopped one may go on later.

        No run ends so without a checkpoint of its last state. Raises UserError unsaved where the user gives up waiting for room.
        """
        self.tick()
        if phase == "finished" and self.monitor.is_behind():
            self.check()
        if self.state.images_seen and self.latest_grid != f"fakes-{self.state.images_seen:09d}.png":
            with self.tolerant("a sample grid"):
                self.draw_grid()
        if not self.save() and not self.wait_until_saved(self.hooks.give_up):
            lost = self.state.images_seen - self.saved_at
            what = f"What was learnt from the last {lost:,} images is not saved. {self.trouble}"
            raise UserError("unsaved", what, f"Then resume the run: it goes on at {self.saved_at:,} images.")
        self.event("end", f"Finished. {self.why_ended}".strip() if phase == "finished" else "Stopped and kept.")
        if self.why_ended:
            self.log(self.why_ended)
        self.write_status(phase, self.status.get("images_per_second"))
        self.log(f"{phase} after {self.state.elapsed_seconds / 60:.1f} minutes, {self.state.images_seen:,} images.")

    def fail(self) -> None:
        """Write into the status that this attempt failed. What fails here must not hide why: a GPU that is lost answers nothing."""
        with contextlib.suppress(OSError, RuntimeError, AssertionError, Overtaken):
            self.check_still_mine()
            self.event("end", "Failed.")
            self.write_status("failed", None)
