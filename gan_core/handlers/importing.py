"""Pictures in: the job `import`."""

import shutil
from typing import Any

from gan_core import jobs
from gan_core.handlers.reporter import Reporter
from gan_core.store import Job, Store
from gan_core.workspace import Workspace


def import_(store: Store, workspace: Workspace, job: Job, watch: jobs.Watch) -> dict[str, Any]:
    """Zip, folder or ready set -> dataset folder, by way of staging: it appears whole or not at all."""
    from gan_core.data.importer import import_dataset

    wanted = dict(job.payload)
    source, upload = wanted.pop("source"), None
    if source.startswith("upload:"):
        upload = workspace.upload(source[7:])
        source = str(upload / "upload.zip")
    try:
        with workspace.staging(workspace.dataset(job.subject)) as folder:
            info = import_dataset(
                source,
                folder,
                cache=workspace.root / "cache",
                on_progress=Reporter(store, job),
                should_stop=watch,
                **wanted,
            )
    finally:
        if upload is not None:
            shutil.rmtree(upload, ignore_errors=True)
    store.add_dataset(job.subject, info.name)
    totals = [a + b for a, b in zip(info.train_counts, info.test_counts, strict=True)]
    return {
        "dataset": job.subject,
        "images": sum(totals),
        "classes": dict(zip(info.classes, totals, strict=True)),
        "rejected": info.rejected,
        "notices": info.notices,
    }
