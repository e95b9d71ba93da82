"""Experiment trackers get a copy of what a run writes: TensorBoard's event files, MLflow, Weights & Biases.

$GANVAS_SINKS names the trackers, as in `mlflow,wandb`; event files are always written, unless it is `none`. It is no setting
of a run, as it changes nothing in the run: each tracker works in a thread of its own behind a queue, and the run never waits
for it. The first failure of a tracker is logged and ends that tracker, not the run.
"""

import contextlib
import os
import queue
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from gan_core.evaluation.results import EvaluationResult
from gan_core.tracking.mlflow import Mlflow
from gan_core.tracking.tensorboard import EventFiles
from gan_core.tracking.wandb import Wandb

MOST_WAITING = 2000  # messages in the queue of a slow tracker
CLOSE_SECONDS = 10.0  # the end of a run waits so long for trackers that still write


class Tracker(Protocol):
    """Built in its own thread, with the run's folder and settings and the number of images that it has already seen.

    ended: finished, stopped or failed; '' where only scores were logged, of a run that may go on.
    """

    def row(self, images_seen: int, values: dict[str, float]) -> None: ...
    def grid(self, images_seen: int, path: Path) -> None: ...
    def scores(self, images_seen: int, values: dict[str, float]) -> None: ...
    def close(self, ended: str) -> None: ...


Maker = Callable[[Path, dict[str, Any], int], Tracker]
TRACKERS: dict[str, Maker] = {"mlflow": Mlflow, "wandb": Wandb}


def chosen(log: Callable[[str], None]) -> dict[str, Maker]:
    """The trackers that $GANVAS_SINKS names; an unknown name is logged and skipped."""
    names = [name.strip().lower() for name in os.environ.get("GANVAS_SINKS", "").split(",") if name.strip()]
    for name in names:
        if name not in (*TRACKERS, "tensorboard", "none"):
            log(f"GANVAS_SINKS: there is no tracker {name!r}; choose from {', '.join(TRACKERS)} or none.")
    makers: dict[str, Maker] = {} if "none" in names else {"tensorboard": EventFiles}
    return makers | {name: TRACKERS[name] for name in names if name in TRACKERS}


class Trackers:
    """All trackers of one run. Every method but close returns at once, and none raises."""

    def __init__(
        self, makers: dict[str, Maker], folder: Path, settings: dict[str, Any], log: Callable[[str], None]
    ) -> None:
        self.makers, self.folder, self.settings = makers, folder, settings
        self.log = quiet(log)
        self.threads: dict[str, TrackerThread] = {}

    def begin(self, images_seen: int) -> None:
        for name, make in self.makers.items():
            with contextlib.suppress(RuntimeError):  # no thread can be started
                self.threads[name] = TrackerThread(
                    name, partial(make, self.folder, self.settings, images_seen), self.log
                )

    def send(self, what: str, images_seen: int, value: Any) -> None:
        """what: the name of a method of Tracker."""
        for thread in self.threads.values():
            thread.put((what, images_seen, value))

    def row(self, row: dict[str, Any]) -> None:
        """A row of metrics.jsonl."""
        self.send("row", row["images_seen"], numbers(row))

    def grid(self, images_seen: int, path: Path) -> None:
        self.send("grid", images_seen, path)

    def scores(self, images_seen: int, result: dict[str, Any]) -> None:
        """The result of an evaluation; scores from different feature networks have different names."""
        network = result.get("extractor")
        found = {f"scores/{network}/{key}": result[key] for key in EvaluationResult.read(result).score_keys}
        self.send("scores", images_seen, numbers(found))

    def close(self, ended: str) -> None:
        """Give each tracker CLOSE_SECONDS to write what waits; a slower one goes on alone until the process ends.

        ended: as in Tracker.
        """
        for thread in self.threads.values():
            thread.end(ended)
        for name, thread in self.threads.items():
            thread.thread.join(CLOSE_SECONDS)
            if thread.thread.is_alive():
                self.log(f"{name}: still writing; the run does not wait for it.")
        self.threads = {}


def log_scores(folder: Path, settings: dict[str, Any], result: dict[str, Any], log: Callable[[str], None]) -> None:
    """Send the result of an evaluation to all trackers."""
    trackers = Trackers(chosen(log), folder, settings, log)
    trackers.begin(result["images_seen"])
    trackers.scores(result["images_seen"], result)
    trackers.close("")


END = ("", 0, None)


class TrackerThread:
    """A tracker in its thread, and the messages that wait for it. A tracker that failed still gets the end of the run."""

    def __init__(self, name: str, make: Callable[[], Tracker], log: Callable[[str], None]) -> None:
        self.name, self.make, self.log = name, make, log
        self.waiting: queue.Queue[tuple[str, int, Any]] = queue.Queue(MOST_WAITING)
        self.dropped = False
        self.ended = ""
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, name=f"tracker-{name}", daemon=True)
        self.thread.start()

    def put(self, message: tuple[str, int, Any]) -> None:
        if self.dropped:
            return
        try:
            self.waiting.put_nowait(message)
        except queue.Full:
            self.drop("it cannot keep up")

    def end(self, ended: str) -> None:
        """The run is over. ended: as in Tracker. What waits is written first, unless the tracker failed."""
        self.ended = ended
        self.over.set()
        self.put(END)

    def work(self) -> None:
        tracker = None
        try:
            tracker = self.make()
            while (message := self.waiting.get()) is not END and not self.dropped:
                what, images_seen, value = message
                getattr(tracker, what)(images_seen, value)
        except BaseException as error:  # a tracker may raise anything, also SystemExit
            self.drop(f"{type(error).__name__}: {error}".splitlines()[0][:300])
        self.over.wait()
        try:
            if tracker is not None:
                tracker.close(self.ended)
        except BaseException as error:
            self.drop(f"{type(error).__name__}: {error}".splitlines()[0][:300])

    def drop(self, why: str) -> None:
        if not self.dropped:
            self.dropped = True
            self.log(f"{self.name}: left out from here on. {why}")


def quiet(log: Callable[[str], None]) -> Callable[[str], None]:
    """A log that does not raise where the disk is full."""

    def safe(text: str) -> None:
        with contextlib.suppress(OSError):
            log(text)

    return safe


def numbers(values: dict[str, Any]) -> dict[str, float]:
    """The plain numbers among values."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name != "images_seen"
    }
