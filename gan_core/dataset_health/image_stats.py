"""Statistics of the images of a dataset one by one, read once: sizes, colors, names, and which of them show nothing.

means.npy     uint8 [classes, H, W, C], the mean training image of the first MOST_MEANS classes, in the dataset's folder
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.data.dataset import DatasetInfo, ImageSet
from gan_core.data.dataset_files import known_items
from gan_core.data.split_names import SPLITS, Split
from gan_core.errors import Stopped
from gan_core.evaluation.inputs import Progress

FLAT = 3.0  # levels: an image whose every channel varies by less (standard deviation) shows nothing
MOST_MEANS = 60
READ_BYTES = 8 << 20


class ImageStats(NamedTuple):
    """Of N images, the rows of train, then of validation, then of test: labels int64, splits int64 (index into SPLITS), rows
    int64 of the split, flat and grey bool, sides int64 [N, 2] (width and height in px before the import, 0 where not known),
    names, sha256 of the source's bytes.
    """

    labels: np.ndarray
    splits: np.ndarray
    rows: np.ndarray
    flat: np.ndarray
    grey: np.ndarray
    sides: np.ndarray
    names: list[str]
    sha256: list[str]
    classes: list[str]

    def place(self, row: int) -> tuple[Split, int]:
        """(split, row in it) of one of the N images."""
        return SPLITS[self.splits[row]], int(self.rows[row])


def gather(
    folder: Path,
    sets: Sequence[ImageSet],
    progress: Progress = Progress(),  # noqa: B008  it is immutable
) -> ImageStats:
    """Read every image once. What items.jsonl does not say (an older import, a torn file) stays unknown. Raises Stopped.

    sets: of SPLITS, in their order.
    """
    counts = [len(one.labels) for one in sets]
    starts = dict(zip(SPLITS, np.cumsum([0, *counts]).tolist(), strict=False))
    total = sum(counts)
    flat, grey = np.zeros(total, bool), np.zeros(total, bool)
    done = 0
    for one in sets:
        for chunk in chunks(one.images):
            at = slice(done, done + len(chunk))
            flat[at] = chunk.std(axis=(1, 2), dtype=np.float32).max(axis=1) < FLAT
            grey[at] = (chunk == chunk[..., :1]).all(axis=(1, 2, 3))
            done += len(chunk)
            progress(done / total)
    sides, names, sha256 = np.zeros((total, 2), np.int64), [""] * total, [""] * total
    for item in known_items(folder):
        at = starts[item["split"]] + item["row"]
        if 0 <= item["row"] < counts[SPLITS.index(item["split"])]:
            names[at], sha256[at] = str(item.get("name", "")), str(item.get("sha256", ""))
            sides[at] = item.get("width") or 0, item.get("height") or 0
    return ImageStats(
        np.concatenate([one.labels for one in sets]),
        np.repeat(np.arange(len(sets)), counts),
        np.concatenate([np.arange(count) for count in counts]),
        flat,
        grey,
        sides,
        names,
        sha256,
        sets[0].classes,
    )


def chunks(images: np.ndarray) -> Iterable[np.ndarray]:
    step = max(1, READ_BYTES // max(1, images[:1].nbytes))
    for start in range(0, len(images), step):
        yield np.asarray(images[start : start + step])


def even_sample(labels: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most `most` rows, int64 ascending: as many of each class as it has, up to the same number. The seed draws which."""
    generator = np.random.Generator(np.random.PCG64(seed))
    place = np.empty(len(labels), np.int64)  # of a row in a random order of its class
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        place[rows] = generator.permutation(len(rows))
    return np.sort(np.lexsort((labels, place))[:most])


def class_means(train: ImageSet, should_stop: Callable[[], bool] = lambda: False) -> np.ndarray:
    """uint8 [K, H, W, C]: the mean training image of each of the first MOST_MEANS classes."""
    means = np.zeros((min(len(train.classes), MOST_MEANS), *train.images.shape[1:]), np.uint8)
    for label in range(len(means)):
        rows = np.flatnonzero(np.asarray(train.labels) == label)
        total = np.zeros(train.images.shape[1:])
        step = max(1, READ_BYTES // max(1, train.images[:1].nbytes))
        for start in range(0, len(rows), step):
            if should_stop():
                raise Stopped
            total += train.images[rows[start : start + step]].sum(axis=0, dtype=np.float64)
        means[label] = np.rint(total / max(1, len(rows)))
    return means


def same_bytes(stats: ImageStats) -> np.ndarray:
    """int64 [P, 2]: rows of the same file in two classes."""
    first: dict[str, int] = {}
    pairs = []
    for row, digest in enumerate(stats.sha256):
        if digest and first.setdefault(digest, row) != row and stats.labels[first[digest]] != stats.labels[row]:
            pairs.append((first[digest], row))
    return np.array(pairs, np.int64).reshape(-1, 2)


def read_means(folder: Path, info: DatasetInfo) -> np.ndarray | None:
    """uint8 [K, H, W, C], or None where no check has left them whole."""
    try:
        means = np.load(folder / "means.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = means.dtype == np.uint8 and means.shape[1:] == (info.size, info.size, info.channels)
    return means if fits and len(means) <= len(info.classes) else None
