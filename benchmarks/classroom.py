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
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "browser")]
SWITCH, CLICK_SECONDS, WARM_SECONDS, ALONE_SECONDS = "Log scale", 30.0, 30, 60
CLIENT_NICENESS = 10
ENDINGS = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Tab:
    """One viewer of one run."""

    def __init__(self, url: str, run: str):
        self.url, self.run = url, run
        self.switch, self.its_fragment, self.is_on = "", "", False
        self.page = ""
        self.timers: dict[str, asyncio.Task] = {}
        self.ended = asyncio.Event()
        self.clicks: list[float] = []
        self.opened = 0.0
        self.received = self.refreshes = 0

    async def ask(self, fragment: str = "", by_timer: bool = False) -> None:
        """Have the page, or one fragment of it, run again."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash, state.fragment_id = f"run={self.run}", self.page, fragment
        state.is_auto_rerun = by_timer
        if not self.page:
            state.page_name = "live"
        if self.switch:
            state.widget_states.widgets.add(id=self.switch, bool_value=self.is_on)
        await self.socket.send(message.SerializeToString())

    async def tick(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self.refreshes += 1
            await self.ask(fragment, by_timer=True)

    def stop(self, fragments=None) -> None:
        for fragment in list(self.timers) if fragments is None else fragments:
            if timer := self.timers.pop(fragment, None):
                timer.cancel()

    async def listen(self) -> None:
        async for data in self.socket:
            self.received += len(data)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "new_session" and not message.metadata.run.fragment_ids:
                self.stop()
            elif kind == "navigation":
                self.page = message.navigation.page_script_hash
            elif kind == "auto_rerun":
                self.stop([message.auto_rerun.fragment_id])
                self.timers[message.auto_rerun.fragment_id] = asyncio.create_task(
                    self.tick(message.auto_rerun.fragment_id, message.auto_rerun.interval)
                )
            elif kind == "stop_auto_rerun":
                self.stop(message.stop_auto_rerun.fragment_ids)
            elif kind == "delta" and message.delta.new_element.checkbox.label == SWITCH:
                self.switch = message.delta.new_element.checkbox.id
                self.its_fragment = message.delta.fragment_id
            elif kind == "script_finished" and message.script_finished in ENDINGS:
                self.ended.set()

    async def click(self) -> float:
        self.ended.clear()
        started = time.perf_counter()
        self.is_on = not self.is_on
        await self.ask(self.its_fragment)  # as the browser does: what is in a fragment asks for that alone
        await asyncio.wait_for(self.ended.wait(), 60)
        return time.perf_counter() - started

    async def watch(self, until: float) -> None:
        place = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        async with connect(place, max_size=None, ping_interval=None) as self.socket:
            ear = asyncio.create_task(self.listen())
            started = time.perf_counter()
            await self.ask()
            await asyncio.wait_for(self.ended.wait(), 60)
            self.opened = time.perf_counter() - started
            assert self.switch, "Live shows no switch"
            while (wait := CLICK_SECONDS * random.uniform(0.5, 1.5)) + time.monotonic() < until:
                await asyncio.sleep(wait)
                self.clicks.append(await self.click())
            self.stop()
            ear.cancel()


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
