"""How much memory an import takes of a zip that is far larger: noise photographs through the real import, in a process of its own.

    python benchmarks/import_memory.py [--gigabytes 2] [--size 128]

Prints JSON: the zip's size, the most that the importing process and the largest of its children had resident (as the system
counts it, pages of mapped files included), and the most they had together, looked at twenty times a second. Goal: 512 MB.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

ROOT = Path(__file__).parent.parent
PHOTOGRAPH = (1200, 900)  # pixels; as noise about 3.3 MB of PNG
CLASSES = 4
LOOK_SECONDS = 0.05
IMPORT = """
import json, resource, sys
from pathlib import Path
from gan_core.data.import_dataset import import_dataset
from gan_core.requests import ImportRequest
request = ImportRequest(source=sys.argv[1], name="memory", size=int(sys.argv[3]))
info = import_dataset(Path(sys.argv[1]), Path(sys.argv[2]), request)
peak = lambda who: resource.getrusage(who).ru_maxrss / 1e3
print(json.dumps({
    "pictures": info.health["images"],
    "parent_mb": round(peak(resource.RUSAGE_SELF)),
    "largest_child_mb": round(peak(resource.RUSAGE_CHILDREN)),
}))
"""


def make_zip(path: Path, wanted_bytes: int) -> None:
    """Noise photographs in class folders, until the zip is so large."""
    generator = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        number = 0
        while archive.fp.tell() < wanted_bytes:  # type: ignore[union-attr]
            buffer = io.BytesIO()
            width, height = PHOTOGRAPH
            noise = np.frombuffer(generator.bytes(width * height * 3), np.uint8).reshape(height, width, 3)
            Image.fromarray(noise).save(buffer, "PNG", compress_level=0)
            archive.writestr(f"noise/{number % CLASSES}/{number:06d}.png", buffer.getvalue())
            number += 1


def resident_mb(process: psutil.Process) -> float:
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--size", type=int, default=128)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "noise.zip", Path(folder) / "dataset"
        out.mkdir()
        make_zip(source, int(arguments.gigabytes * 1e9))
        started, most = time.perf_counter(), 0.0
        work = subprocess.Popen(
            [sys.executable, "-c", IMPORT, str(source), str(out), str(arguments.size)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        process = psutil.Process(work.pid)
        while work.poll() is None:
            try:
                most = max(most, resident_mb(process))
            except psutil.NoSuchProcess:
                break
            time.sleep(LOOK_SECONDS)
        printed = work.communicate()[0]
        if work.returncode:
            raise SystemExit("The import failed.")
        seconds = round(time.perf_counter() - started, 1)
        zip_mb = round(source.stat().st_size / 1e6)
        print(
            json.dumps(
                {
                    "zip_mb": zip_mb,
                    "seconds": seconds,
                    **json.loads(printed),
                    "together_mb": round(most),
                    "goal_mb": 512,
                }
            )
        )


if __name__ == "__main__":
    main()
