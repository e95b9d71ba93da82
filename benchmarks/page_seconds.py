"""Server-side seconds of opening each page in a workspace with 10 runs: python benchmarks/page_seconds.py [--runs 200]

Runs the page scripts in this process as the server does (streamlit.testing), after one warm-up each. The reference is a page
that only says "hello". Limit: 0.3 s with 200 runs, each with an evaluation.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]
PAGES = ("home", "data", "train", "live", "samples", "evaluate", "export", "runs", "learn", "system")
REPEATS, POINTS, GRIDS = 7, 2000, 50
WHOLE = 10  # so many runs have all their points and grids, the others 120 and 3


def fill(root: Path, runs: int) -> None:
    """Finished, measured runs on one dataset of three classes; the newest ten with 2,000 points and 50 grids each."""
    from gan_core.storage.store import Store
    from gan_core.storage.workspace import Workspace
    from tests.builders import seeded_workspace

    workspace = Workspace(root)
    store = Store(workspace)
    seeded_workspace.seed_dataset(workspace, store)
    for number in range(runs):
        run = f"r{number + 100:016x}"
        seeded_workspace.seed_run(workspace, store, run, f"Run {number}", "finished", created_at=time.time() - number)
        seeded_workspace.add_job(store, "evaluate", run, "finished", {}, result=seeded_workspace.SCORES | {"run": run})
        if number >= WHOLE:
            continue
        folder = workspace.run(run)
        row = json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])
        with open(folder / "metrics.jsonl", "w") as file:
            for point in range(POINTS):
                file.write(json.dumps(row | {"images_seen": 64 * point, "epoch": point / 20}) + "\n")
        index = folder / "samples" / "index.jsonl"
        last = json.loads(index.read_text().splitlines()[-1])
        index.write_text("".join(json.dumps(last | {"images_seen": 64 * g, "epoch": g}) + "\n" for g in range(GRIDS)))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--runs", type=int, default=10)
    ask.add_argument("pages", nargs="*", default=list(PAGES))
    asked = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANVAS_WORKSPACE"] = folder
        from streamlit.testing.v1 import AppTest

        from app import warm_up
        from gan_core.jobs import supervisor

        supervisor.ensure_workers = lambda store, workspace: None
        fill(Path(folder), asked.runs)
        warm_up()

        def open_seconds(run) -> tuple[float, float, float]:
            """(the first time, with all its imports; the median of later times, and the median of the seconds of a core)."""
            started = time.perf_counter()
            run()
            first, times, cores = time.perf_counter() - started, [], []
            for _ in range(REPEATS):
                started, core = time.perf_counter(), time.process_time()
                run()
                times.append(time.perf_counter() - started)
                cores.append(time.process_time() - core)
            return first, statistics.median(times), statistics.median(cores)

        hello = AppTest.from_string("import streamlit as st\nst.title('hello')", default_timeout=30)
        first, floor, _ = open_seconds(hello.run)
        print(f"hello      first {first:.3f} s, then {floor:.3f} s (the reference)")
        for page in asked.pages:
            at = AppTest.from_file(str(ROOT / "pages" / "router.py"), default_timeout=30)
            if page != "home":
                at.run()
                at.switch_page(f"{page}/page.py")
            first, seconds, core = open_seconds(at.run)
            assert not at.exception, at.exception
            print(
                f"{page:<10} first {first:.3f} s, then {seconds:.3f} s ({core:.3f} s of a core), {seconds / floor:.0f} x"
            )


if __name__ == "__main__":
    main()
