"""From a zip, a folder or a ready set to a finished dataset in a staging folder: the one entry point of this package.

import_preview.survey (what is in it, as which classes) -> decode_source (every image into the pixel file, decoded in child
processes) -> build_dataset (duplicates out, splits cut, files written). Pixels wait in a file, so memory stays small however
large the dataset.
"""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gan_core.data.build_dataset import build_dataset
from gan_core.data.dataset import DatasetInfo
from gan_core.data.decode_source import DecodedSource, Progress, decode_files, decode_ready_set
from gan_core.data.decoder_pool import DecodeSettings
from gan_core.data.file_names import shown
from gan_core.data.pixel_file import disk_full
from gan_core.data.sources import check_folder
from gan_core.requests import ImportRequest
from gan_core.requests.import_dataset import rgb


def import_dataset(
    source: Path | str,
    folder: Path,
    request: ImportRequest,
    kept: str | None = None,
    cache: Path | None = None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> DatasetInfo:
    """Fill `folder` (existing, empty, owned by the caller) with the dataset made from `source`.

    source: where the request's source was found: a zip, a folder of class folders, or 'demo:<ready set>'. kept: name of a zip
    that the caller keeps beside the dataset, noted in the place of its path. cache: keeps downloads of ready sets; without it
    they are fetched again each time.
    Raises UserError for every refusal and Stopped when should_stop() becomes true; `folder` is then worthless.
    """
    progress = Progress(on_progress, should_stop)
    progress(0.0, "Looking into the source", always=True)
    pixels = folder / "pixels.tmp"
    try:
        decoded, origin = decode(source, folder, pixels, request, kept, cache or folder / "download.tmp", progress)
        origin |= {"background": request.background, "mode": request.mode, "test_fraction": request.test_fraction}
        origin |= {"validation_fraction": request.validation_fraction}
        request = request.model_copy(update={"name": shown(request.name.strip()) or origin["name"]})
        info = build_dataset(decoded, folder, pixels, request, origin, progress)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full() from error
        raise
    pixels.unlink()
    shutil.rmtree(folder / "download.tmp", ignore_errors=True)
    progress(1.0, f"{info.health['images']:,} images in {len(info.classes):,} classes", always=True)
    return info


def decode(
    source: Path | str,
    folder: Path,
    pixels: Path,
    request: ImportRequest,
    kept: str | None,
    cache: Path,
    progress: Progress,
) -> tuple[DecodedSource, dict[str, Any]]:
    """(the decoded images, where they came from as DatasetInfo.source has it)."""
    if isinstance(source, str) and source.startswith("demo:"):
        name = source.removeprefix("demo:")
        settings = DecodeSettings(request.size, request.fit)
        decoded = decode_ready_set(name, pixels, settings, request.seed, cache, progress)
        return decoded, {"kind": "demo", "name": name}
    path = Path(source).absolute()
    kind = "folder" if os.path.isdir(path) else "zip"
    if kind == "folder":
        check_folder(path, folder)
    origin: dict[str, Any] = {"kind": kind, "name": shown(kept or path.name), "choices": request.choices.payload()}
    origin |= {"kept": True} if kept else {"path": os.fsencode(path).decode("utf-8", "replace")}
    settings = DecodeSettings(request.size, request.fit, rgb(request.background))
    return decode_files(path, pixels, settings, request.choices, progress), origin
