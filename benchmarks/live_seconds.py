"""The Live page of a run of 100,000 rows and 500 grids beside 200 other runs: python benchmarks/live_seconds.py

Seconds on the server of the first opening in a fresh server and of later reruns, and bytes and points on the wire.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]
ROWS, GRIDS, OTHERS, REPEATS = 100_000, 500, 200, 7


def fill(root: Path) -> str:
    """The workspace; returns the id of the long run, which trains."""
    from gan_core.storage.store import Store
    from gan_core.storage.workspace import Workspace
    from tests.builders import seeded_workspace

    workspace = Workspace(root)
    store = Store(workspace)
    seeded_workspace.seed_dataset(workspace, store)
    run, *others = (f"r{number + 100:016x}" for number in range(OTHERS + 1))
    seeded_workspace.seed_run(workspace, store, run, "Long", "running", created_at=time.time())
    for number, other in enumerate(others):
        seeded_workspace.seed_run(workspace, store, other, f"Run {number}", "finished", created_at=time.time() - number)
    folder = workspace.run(run)
    row = json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])
    numbers = {name: value for name, value in row.items() if name not in ("images_seen", "epoch")}
    with open(folder / "metrics.jsonl", "w") as file:
        for at in range(ROWS):
            odd = {name: value * (1 + at * 7919 % 1000 / 1000) for name, value in numbers.items()}
            file.write(json.dumps({"images_seen": 64 * at, "epoch": at / 20} | odd) + "\n")
    grids = [{"images_seen": 64 * at, "epoch": at, "file": "fakes-000001200.png"} for at in range(GRIDS)]
    (folder / "samples" / "index.jsonl").write_text("".join(json.dumps(grid) + "\n" for grid in grids))
    return run


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANVAS_WORKSPACE"] = folder
        from streamlit.testing.v1 import AppTest

        from app import warm_up
        from gan_core.jobs import supervisor

        supervisor.ensure_workers = lambda store, workspace: None
        run = fill(Path(folder))
        warm_up()
        at = AppTest.from_file(str(ROOT / "pages" / "router.py"), default_timeout=60)
        at.run()
        at.query_params["run"] = run
        at.switch_page("live/page.py")
        times = []
        for _ in range(REPEATS + 1):
            started, spent = time.perf_counter(), time.process_time()
            at.run()
            times.append((time.perf_counter() - started, time.process_time() - spent))
        assert not at.exception, at.exception
        first, *later = times
        print(f"first opening: {first[0]:.2f} s ({first[1]:.2f} s of processor)")
        wall, cpu = (statistics.median(column) for column in zip(*later, strict=True))
        print(f"a rerun of the whole page: {wall:.3f} s ({cpu:.3f} s of processor)")
        for chart in at.get("bidi_component"):
            sent = json.loads(chart.proto.json)
            points = max(
                len(trace["x"]["bdata"]) * 3 // 4 // 8 for trace in sent["figure"]["data"] if "bdata" in trace["x"]
            )
            print(f"{sent['alt'][:50]}: {len(chart.proto.json) / 1000:.0f} kB, at most {points} points a curve")


if __name__ == "__main__":
    main()
