"""The job `import`: a dataset from a zip, a folder or a ready set."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.requests import ImportRequest
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace


def import_dataset(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """Zip, folder or ready set -> dataset folder, by way of staging: it appears whole or not at all.

    The zip of an upload goes into the folder of its dataset, so that it can be imported again with other choices. Until that is in
    place it stays where it is, too; where the import fails, it is there for another try, and Workspace.sweep removes it some time
    after that.
    """
    from gan_core.data.dataset import KEPT_ZIP, origin, read_info
    from gan_core.data.import_dataset import import_dataset

    request = ImportRequest.from_payload(job.payload)
    source, upload, kept = request.source, None, None
    if source.startswith("upload:"):
        upload = workspace.upload(source.removeprefix("upload:"))
        source, kept = str(upload / "upload.zip"), f"{request.name}.zip"
    elif source.startswith("again:"):
        earlier = workspace.dataset(source.removeprefix("again:"))
        source = origin(earlier)
        if Path(source) == earlier / KEPT_ZIP:
            kept = read_info(earlier).source["name"]
    try:
        with workspace.staging(workspace.dataset(job.subject)) as folder:
            info = import_dataset(
                source,
                folder,
                request,
                kept=kept,
                cache=workspace.root / "cache",
                on_progress=Reporter(store, job),
                should_stop=watch,
            )
            if kept is not None:
                _second_copy(Path(source), folder / KEPT_ZIP)
    except BaseException:
        if upload is not None:
            with contextlib.suppress(OSError):
                os.utime(upload)  # its time is counted from now
        raise
    if upload is not None:
        shutil.rmtree(upload, ignore_errors=True)
    store.add_dataset(job.subject, info.name)
    totals = info.totals
    return {
        "dataset": job.subject,
        "images": sum(totals),
        "classes": dict(zip(info.classes, totals, strict=True)),
        "rejected": info.rejected,
        "notices": info.notices,
    }


def _second_copy(source: Path, target: Path) -> None:
    """The same file under a second name, so that deleting the first one leaves it; copied where links cannot be made."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
