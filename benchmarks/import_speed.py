"""Import against a single-process Pillow loop over the same files: images a second, and the memory of the import.

    python benchmarks/import_speed.py ZIP_OR_FOLDER[@SIZE] ... [--repeats 3]

The reference opens each picture as a script would: read, Image.open, convert, middle square, resize, into one array. Ours is the
whole of data.importer.import_dataset: pre-flight, limited children, checksums, health, split, files on disk. They take turns,
and the best of the repeats counts. Memory is the resident set of the importing process with its children, without what is
mapped from files, looked at twenty times a second. Goal: 1.8 times on two cores,
for many small PNGs as for photographs: name one of each, such as small.zip@28 photographs.zip@64.
"""

import argparse
import io
import json
import os
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core.data.import_dataset import import_dataset
from gan_core.requests import ImportRequest

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
LOOK_SECONDS = 0.05


def files(source: Path) -> Iterator[bytes]:
    if source.is_dir():
        yield from (path.read_bytes() for path in sorted(source.rglob("*")) if path.suffix.lower() in PICTURES)
        return
    with zipfile.ZipFile(source) as archive:
        yield from (archive.read(name) for name in archive.namelist() if name.lower().endswith(PICTURES))


def pillow(source: Path, size: int) -> int:
    """How many pictures a plain loop reads into one array."""
    images = []
    for data in files(source):
        image = Image.open(io.BytesIO(data))
        image = image if image.mode == "L" else image.convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        if image.size != (size, size):
            image = image.resize((size, size), Image.Resampling.LANCZOS, (left, top, left + side, top + side))
        images.append(np.asarray(image))
    return len(images)


def ours(source: Path, size: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        return int(
            import_dataset(source, Path(folder), ImportRequest(source=str(source), name="speed", size=size)).health[
                "images"
            ]
        )


def private_bytes() -> int:
    """Of this process and its children: resident, and not shared with files."""
    total = 0
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            usage = process.memory_info()
        except psutil.NoSuchProcess:
            continue
        total += usage.rss - usage.shared
    return total


def watched(work: Callable[[], int]) -> tuple[int, float, float]:
    """(pictures, seconds, most bytes above the start)."""
    before, most, done = private_bytes(), 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not done.wait(LOOK_SECONDS):
            most = max(most, private_bytes())

    watcher = threading.Thread(target=look)
    watcher.start()
    started = time.perf_counter()
    count = work()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    return count, seconds, max(0, most - before)


def compare(source: Path, size: int, repeats: int, memory: bool) -> dict[str, object]:
    """Both ways in turns, the best of each."""
    best = {"pillow": float("inf"), "ours": float("inf")}
    counts, most = {}, 0.0
    for _ in range(repeats):
        for name, work in (("pillow", pillow), ("ours", ours)):
            task = lambda work=work: work(source, size)
            if memory and name == "ours":
                counts[name], seconds, bytes_used = watched(task)
                most = max(most, bytes_used)
            else:
                started = time.perf_counter()
                counts[name] = task()
                seconds = time.perf_counter() - started
            best[name] = min(best[name], seconds)
    report = {
        "source": source.name,
        "size": size,
        "pictures": counts,
        "seconds": {name: round(seconds, 2) for name, seconds in best.items()},
        "ratio": round(best["pillow"] / best["ours"] * counts["ours"] / counts["pillow"], 2),
    }
    return report | ({"memory_mb": round(most / 1e6)} if memory else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", metavar="ZIP_OR_FOLDER[@SIZE]", help="28 px without a size")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="watch memory, which costs some speed")
    arguments = parser.parse_args()
    print(json.dumps({"cores": len(os.sched_getaffinity(0)), "goal": 1.8}))
    for each in arguments.sources:
        source, _, size = each.partition("@")
        print(json.dumps(compare(Path(source), int(size or 28), arguments.repeats, arguments.memory)), flush=True)


if __name__ == "__main__":
    main()
