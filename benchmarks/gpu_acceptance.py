"""Does the GPU path hold? Thirteen checks in under ten minutes on one GPU, without a network connection.

    python benchmarks/gpu_acceptance.py [--device cuda] [--only NAME ...] [--data ZIP-OR-FOLDER] [--out FOLDER] [--fill FILE ...]

Each check prints one JSON line: its name, pass, fail or skip, seconds and what it measured; the lines are also in
acceptance.jsonl of --out, beside grids of samples. A table comes last. The exit code is 1 where a check failed or found no
time. Without --data the handwritten digits are used. --fill writes the figures into the GPU tables of these files, on a GPU
alone. --tiny takes small networks and short times: `--device cpu --tiny` is part of the test suite and gives no figures.
"""

import argparse
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.gpu_checks import CHECKS, Check
from benchmarks.gpu_checks.bench import Bench, Skipped
from benchmarks.gpu_checks.docs_table import fill
from gan_core.training import device as devices

LIMIT_SECONDS = 580.0


def result_of(check: Check, bench: Bench, seconds_left: float) -> dict[str, Any]:
    """One line of the report. verdict: pass, fail, skip (no sense on this device) or late (no time was left)."""
    row: dict[str, Any] = {"check": check.run.__name__, "verdict": "late", "seconds": 0.0, "budget": check.seconds}
    if seconds_left < check.seconds:
        return row
    started = time.monotonic()
    try:
        ok, found = check.run(bench)
        row |= {"verdict": "pass" if ok else "fail", "found": found}
    except Skipped as why:
        row |= {"verdict": "skip", "found": {"why": str(why)}}
    except Exception as error:  # whatever breaks in one check, the others still run
        found = {"error": f"{type(error).__name__}: {str(error)[:300]}", "at": traceback.format_exc().splitlines()[-4:]}
        row |= {"verdict": "fail", "found": found}
    finally:
        bench.free()
    return row | {"seconds": round(time.monotonic() - started, 1)}


def parsed(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [check.run.__name__ for check in CHECKS]
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--data", help="a zip or folder of class folders")
    parser.add_argument("--out", type=Path, default=Path("gpu_acceptance_out"))
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, help="seconds in all")
    parser.add_argument("--fill", type=Path, nargs="+", default=[], help="files whose GPU tables get the figures")
    parser.add_argument("--tiny", action="store_true")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """The exit code."""
    asked = parsed(words)
    bench = Bench(devices.choose(asked.device), asked.tiny, asked.data, asked.out)
    bench.out.mkdir(parents=True, exist_ok=True)
    started, rows = time.monotonic(), []
    with open(bench.out / "acceptance.jsonl", "w") as file:
        for check in CHECKS:
            if asked.only and check.run.__name__ not in asked.only:
                continue
            rows.append(result_of(check, bench, asked.limit - (time.monotonic() - started)))
            line = json.dumps(rows[-1], default=str)
            print(line, flush=True)
            print(line, file=file, flush=True)
    print("\n".join(f"{row['verdict'].upper():<5} {row['seconds']:>6.1f} s  {row['check']}" for row in rows))
    if bench.cuda and not bench.tiny:
        for path in asked.fill:
            fill(path, rows, devices.title(bench.device), str(torch.__version__))
    return int(any(row["verdict"] in ("fail", "late") for row in rows))


if __name__ == "__main__":
    sys.exit(main())
