"""The files of a dataset's splits: where they lie, and how they are written and read. What they are is in dataset.py."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gan_core.data.split_names import Split
from gan_core.storage.workspace import atomic_write

ENCODER = json.JSONEncoder(ensure_ascii=False)  # made once: json.dumps would make one per line
SPLITS_FOLDER = "splits"  # in the folder of a dataset that had no validation split when it was written


def place(folder: Path) -> Path:
    """Where dataset.json, items.jsonl and what counts rows of train lie: `folder`, or the folder of its later splits."""
    later = Path(folder) / SPLITS_FOLDER
    return later if later.is_dir() else Path(folder)


def images_file(folder: Path, split: Split) -> Path:
    return (Path(folder) if split == "test" else place(folder)) / f"{split}_images.npy"


def labels_file(folder: Path, split: Split) -> Path:
    return images_file(folder, split).with_name(f"{split}_labels.npy")


def write_split(
    folder: Path, split: Split, images: Iterable[np.ndarray], shape: tuple[int, int, int], labels: Sequence[int]
) -> None:
    """Write one split from chunks of uint8 images [n, H, W, C] that add up to [len(labels), *shape]."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(labels), *shape)}

    def write(file: BinaryIO) -> None:
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in images:
            file.write(np.ascontiguousarray(chunk).data)

    atomic_write(folder / f"{split}_images.npy", write)
    values = np.asarray(labels, dtype=np.int64)
    atomic_write(folder / f"{split}_labels.npy", lambda file: np.save(file, values, allow_pickle=False))


def write_items(folder: Path, items: Iterable[dict[str, Any]]) -> None:
    """One JSON object per line into items.jsonl."""
    atomic_write(
        folder / "items.jsonl",
        lambda file: file.writelines(ENCODER.encode(item).encode() + b"\n" for item in items),
    )


def read_items(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of items.jsonl, in the order of the splits and of their rows."""
    with open(place(folder) / "items.jsonl", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def known_items(folder: Path) -> Iterator[dict[str, Any]]:
    """read_items as far as the file goes: none where there is no file, and nothing after a torn line."""
    with contextlib.suppress(OSError, ValueError):
        yield from read_items(folder)
