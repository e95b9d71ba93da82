"""What a run tells other tools, one way: TensorBoard's event files, MLflow, Weights & Biases.

$GANVAS_SINKS says which trackers get a copy, as in `mlflow,wandb`; event files are written without asking, unless it is `none`.
It is no setting of a run, since it changes nothing of it: each sink works in a thread of its own behind a queue that never
makes the run wait, and the first failure of a sink is logged and ends that sink, not the run.
"""

import contextlib
import os
import queue
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from gan_core.evaluation.result_dicts import scores_of
from gan_core.tracking.tensorboard import EventFiles
from gan_core.tracking.trackers import Mlflow, Wandb

MOST_WAITING = 2000  # messages that a slow sink may be behind
CLOSE_SECONDS = 10.0  # how long the end of a run waits for sinks that still write


class Sink(Protocol):
    """Made in its own thread, with the run's folder and settings and how many images it has seen already.

    ended: finished, stopped, failed; '' where scores alone were told, of a run that may go on.
    """

    def row(self, images_seen: int, values: dict[str, float]) -> None: ...
    def grid(self, images_seen: int, path: Path) -> None: ...
    def scores(self, images_seen: int, values: dict[str, float]) -> None: ...
    def close(self, ended: str) -> None: ...


Maker = Callable[[Path, dict[str, Any], int], Sink]
TRACKERS: dict[str, Maker] = {"mlflow": Mlflow, "wandb": Wandb}


def chosen(log: Callable[[str], None]) -> dict[str, Maker]:
    """The sinks that $GANVAS_SINKS asks for; a name that it does not know is logged and left out."""
    names = [name.strip().lower() for name in os.environ.get("GANVAS_SINKS", "").split(",") if name.strip()]
    for name in names:
        if name not in (*TRACKERS, "tensorboard", "none"):
            log(f"GANVAS_SINKS: there is no sink {name!r}; choose of {', '.join(TRACKERS)} or none.")
    makers: dict[str, Maker] = {} if "none" in names else {"tensorboard": EventFiles}
    return makers | {name: TRACKERS[name] for name in names if name in TRACKERS}


class Sinks:
    """All sinks of one run, or none. Every method returns at once and never raises."""

    def __init__(self, makers: dict[str, Maker], folder: Path, settings: dict[str, Any], log: Callable[[str], None]):
        self.makers, self.folder, self.settings = makers, folder, settings
        self.log = quiet(log)
        self.lines: dict[str, Line] = {}

    def begin(self, images_seen: int) -> None:
        for name, make in self.makers.items():
            with contextlib.suppress(RuntimeError):  # no thread to be had
                self.lines[name] = Line(name, partial(make, self.folder, self.settings, images_seen), self.log)

    def tell(self, what: str, images_seen: int, value: Any) -> None:
        """what: a method of Sink."""
        for line in self.lines.values():
            line.put((what, images_seen, value))

    def row(self, row: dict[str, Any]) -> None:
        """A row of metrics.jsonl."""
        self.tell("row", row["images_seen"], numbers(row))

    def grid(self, images_seen: int, path: Path) -> None:
        self.tell("grid", images_seen, path)

    def scores(self, images_seen: int, result: dict[str, Any]) -> None:
        """The result of a measurement; scores of different networks stand apart."""
        network = result.get("extractor")
        found = {f"scores/{network}/{key}": result[key] for key in scores_of(result)}
        self.tell("scores", images_seen, numbers(found))

    def close(self, ended: str) -> None:
        """Let each sink write what waits, for a while; one that is slower goes on alone, or is cut off with the process.

        ended: as in Sink.
        """
        for line in self.lines.values():
            line.end(ended)
        for name, line in self.lines.items():
            line.thread.join(CLOSE_SECONDS)
            if line.thread.is_alive():
                self.log(f"{name}: still writing; the run does not wait for it.")
        self.lines = {}


def tell_scores(folder: Path, settings: dict[str, Any], result: dict[str, Any], log: Callable[[str], None]) -> None:
    """What a measurement of a run found, to all sinks."""
    told = Sinks(chosen(log), folder, settings, log)
    told.begin(result["images_seen"])
    told.scores(result["images_seen"], result)
    told.close("")


END = ("", 0, None)


class Line:
    """A sink in its thread, and the messages that wait for it. One that is left out still hears how the run ended."""

    def __init__(self, name: str, make: Callable[[], Sink], log: Callable[[str], None]):
        self.name, self.make, self.log = name, make, log
        self.waiting: queue.Queue[tuple[str, int, Any]] = queue.Queue(MOST_WAITING)
        self.dropped = False
        self.ended = ""
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, name=f"sink-{name}", daemon=True)
        self.thread.start()

    def put(self, message: tuple[str, int, Any]) -> None:
        if self.dropped:
            return
        try:
            self.waiting.put_nowait(message)
        except queue.Full:
            self.drop("it cannot keep up")

    def end(self, ended: str) -> None:
        """The run is over. ended: as in Sink. What waits is written first, unless the sink was left out."""
        self.ended = ended
        self.over.set()
        self.put(END)

    def work(self) -> None:
        sink = None
        try:
            sink = self.make()
            while (message := self.waiting.get()) is not END and not self.dropped:
                what, images_seen, value = message
                getattr(sink, what)(images_seen, value)
        except BaseException as error:  # whatever a tracker throws: SystemExit too
            self.drop(f"{type(error).__name__}: {error}".splitlines()[0][:300])
        self.over.wait()
        try:
            if sink is not None:
                sink.close(self.ended)
        except BaseException as error:
            self.drop(f"{type(error).__name__}: {error}".splitlines()[0][:300])

    def drop(self, why: str) -> None:
        if not self.dropped:
            self.dropped = True
            self.log(f"{self.name}: left out from here on. {why}")


def quiet(log: Callable[[str], None]) -> Callable[[str], None]:
    """log, which a full disk does not turn into an end of the run."""

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
