"""Forty tabs that watch four live runs, on this machine: python benchmarks/classroom.py [--tabs 40] [--seconds 90]

One run trains (the demo of Home, on all cores); the files and jobs of three others grow as a run's do, since one run trains at
a time. The server is the real one. A tab is a WebSocket that speaks Streamlit's protocol as the browser does: it opens Live,
obeys the timers of the page, and about every thirty seconds clicks a switch, which runs its fragment anew; it draws nothing,
as forty browsers would need more than this machine. Says how long a click takes until the page is done (p95; goal: under 3 s),
what the server holds (goal: under 2 GB), and the images a second of the training with the tabs beside those without (goal: 0.95
or more).
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

import psutil

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

from socket_tab import Tab  # noqa: E402

WARM_SECONDS, ALONE_SECONDS = 30, 60
CLIENT_NICENESS = 10


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


async def visit(url: str, runs: list[str], tabs: int, seconds: float) -> list[Tab]:
    viewers = [Tab(url, runs[number % len(runs)]) for number in range(tabs)]
    async with asyncio.TaskGroup() as group:
        for viewer in viewers:
            group.create_task(viewer.watch(time.monotonic() + seconds))
            await asyncio.sleep(0.25)  # a class does not press at the same moment
    return viewers


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--tabs", type=int, default=40)
    ask.add_argument("--seconds", type=float, default=90)
    asked = ask.parse_args()
    import seeded
    from app_server import Server

    from gan_core import actions
    from gan_core.actions import Desk
    from gan_core.store import Store
    from gan_core.workspace import Workspace

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "ws"
        root.mkdir()
        server = Server(root, threads=None).start()
        workspace = Workspace(root)
        desk = Desk(Store(workspace), workspace)
        seeded.seed_dataset(workspace, desk.store)
        grown = [f"r{number + 100:016x}" for number in range(3)]
        for number, run in enumerate(grown):
            seeded.seed_run(workspace, desk.store, run, f"Run {number}", "running", created_at=time.time() - number)
        done = threading.Event()
        threading.Thread(target=grow, args=(workspace, grown, done), daemon=True).start()
        try:
            _, job = actions.demo(desk, minutes=60)
            metrics = workspace.run(job.subject) / "metrics.jsonl"
            while not metrics.exists() or len(metrics.read_text().splitlines()) < WARM_SECONDS:
                time.sleep(1)
            process = psutil.Process(server.process.pid)
            psutil.Process().nice(CLIENT_NICENESS)
            before = now(metrics)
            time.sleep(ALONE_SECONDS)
            first, spent = now(metrics), process.cpu_times()
            began = time.monotonic()
            viewers = asyncio.run(visit(server.url, [job.subject, *grown], asked.tabs, asked.seconds))
            lasted, after = time.monotonic() - began, process.cpu_times()
            memory, second = process.memory_info().rss, now(metrics)
            time.sleep(ALONE_SECONDS)
            third = now(metrics)
            alone = statistics.mean([rate(metrics, before, first), rate(metrics, second, third)])
            watched = rate(metrics, first + 5, second - 1)
            clicks = sorted(seconds for viewer in viewers for seconds in viewer.clicks)
            cores = (after.user + after.system - spent.user - spent.system) / lasted
            mine = psutil.Process().cpu_times()
            print(f"{asked.tabs} tabs, 4 runs, {lasted:.0f} s, {len(clicks)} clicks")
            print(
                f"a click: median {statistics.median(clicks):.2f} s, p95 {clicks[int(0.95 * len(clicks))]:.2f} s, worst "
                f"{clicks[-1]:.2f} s; opening: worst {max(viewer.opened for viewer in viewers):.2f} s"
            )
            print(
                f"the server: {memory / 1e6:.0f} MB, {cores:.2f} cores, {sum(v.refreshes for v in viewers) / lasted:.1f} "
                f"refreshes a second, {sum(v.received for v in viewers) / lasted / 1e6:.2f} MB a second"
            )
            print(f"the tabs themselves: {(mine.user + mine.system) / lasted:.2f} cores")
            print(f"training: {watched:.0f} images a second with the tabs, {alone:.0f} without: {watched / alone:.3f}")
        finally:
            done.set()
            server.kill()
            for worker in server.workers():
                worker.kill()


if __name__ == "__main__":
    main()
