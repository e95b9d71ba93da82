"""The cost of the collapse monitor: the seconds of all its checks over the training time of a run; limit 3 %.

    python benchmarks/monitor_share.py [--workspace DIR RUN]

Without a run it trains `quick` on the handwritten digits for two minutes, as a user's process does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
LIMIT = 0.03
MINUTES = 2


def ganvas(workspace: Path, *words: str) -> dict:
    command = [sys.executable, "-m", "gan_core", "--workspace", str(workspace), *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def report(workspace: Path, run: str) -> None:
    folder = workspace / "runs" / run
    checks = [json.loads(line) for line in (folder / "collapse.jsonl").read_text().splitlines()]
    status = json.loads((folder / "status.json").read_text())
    seconds, trained = sum(check["seconds"] for check in checks), status["elapsed_seconds"]
    print(f"{os.cpu_count()} cores; {status['images_seen']:,} images in {trained:.0f} s of training")
    print(f"{len(checks)} checks, {seconds:.2f} s: {seconds / trained:.2%} of the training time (limit {LIMIT:.0%})")
    for line in (folder / "log.txt").read_text().splitlines():
        if "The collapse monitor is ready" in line:
            print(f"before the first one, outside the training time: {line.split('  ', 1)[1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--workspace", type=Path)
    wanted = parser.parse_args()
    if wanted.run:
        report(wanted.workspace, wanted.run)
        return
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name)
        dataset = ganvas(workspace, "import", "demo:digits")["dataset"]
        report(workspace, ganvas(workspace, "train", dataset, "--minutes", str(MINUTES))["run"])


if __name__ == "__main__":
    main()
