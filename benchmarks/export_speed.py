"""Export beside a plain loop that writes the same pictures into a stored zip: pictures a second, and memory as they get more.

    python benchmarks/export_speed.py [--source ZIP_OR_FOLDER] [--images 100000] [--size 28] [--layout imagefolder]

The reference is what a script would do: Image.fromarray, save as PNG into memory, ZipFile.writestr, one after another; and the
same with the PNGs made beforehand, so that only the zip is timed. Ours is export/zip_writer.write_zip whole: names, metadata,
manifest, card, fsync. Each is a process of its own, so that its peak of memory is its own; images lie in memory maps, which
do not count. Goal: 70 % of the reference, and memory that does not grow with the pictures (beyond a zip's list of what is
in it). Without a source the pictures are drawn: noisy discs.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan_core.data.dataset import ImageSet
from gan_core.data.import_dataset import import_dataset
from gan_core.export.contents import Contents, Provenance
from gan_core.export.zip_writer import FileOptions, write_zip
from gan_core.requests import ImportRequest

CLASSES = [f"class-{label}" for label in range(10)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=28)
    parser.add_argument("--layout", default="imagefolder")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", help=argparse.SUPPRESS)  # how this script calls itself
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.only:
        print(json.dumps(timed(wanted.only, wanted.folder, wanted.images, wanted.layout)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, wanted.source, wanted.images, wanted.size)
        found: dict[str, list[dict]] = {"ours": [], "loop": [], "stored": []}
        for _ in range(wanted.repeats):
            for who in found:
                found[who].append(child(who, folder, wanted.images, wanted.layout))
        tenth = child("ours", folder, wanted.images // 10, wanted.layout)
    best = {who: min(row["seconds"] for row in rows) for who, rows in found.items()}
    report = {
        "cores": len(os.sched_getaffinity(0)),
        "pictures": wanted.images,
        "layout": wanted.layout,
        "seconds": {who: round(seconds, 2) for who, seconds in best.items()},
        "of_the_loop": round(best["loop"] / best["ours"], 2),
        "of_the_zip_alone": round(best["stored"] / best["ours"], 2),
        "memory_mb": {
            f"ours, {wanted.images // 10:,}": tenth["memory_mb"],
            f"ours, {wanted.images:,}": found["ours"][0]["memory_mb"],
            f"loop, {wanted.images:,}": found["loop"][0]["memory_mb"],
        },
    }
    print(json.dumps(report, indent=2))


def prepare(folder: Path, source: Path | None, images: int, size: int) -> None:
    """images.npy uint8 [images, S, S, C]."""
    if source is None:
        rng, (y, x) = np.random.default_rng(0), np.indices((size, size)) - size / 2
        some = np.empty((2000, size, size, 3), np.uint8)
        for image in some:
            disc = np.hypot(y - rng.normal(0, size / 6), x - rng.normal(0, size / 6)) < rng.uniform(size / 8, size / 3)
            image[:] = np.where(disc[..., None], rng.uniform(60, 255, 3), rng.uniform(0, 160, 3))
            image[:] = (image + rng.normal(0, 6, image.shape)).clip(0, 255)
    else:
        (folder / "import").mkdir()
        import_dataset(source, folder / "import", ImportRequest(source=str(source), name="speed", size=size))
        some = np.load(folder / "import" / "train_images.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (images, *some.shape[1:]))
    for start in range(0, images, 1000):
        out[start : start + 1000] = some[np.arange(start, min(images, start + 1000)) % len(some)]
    out.flush()


def child(who: str, folder: Path, images: int, layout: str) -> dict:
    command = [sys.executable, __file__, "--only", who, "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--images", str(images), "--layout", layout], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def timed(who: str, folder: Path, images: int, layout: str) -> dict:
    pictures = np.load(folder / "images.npy", mmap_mode="r")[:images]
    out, most = folder / "out.zip", 0
    encoded = [png(picture) for picture in pictures] if who == "stored" else []
    before = private_bytes()

    def look(*_) -> None:
        nonlocal most
        most = max(most, private_bytes())

    started = time.perf_counter()
    if who == "ours":
        labels = np.sort(np.arange(images) % len(CLASSES))
        contents = Contents(ImageSet(pictures, labels, CLASSES), None, {name: {} for name in CLASSES}, {})
        write_zip(out, contents, Provenance("speed"), FileOptions(layout=layout), on_progress=look)
    else:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for number in range(images):
                data = encoded[number] if encoded else png(pictures[number])
                archive.writestr(f"train/{CLASSES[number % 10]}/{number:06d}.png", data)
                if number % 1000 == 0:
                    look()
    look()
    seconds = time.perf_counter() - started
    out.unlink()
    return {"seconds": seconds, "memory_mb": round((most - before) / 1e6)}


def png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture.squeeze()).save(file, "PNG")
    return file.getvalue()


def private_bytes() -> int:
    """Resident, and not shared with files."""
    usage = psutil.Process().memory_info()
    return usage.rss - usage.shared


if __name__ == "__main__":
    main()
