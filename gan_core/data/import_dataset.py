"""From a zip, a folder or a ready set to a finished data set in a staging folder: the one entry point of this room.

survey (what is in it, as which classes) -> reading (every picture into its slot, decoded in children) -> finishing (duplicates
out, test split cut, files written). Pixels wait in a file with one slot per picture, so memory stays small however large the
set.
"""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from gan_core.data.build_dataset import Plan, finish
from gan_core.data.dataset import DatasetInfo
from gan_core.data.decode import Fit
from gan_core.data.decode_source import Progress, read_demo, read_files
from gan_core.data.file_names import shown
from gan_core.data.import_options import Choices, check_choices, check_settings, colour
from gan_core.data.pixel_file import disk_full
from gan_core.data.sources import check_folder


def import_dataset(
    source: Path | str,
    folder: Path,
    *,
    name: str,
    size: int,
    mode: Literal["auto", "L", "RGB"] = "auto",
    fit: Fit = "crop",
    test_fraction: float = 0.15,
    seed: int = 0,
    background: str = "white",
    choices: Choices = Choices(),  # noqa: B008  it is immutable
    kept: str | None = None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
    cache: Path | None = None,
) -> DatasetInfo:
    """Fill `folder` (existing, empty, owned by the caller) with the data set made from `source`.

    source: a zip, a folder of class folders, or 'demo:<ready set>'. size: side in pixels, one of SIZES. mode auto: grey
    when 95 % of the pictures are. background: of transparent and of padded pictures, a name or '#rrggbb'. kept: name of a
    zip that the caller keeps beside the set, noted in the place of its path. cache: keeps downloads of ready sets; without
    it they are fetched again each time.
    Raises UserError for every refusal and Stopped when should_stop() becomes true; `folder` is then worthless.
    """
    check_settings(size, mode, fit, test_fraction, background)
    check_choices(choices)
    progress = Progress(on_progress, should_stop)
    progress(0.0, "Looking into the source", always=True)
    slots = folder / "slots.tmp"
    try:
        if isinstance(source, str) and source.startswith("demo:"):
            label = source.removeprefix("demo:")
            origin: dict[str, Any] = {"kind": "demo", "name": label}
            pool = read_demo(label, slots, size, fit, seed, cache or folder / "download.tmp", progress)
        else:
            path = Path(source).absolute()
            kind, label = ("folder" if os.path.isdir(path) else "zip"), shown(kept or path.name)
            if kind == "folder":
                check_folder(path, folder)
            origin = {"kind": kind, "name": label, "choices": choices._asdict()}
            origin |= {"kept": True} if kept else {"path": os.fsencode(path).decode("utf-8", "replace")}
            pool = read_files(path, slots, size, fit, colour(background), choices, progress)
        plan = Plan(
            shown(name.strip()) or label,
            size,
            fit,
            mode,
            seed,
            test_fraction,
            {**origin, "background": background, "mode": mode, "test_fraction": test_fraction},
        )
        info = finish(pool, folder, slots, plan, progress)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full() from error
        raise
    slots.unlink()
    shutil.rmtree(folder / "download.tmp", ignore_errors=True)
    progress(1.0, f"{info.health['images']:,} pictures in {len(info.classes):,} classes", always=True)
    return info
