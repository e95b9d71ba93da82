"""Requests about datasets: import."""

from pathlib import Path

from gan_core.actions.desk import Desk
from gan_core.checks import check_seed, exists
from gan_core.data.dataset import SIZES
from gan_core.data.demos import READY_SETS
from gan_core.errors import UserError
from gan_core.store import Job
from gan_core.workspace import new_id


def import_dataset(
    desk: Desk,
    source: str,
    *,
    name: str = "",
    size: int = 32,
    mode: str = "auto",
    fit: str = "crop",
    test_fraction: float = 0.15,
    seed: int = 0,
    token: str | None = None,
) -> Job:
    """Queue the import of a zip, a folder, 'demo:<ready set>' or 'upload:<id>'. The job's subject is the new dataset's id."""
    if size not in SIZES:
        raise UserError(
            "bad_size",
            f"Image size {size} px is not offered.",
            f"Choose one of {', '.join(map(str, SIZES))}.",
        )
    check_seed(seed)
    if not source.strip():
        raise UserError("no_source", "No zip or folder is named.", "Give a path, or demo:digits.")
    if not 0 < test_fraction <= 0.5:
        raise UserError("bad_test_fraction", "The test share must be above 0 and at most 0.5.", "0.15 is usual.")
    if source.startswith("demo:"):
        if source[5:] not in READY_SETS:
            raise UserError(
                "unknown_demo", f"There is no ready set {source[5:]!r}.", f"Choose one of {', '.join(READY_SETS)}."
            )
        name = name or READY_SETS[source[5:]].title
    elif source.startswith("upload:"):
        if not (desk.workspace.upload(source[7:]) / "upload.zip").exists():
            raise UserError("no_upload", "That upload is not here any more.", "Upload the zip again.")
    elif not exists(source):
        raise UserError(
            "no_such_path", f"There is no file or folder {source!r} on this computer.", "Check the path and try again."
        )
    else:
        name = name or Path(source).stem
        source = str(Path(source).expanduser().absolute())
    payload = {
        "source": source,
        "name": (name or "Dataset")[:100],
        "size": size,
        "mode": mode,
        "fit": fit,
        "test_fraction": test_fraction,
        "seed": seed,
    }
    return desk.submit("import", new_id("dataset"), payload, token=token)
