"""Queue the jobs of the Export page: the balanced zip, its preview and the model bundle; copy a finished file out."""

import shutil
import zipfile
from pathlib import Path
from typing import IO

from gan_core.actions.as_found import answer, as_found, run_of_answer
from gan_core.actions.context import Context, trained_run
from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.export import plan
from gan_core.requests import ExportModelRequest, ExportRequest, PreviewRequest
from gan_core.storage.store import Job, Run
from gan_core.storage.workspace import atomic_write, new_id


def export(context: Context, request: ExportRequest, *, token: str | None = None) -> Job:
    """Queue a balanced zip. The job's subject is the export's id.

    What was found to help is decided here, so that a search that ends meanwhile changes nothing. Where the request leaves the
    methods open, a run draws all images and a dataset alone gets changed copies. Without the check
    for copies, near copies are not left out either. Raises UserError nothing_found, unknown_id, not_padded, no_run, no_checkpoint,
    ignored_labels, and where the plan adds nothing or cannot be (bad_balance, unknown_class, too_many_images, nothing_to_add).
    """
    run = context.store.run(request.run) if request.run else None
    dataset_id = run.dataset_id if run else context.store.dataset(request.dataset or "").id
    info = dataset_folder.read_info(context.workspace.dataset(dataset_id))
    request = request.replace(dataset=dataset_id)
    if request.as_found:
        request = as_found(context, request, info)
        run = run_of_answer(context, request)
    else:
        found = answer(context, request)
        request = request.replace(found=found.to_json() if found else None)
    if request.unpad and info.fit != "pad":
        raise UserError("not_padded", "This dataset was not padded to squares.", "Leave --unpad out.")
    balance, methods = request.balance, request.methods or {"gan" if run else "classical": 1.0}
    request = request.replace(
        balance=plan.parse_balance(balance, info.classes) if isinstance(balance, str) else balance,
        methods=methods,
        checks=[check for check in request.checks if request.check_copies or check != "copy"],
    )
    counts = dict(zip(info.classes, info.train_counts, strict=True))
    shares, _ = plan.shares(plan.deficits(counts, request.balance, request.originals), counts, methods)
    if any(share.get("gan") for share in shares.values()):
        if run is None:
            what = "A dataset alone draws no images."
            raise UserError("no_run", what, "Choose a run of it, or changed copies (--method classical).")
        check_labels_used(context, trained_run(context, run.id, request.at))
    return context.submit("export", new_id("export"), request.payload(), token=token)


def preview(
    context: Context,
    run_id: str,
    request: PreviewRequest = PreviewRequest(),  # noqa: B008  it is immutable
    *,
    token: str | None = None,
) -> Job:
    """Queue the preview: the first images of each class that an export with the same seed and checks would keep and refuse."""
    run = trained_run(context, run_id, request.at)
    check_labels_used(context, run)
    return context.submit("preview", run.id, request.payload(), token=token)


def check_labels_used(context: Context, run: Run) -> None:
    info = dataset_folder.read_info(context.workspace.dataset(run.dataset_id))
    if not run.config["conditional"] and len(info.classes) > 1:
        raise UserError(
            "ignored_labels",
            "This run ignored the labels, so it cannot draw images of one class.",
            "Train a run with 'Use the class labels' on.",
        )


def export_model(context: Context, request: ExportModelRequest, *, token: str | None = None) -> Job:
    """Queue the zip of a run's generator. The job's subject is the export's id."""
    trained_run(context, request.run, request.at)
    return context.submit("export_model", new_id("export"), request.payload(), token=token)


def copy_export(context: Context, export_id: str, file: str, out: Path, members: dict[str, Path] | None = None) -> None:
    """The finished zip, or some of its members, to where the user wants it, each whole or not at all."""
    path = context.workspace.export(export_id) / file
    if not members:
        copy_file(path, out)
        return
    with zipfile.ZipFile(path) as archive:
        for name, place in members.items():
            with archive.open(name) as member:
                copy_stream(member, place)


def copy_file(source: Path, out: Path) -> None:
    """A file of the workspace to where the user wants it, whole or not at all."""
    with open(source, "rb") as file:
        copy_stream(file, out)


def copy_stream(source: IO[bytes], out: Path) -> None:
    atomic_write(out.absolute(), lambda target: shutil.copyfileobj(source, target, 1 << 20))
