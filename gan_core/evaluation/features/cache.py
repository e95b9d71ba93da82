"""A cache of features on disk, by content: features of an image set are extracted once, however often it is scored.

<key>.features.npy  <key>.logits.npy   float32 arrays, opened as memory maps
<key>.json                             their SHA-256; an entry exists from the moment this is renamed into place

The key is a hash of the network (name, weights, resize) and of the pixels in their order. What does not match its
SHA-256, torn by a power cut or damaged on disk, counts as absent and is replaced. Two processes may fill the same entry:
each writes files of its own and renames them.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.features.extractors import Extractor, Features
from gan_core.evaluation.features.weights import file_sha256
from gan_core.storage.workspace import read_json, write_json

VERSION = 1  # counts up when features of the same network and images change
OWN_FILE = re.compile(r"^([0-9a-f]{64})\.(json|features\.npy|logits\.npy)(\.tmp-.*)?$")
READ_BYTES = 8 << 20
TEMPORARY_SECONDS = 3600  # a temporary file that nobody wrote to for that long has lost its process
DEFAULT_BUDGET_BYTES = 4 * 2**30
PARTS = Features._fields
NO_FEATURES = Features(np.zeros((0, 1), np.float32), np.zeros((0, 1), np.float32))


class FeatureCache:
    """folder: made when needed, and nothing else should write there. budget_bytes: the least recently used entries are
    removed beyond it, never the newest one."""

    def __init__(self, folder: Path, budget_bytes: int = DEFAULT_BUDGET_BYTES):
        self.folder, self.budget_bytes = Path(folder), budget_bytes

    def get(
        self,
        extractor: Extractor,
        images: np.ndarray,
        rows: np.ndarray | None = None,
        device: str = "cpu",
        on_progress: Callable[[float, str], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Features:
        """images uint8 [*, H, W, 1 or 3], rows [N] or all -> Features as read-only memory maps, extracted where needed.

        Memory stays that of one batch. Features that are not finite are returned, in memory, and not kept. Raises
        UserError where there is no image, Stopped as soon as should_stop() says so, OSError where the disk is full.
        """
        rows = np.arange(len(images)) if rows is None else np.asarray(rows)
        if not len(rows):
            raise UserError(
                "too_few_images", "There are no images to compute features of.", "Sample or import some images."
            )
        key = content_key(extractor, images, rows, should_stop)
        found = self.open(key, len(rows))
        if found is None:
            found = self.fill(key, extractor, images, rows, device, on_progress, should_stop)
        if on_progress:
            on_progress(1.0, f"Looked at {len(rows):,} images with {extractor.title}")
        return found

    def path(self, key: str, name: str) -> Path:
        return self.folder / f"{key}.{name}"

    def open(self, key: str, n: int) -> Features | None:
        """The entry of that key, or None where it is absent, torn or damaged."""
        try:
            digests = read_json(self.path(key, "json"))
            opened = Features(
                *(np.load(self.path(key, f"{part}.npy"), mmap_mode="r", allow_pickle=False) for part in PARTS)
            )
            for part, values in zip(PARTS, opened, strict=True):
                if values.dtype != np.float32 or values.ndim != 2 or len(values) != n:
                    return None
                if file_sha256(self.path(key, f"{part}.npy")) != digests[part]:
                    return None
            os.utime(self.path(key, "json"))
        except (OSError, ValueError, TypeError, KeyError, EOFError):
            return None
        return opened

    def fill(
        self,
        key: str,
        extractor: Extractor,
        images: np.ndarray,
        rows: np.ndarray,
        device: str,
        on_progress: Callable[[float, str], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> Features:
        """Extract into files beside their places, then rename them. Leaves nothing behind where that fails or is stopped."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = [self.path(key, f"{part}.npy.tmp-{os.getpid()}-{secrets.token_hex(4)}") for part in PARTS]
        try:
            with contextlib.ExitStack() as stack:
                files = [stack.enter_context(open(path, "xb")) for path in staged]
                done, finite = 0, True
                for batch in extractor.batches(images, rows, device, should_stop):
                    for file, values in zip(files, batch, strict=True):
                        if not done:
                            write_header(file, (len(rows), values.shape[1]))
                        # Plain writes: a full disk is an error here, and would be a killed process in a memory map.
                        file.write(np.ascontiguousarray(values, np.float32).data)
                        finite = finite and bool(np.isfinite(values).all())
                    done += len(batch.features)
                    if on_progress:
                        on_progress(done / len(rows), f"Looking at images with {extractor.title}")
                for file in files:
                    file.flush()
                    os.fsync(file.fileno())
            if not finite:
                return Features(*(np.load(path, allow_pickle=False) for path in staged))
            digests = {part: file_sha256(path) for part, path in zip(PARTS, staged, strict=True)}
            opened = Features(*(np.load(path, mmap_mode="r", allow_pickle=False) for path in staged))
            for part, path in zip(PARTS, staged, strict=True):
                os.replace(path, self.path(key, f"{part}.npy"))
            write_json(self.path(key, "json"), digests | {"extractor": extractor.name, "images": len(rows)})
        finally:
            for path in staged:
                path.unlink(missing_ok=True)
        self.prune(keep=key)
        return opened

    def prune(self, keep: str) -> None:
        """Remove what dead processes left, then whole entries, least recently used first, until the rest fits the budget."""
        entries: dict[str, list[tuple[Path, os.stat_result]]] = {}
        for path in sorted(self.folder.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                if match := OWN_FILE.match(path.name):
                    stat = path.stat()  # another process may have removed it: then it is in no entry
                    if match[3] and time.time() - stat.st_mtime > TEMPORARY_SECONDS:
                        path.unlink()
                    else:
                        entries.setdefault(match[1], []).append((path, stat))
        used = {key: max(stat.st_mtime for _, stat in files) for key, files in entries.items()}
        total = sum(stat.st_size for files in entries.values() for _, stat in files)
        for key in sorted(entries, key=lambda key: used[key]):
            in_progress = any(".tmp-" in path.name for path, _ in entries[key])
            if total > self.budget_bytes and key != keep and not in_progress:
                for path, stat in entries[key]:
                    path.unlink(missing_ok=True)
                    total -= stat.st_size


class FeatureReader(NamedTuple):
    """read(extractor, images, rows) through a cache, on one device; without any image it gives NO_FEATURES. Raises Stopped."""

    cache: FeatureCache
    device: str
    should_stop: Callable[[], bool]

    def __call__(
        self,
        extractor: Extractor,
        images: np.ndarray,
        rows: np.ndarray | None = None,
        on_progress: Callable[[float, str], None] | None = None,
    ) -> Features:
        if not len(images if rows is None else rows):
            return NO_FEATURES
        return self.cache.get(extractor, images, rows, self.device, on_progress, self.should_stop)


def content_key(
    extractor: Extractor, images: np.ndarray, rows: np.ndarray, should_stop: Callable[[], bool] | None = None
) -> str:
    """64 hex digits of everything that the features depend on."""
    shape = [len(rows), *images.shape[1:]]
    facts = [VERSION, extractor.name, extractor.weights_hash, extractor.resize, str(images.dtype), shape]
    digest = hashlib.sha256(json.dumps(facts).encode())
    step = max(1, READ_BYTES // max(1, images[:1].nbytes))
    for start in range(0, len(rows), step):
        if should_stop and should_stop():
            raise Stopped
        digest.update(np.ascontiguousarray(images[rows[start : start + step]]).data)
    return digest.hexdigest()


def write_header(file: BinaryIO, shape: tuple[int, int]) -> None:
    """The start of an .npy file of float32, so that its rows can be written as they come."""
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
