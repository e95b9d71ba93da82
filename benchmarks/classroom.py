"""Forty tabs that watch four live runs, on this machine: python benchmarks/classroom.py [--tabs 40] [--turns 8]

One run trains (the demo of Home, on all cores); the files and jobs of three others grow as a run's do, since one run trains at
a time. The server is the real one. A tab is a WebSocket that speaks Streamlit's protocol as the browser does: it opens Live,
obeys the timers of the page, and about every thirty seconds clicks a switch, which runs its fragment anew; it draws nothing,
as forty browsers would need more than this machine. Says how long a click takes until the page is done (p95; goal: under 3 s),
what the server holds (goal: under 2 GB), and the images a second of the training with the tabs beside those without (goal: 0.95
or more). As a machine's speed drifts by more than that, the tabs watch and are away by turns, and each turn is compared with its
two neighbours.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import psutil

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]

from tests.browser.socket_tab import Tab  # noqa: E402

WARM_ROWS, OPENING_SECONDS, TURN_SECONDS, SETTLE_SECONDS = 30, 40, 37, 3  # no turn keeps step with a timer
CLIENT_NICENESS = 10
NEIGHBOURS = 1.2  # turns that follow each other share a neighbour: what that adds to the error of their mean


def grow(workspace, runs: list[str], done: threading.Event) -> None:
    """A row a second in the log of each run, as training writes them."""
    rows = {run: json.loads((workspace.run(run) / "metrics.jsonl").read_text().splitlines()[-2]) for run in runs}
    while not done.wait(1):
        for run, row in rows.items():
            row["images_seen"] += 640
            row["epoch"] += 0.1
            with open(workspace.run(run) / "metrics.jsonl", "a") as file:
                file.write("\n" + json.dumps(row))


def rate(metrics: Path, since: float, until: float) -> float:
    """Images a second of training between two moments of its own clock."""
    rows = [json.loads(line) for line in metrics.read_text().splitlines()]
    within = [row for row in rows if since <= row["elapsed_seconds"] <= until]
    return (within[-1]["images_seen"] - within[0]["images_seen"]) / (
        within[-1]["elapsed_seconds"] - within[0]["elapsed_seconds"]
    )


def now(metrics: Path) -> float:
    return json.loads(metrics.read_text().splitlines()[-1])["elapsed_seconds"]


class Turn(NamedTuple):
    """A stretch of the benchmark in which the tabs watched, or none did."""

    is_watched: bool
    rate: float  # images a second of the training
    cores: float  # that the server took
    own_cores: float  # that the tabs took


def core_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def visit(viewers: list[Tab], process: psutil.Process, metrics: Path, turns: int) -> list[Turn]:
    """All tabs open and watch; then they are away and watch by turns, beginning and ending away."""
    seconds = OPENING_SECONDS + (2 * turns + 1) * TURN_SECONDS
    measured = []
    async with asyncio.TaskGroup() as group:
        for viewer in viewers:
            group.create_task(viewer.watch(time.monotonic() + seconds))
            await asyncio.sleep(0.25)  # a class does not press at the same moment
        await asyncio.sleep(OPENING_SECONDS - 0.25 * len(viewers))
        for number in range(2 * turns + 1):
            for viewer in viewers:
                viewer.is_away = number % 2 == 0
            await asyncio.sleep(SETTLE_SECONDS)
            since, began = now(metrics), time.monotonic()
            spent = core_seconds(process), core_seconds(psutil.Process())
            await asyncio.sleep(TURN_SECONDS - SETTLE_SECONDS)
            after, lasted = (core_seconds(process), core_seconds(psutil.Process())), time.monotonic() - began
            cores = [(late - early) / lasted for early, late in zip(spent, after, strict=True)]
            measured.append(Turn(number % 2 == 1, rate(metrics, since, now(metrics)), *cores))
    return measured


def kept(turns: list[Turn]) -> list[float]:
    """The speed of each watched turn as a share of the mean speed of its two neighbours."""
    return [
        turn.rate / statistics.mean([turns[at - 1].rate, turns[at + 1].rate])
        for at, turn in enumerate(turns)
        if turn.is_watched
    ]


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--tabs", type=int, default=40)
    ask.add_argument("--turns", type=int, default=8, help="how often the tabs watch, each time for 37 s")
    asked = ask.parse_args()
    if asked.turns < 2:
        ask.error("two turns at the least")
    from gan_core import actions
    from gan_core.actions import Context
    from gan_core.storage.store import Store
    from gan_core.storage.workspace import Workspace
    from tests.browser.app_server import Server
    from tests.builders import seeded_workspace

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "ws"
        root.mkdir()
        server = Server(root, threads=None).start()
        workspace = Workspace(root)
        context = Context(Store(workspace), workspace)
        seeded_workspace.seed_dataset(workspace, context.store)
        grown = [f"r{number + 100:016x}" for number in range(3)]
        for number, run in enumerate(grown):
            seeded_workspace.seed_run(
                workspace, context.store, run, f"Run {number}", "running", created_at=time.time() - number
            )
        done = threading.Event()
        threading.Thread(target=grow, args=(workspace, grown, done), daemon=True).start()
        try:
            _, job = actions.demo(context, minutes=60)
            metrics = workspace.run(job.subject) / "metrics.jsonl"
            while not metrics.exists() or len(metrics.read_text().splitlines()) < WARM_ROWS:
                time.sleep(1)
            process = psutil.Process(server.process.pid)
            psutil.Process().nice(CLIENT_NICENESS)
            runs = [job.subject, *grown]
            viewers = [Tab(server.url, runs[number % len(runs)]) for number in range(asked.tabs)]
            turns = asyncio.run(visit(viewers, process, metrics, asked.turns))
            watched = [turn for turn in turns if turn.is_watched]
            clicks = sorted(seconds for viewer in viewers for seconds in viewer.clicks)
            shares, refreshes = kept(turns), sum(viewer.refreshes for viewer in viewers)
            error = statistics.stdev(shares) / len(shares) ** 0.5 * NEIGHBOURS
            print(f"{asked.tabs} tabs, 4 runs, {len(clicks)} clicks, {refreshes} refreshes")
            print(
                f"a click: median {statistics.median(clicks):.2f} s, p95 {clicks[int(0.95 * len(clicks))]:.2f} s, worst "
                f"{clicks[-1]:.2f} s; opening: worst {max(viewer.opened for viewer in viewers):.2f} s"
            )
            print(
                f"the server: {process.memory_info().rss / 1e6:.0f} MB, {statistics.mean(t.cores for t in watched):.3f} cores; "
                f"the tabs themselves: {statistics.mean(t.own_cores for t in watched):.3f} cores"
            )
            print("training, images a second, away and watched by turns:", *(f"{turn.rate:.0f}" for turn in turns))
            print(
                f"training keeps {statistics.mean(shares):.3f} of its speed (standard error {error:.3f}; "
                f"median {statistics.median(shares):.3f})"
            )
        finally:
            done.set()
            server.kill()
            for worker in server.workers():
                worker.kill()


if __name__ == "__main__":
    main()
