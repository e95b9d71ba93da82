"""Queue the import of a dataset, and preview its source first."""

import shutil
from pathlib import Path

from gan_core.actions.context import Context
from gan_core.data.dataset import origin, read_info
from gan_core.data.import_preview import Preview, preview
from gan_core.data.ready_sets import READY_SETS
from gan_core.data.sources import check_folder
from gan_core.errors import UserError
from gan_core.requests import Choices, ImportRequest
from gan_core.storage.file_checks import exists
from gan_core.storage.store import LIVE, Job
from gan_core.storage.workspace import new_id
from gan_core.text import no_such

UPLOAD, AGAIN, DEMO = "upload:", "again:", "demo:"


def import_dataset(context: Context, request: ImportRequest, *, token: str | None = None) -> Job:
    """Queue an import. The job's subject is the new dataset's id. Raises UserError as `locate` does."""
    if request.test_fraction == 0:
        raise UserError("bad_test_fraction", "The test share must be above 0 and at most 0.5.", "0.15 is usual.")
    source, name, found = request.source, request.name, locate(context, request.source)
    if source.startswith(DEMO):
        name = name or READY_SETS[source.removeprefix(DEMO)].title
    elif source.startswith(AGAIN):
        name = name or read_info(context.workspace.dataset(source.removeprefix(AGAIN))).name
    elif not source.startswith(UPLOAD):
        name, source = name or Path(source).stem, found
    request = request.replace(source=source, name=(name or "Dataset")[:100])
    return context.submit("import", new_id("dataset"), request.payload(), token=token)


def preview_import(context: Context, source: str, choices: Choices) -> Preview | None:
    """What an import of a zip, folder, upload or earlier source would read; no image is decoded.

    None for a ready set, which is known beforehand. Raises UserError as the import does.
    """
    found = locate(context, source)
    if found.startswith(DEMO):
        return None
    path = Path(found)
    if path.is_dir():
        check_folder(path, context.workspace.root / "staging")
    return preview(path, choices)


def earlier_request(context: Context, source: str) -> ImportRequest:
    """The request of the earlier import behind 'again:<dataset>'; one with the defaults for another source."""
    if not source.startswith(AGAIN):
        return ImportRequest(source=source)
    info = read_info(context.workspace.dataset(source.removeprefix(AGAIN)))
    keys = ("mode", "test_fraction", "validation_fraction", "background", "choices")
    kept = {key: info.source[key] for key in keys if key in info.source}
    return ImportRequest(source=source, size=info.size, fit=info.fit, seed=info.seed, **kept)


def locate(context: Context, source: str) -> str:
    """The path of the zip or folder that a source stands for, or 'demo:<ready set>'.

    Raises UserError: no_source, unknown_demo, no_upload, unknown_id, no_dataset, original_gone, no_such_path.
    """
    if not source.strip():
        raise UserError("no_source", "No zip or folder is named.", "Give a path, or demo:digits.")
    if source.startswith(DEMO):
        if source.removeprefix(DEMO) not in READY_SETS:
            raise UserError(
                "unknown_demo",
                no_such("ready set", source.removeprefix(DEMO), READY_SETS),
                f"Choose one of {', '.join(READY_SETS)}.",
            )
        return source
    if source.startswith(UPLOAD):
        path = context.workspace.upload(source.removeprefix(UPLOAD)) / "upload.zip"
        if not path.exists():
            raise UserError("no_upload", "That upload is not here any more.", "Upload the zip again.")
        return str(path)
    if source.startswith(AGAIN):
        return origin(context.workspace.dataset(source.removeprefix(AGAIN)))
    if not exists(source):
        raise UserError(
            "no_such_path", f"There is no file or folder {source!r} on this computer.", "Check the path and try again."
        )
    return str(Path(source).expanduser().absolute())


def discard_upload(context: Context, source: str) -> None:
    """Remove the zip of 'upload:<id>', unless an import still needs it."""
    if any(job.payload.get("source") == source for job in context.store.jobs(kind="import", states=LIVE)):
        return
    shutil.rmtree(context.workspace.upload(source.removeprefix(UPLOAD)), ignore_errors=True)
