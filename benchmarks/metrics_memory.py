"""Highest memory and seconds of every score on 100,000 + 100,000 images: python benchmarks/metrics_memory.py [--images 100000]

Features [N, 2048] and logits [N, 1008] of float32 lie in memory-mapped files, as the cache hands them out. The highest
memory of the process is looked at every 20 ms, in two readings: whole (RSS, which counts the pages of the mapped files that
happen to be in memory, and that the system may drop), and without mapped files. The limit is 8 GB, whole.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from gan_core.evaluation.scores.fid import frechet_distance  # noqa: E402
from gan_core.evaluation.scores.inception_score import inception_score  # noqa: E402
from gan_core.evaluation.scores.kid import kernel_distance  # noqa: E402
from gan_core.evaluation.scores.prdc import manifold_scores  # noqa: E402

FEATURES, LOGITS, HIDDEN = 2048, 1008, 64
BLOCK = 4096
LIMIT_GB = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000, help="on each side")
    n = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        real, fake = (synthetic(Path(folder) / f"{seed}.npy", n, FEATURES, seed) for seed in (0, 1))
        logits = synthetic(Path(folder) / "logits.npy", n, LOGITS, 2)
        report = {
            "images": n,
            "frechet_distance": watched(lambda: frechet_distance(real, fake)),
            "kid": watched(lambda: kernel_distance(real, fake, seed=0)),
            "inception_score": watched(lambda: inception_score(logits)),
            "precision_recall_density_coverage": watched(lambda: manifold_scores(real, fake)),
        }
    parts = [part for part in report.values() if isinstance(part, dict)]
    report["peak_gb"] = max(part["peak_gb"] for part in parts)
    report["over_limit"] = round(report["peak_gb"] / LIMIT_GB, 3)
    report["seconds"] = round(sum(part["seconds"] for part in parts), 1)
    print(json.dumps(report, indent=2))


def synthetic(path: Path, n: int, d: int, seed: int) -> np.ndarray:
    """A read-only memory map of n vectors near a curved sheet of 64 dimensions, as features of images are."""
    rng, mix = np.random.default_rng(seed), np.random.default_rng(9).normal(size=(HIDDEN, d)).astype(np.float32)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, d))
    for start in range(0, n, BLOCK):
        count = min(BLOCK, n - start)
        hidden = rng.standard_normal((count, HIDDEN), np.float32)
        out[start : start + count] = np.abs(hidden @ mix / 8 + 0.2 * rng.standard_normal((count, d), np.float32))
    out.flush()
    del out
    return np.load(path, mmap_mode="r", allow_pickle=False)


def watched(work: Callable[[], object]) -> dict:
    """The value of work(), its seconds, and the highest memory meanwhile in GB, with and without mapped files."""
    done = threading.Event()
    whole, own = [], []

    def look() -> None:
        while True:
            lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            whole.append(int(lines["VmRSS"].split()[0]) * 1024 / 1e9)
            own.append(int(lines["RssAnon"].split()[0]) * 1024 / 1e9)
            if done.wait(0.02):
                return

    thread = threading.Thread(target=look)
    thread.start()
    started = time.monotonic()
    try:
        value = work()
    finally:
        seconds = time.monotonic() - started
        done.set()
        thread.join()
    return {
        "value": value,
        "seconds": round(seconds, 1),
        "peak_gb": round(max(whole), 2),
        "peak_without_mapped_files_gb": round(max(own), 2),
    }


if __name__ == "__main__":
    main()
