"""Callbacks that a job passes to training, which knows nothing of stores, jobs or pages."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_core.tracking import Trackers
from gan_core.training.monitor_schedule import CollapseMonitor


@dataclass(frozen=True)
class Hooks:
    """Functions that the training loop calls; every one of them may be left out.

    on_tick: gets the contents of status.json about once a second. on_preparing: gets (share done, sentence) while something
    is prepared before the first step. should_stop: asked at each step; the call waits while the run is paused. make_monitor:
    builds the collapse monitor, called when its first check is due. start_weights: the checkpoint of another run, or
    published weights, to start from (transfer.py). guide_weights: the layers of a classifier of the training images, for a
    guided D (models/guided.py). dataset_name: written into each sample grid. trackers: get a copy of rows and grids, and
    change nothing in the run. give_up: whether a run whose last checkpoint cannot be written shall end all the same. may_write:
    whether no other process carries on with this run; asked before each write. make_room: gives a full disk some room for small
    files, where that is possible. compute_modes: a JSON file of the workspace that remembers how a GPU computes (autotune.py).
    """

    on_tick: Callable[[dict[str, Any]], None] = lambda status: None
    on_preparing: Callable[[float, str], None] = lambda share, sentence: None
    should_stop: Callable[[], bool] = lambda: False
    log: Callable[[str], None] = print
    make_monitor: Callable[[], CollapseMonitor] | None = None
    start_weights: Callable[[], Any] | None = None
    guide_weights: Callable[[], dict[str, Any]] | None = None
    dataset_name: str = ""
    trackers: Trackers | None = None
    compute_modes: Path | None = None
    give_up: Callable[[], bool] = lambda: False
    may_write: Callable[[], bool] = lambda: True
    make_room: Callable[[], object] = lambda: None
