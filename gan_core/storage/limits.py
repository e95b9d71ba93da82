"""How much a workspace may hold, and how long it keeps what was exported or deleted: limits.json, set on the System page.

A limit that is not set (0) does not hold. A limit on space removes nothing: a job that would add to what has reached it is refused
before it is queued.
"""

import contextlib
import math
import time
from typing import NamedTuple, TypeGuard

from gan_core.errors import UserError
from gan_core.storage import cleanup
from gan_core.storage.cleanup import Freed, Piece
from gan_core.storage.disk import Sizes, free_bytes
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, read_json, write_json
from gan_core.text import size

FILE = "limits.json"
DAY = 86400


class Limits(NamedTuple):
    """0: no limit. datasets_gb, runs_gb, exports_gb: of all folders of a kind; free_gb: left free on the disk.

    queued_runs: trainings that may wait at once. export_days, trash_days: after which an export, or what was deleted, is removed
    for good.
    """

    datasets_gb: float = 0.0
    runs_gb: float = 0.0
    exports_gb: float = 0.0
    free_gb: float = 0.0
    queued_runs: int = 0
    export_days: float = 0.0
    trash_days: float = 30.0


ADDS_TO = {  # kind of a job: the folder that it makes larger
    "import": "datasets",
    "curate": "datasets",
    "train": "runs",
    "evaluate": "runs",
    "export": "exports",
    "export_model": "exports",
}


def read(workspace: Workspace) -> Limits:
    """What was set; the defaults for what was not, or is no number of at least 0."""
    found = None
    with contextlib.suppress(OSError, ValueError):
        found = read_json(workspace.root / FILE)
    found = found if isinstance(found, dict) else {}
    return Limits(**{name: found[name] for name in Limits._fields if can_be(found.get(name))})


def can_be(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf


def write(workspace: Workspace, limits: Limits) -> None:
    """Raises UserError bad_limit."""
    for name, value in limits._asdict().items():
        if not can_be(value):
            raise UserError(
                "bad_limit", f"{name} cannot be {value!r}.", "Choose a number of at least 0; 0 means no limit."
            )
    write_json(workspace.root / FILE, limits._asdict())


def check(store: Store, workspace: Workspace, kind: str) -> None:
    """Raises UserError over_limit where a job of that kind would add to what has reached its limit."""
    limits, folder = read(workspace), ADDS_TO.get(kind)
    if folder is None:
        return
    most = 1e9 * getattr(limits, f"{folder}_gb")
    if most and (held := Sizes().of(workspace.root / folder)) >= most:
        what = f"The {folder} of this workspace take {size(held)}, and {size(most)} is the limit."
        raise UserError("over_limit", what, f"Delete some {folder}, or raise the limit on the System page.")
    if limits.free_gb and (free := free_bytes(workspace)) < 1e9 * limits.free_gb:
        what = f"{size(free)} are free on the disk, and {size(1e9 * limits.free_gb)} are to stay free."
        raise UserError("over_limit", what, "Free some space there, or change the limit on the System page.")
    if kind == "train" and limits.queued_runs and len(store.waiting("train")) >= limits.queued_runs:
        what = f"{limits.queued_runs:,} runs wait already, which is the limit."
        raise UserError("over_limit", what, "Wait until one has begun, or raise the limit on the System page.")


def expire(store: Store, workspace: Workspace, now: float | None = None) -> dict[str, Freed]:
    """Remove the exports that are too old, and what has been in the trash for too long. Returns {kind of cleanup: what went}."""
    limits, freed = read(workspace), {}
    if limits.export_days:
        freed["exports"] = cleanup.clean(store, workspace, "exports", limits.export_days)
    if limits.trash_days:
        until = (time.time() if now is None else now) - limits.trash_days * DAY
        old = [piece for piece in cleanup.trash(store, workspace, 0) if deleted_at(piece) <= until]
        if old:
            freed["trash"] = cleanup.remove(store, workspace, "trash", old)
    return {kind: one for kind, one in freed.items() if one.pieces}


def deleted_at(piece: Piece) -> float:
    """When something in the trash was deleted; of what has no note, when its folder moved."""
    (folder,) = piece.paths
    with contextlib.suppress(OSError, ValueError, AttributeError):
        at = (read_json(folder / cleanup.DELETED_NOTE) or {}).get("deleted_at")
        if can_be(at):
            return float(at)
    try:
        return folder.stat().st_ctime
    except OSError:  # restored meanwhile
        return math.inf
