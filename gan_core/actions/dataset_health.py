"""Queue the check of a dataset, exclude images, undo that, and queue the curated dataset."""

from collections.abc import Iterable, Sequence

from gan_core.actions.context import Context
from gan_core.data.dataset import DatasetInfo, read_info
from gan_core.data.older_dataset import cut_validation
from gan_core.data.split_names import SPLITS
from gan_core.dataset_health import exclusions, findings
from gan_core.errors import UserError
from gan_core.requests import InspectRequest
from gan_core.requests.import_dataset import rgb
from gan_core.storage.store import Job
from gan_core.storage.workspace import new_id
from gan_core.text import no_such


def inspect(
    context: Context,
    dataset_id: str,
    request: InspectRequest = InspectRequest(),  # noqa: B008  it is immutable
    *,
    token: str | None = None,
) -> Job:
    """Queue the check of a dataset."""
    dataset = context.store.dataset(dataset_id)
    read_info(context.workspace.dataset(dataset.id))
    return context.submit("inspect", dataset.id, request.payload(), token=token)


def exclude(
    context: Context, dataset_id: str, finding: str = "", rows: Iterable[tuple[str, int]] | None = None
) -> exclusions.Entry:
    """Leave out the images of a finding, or those at the given (split, row). The dataset stays as it is until `curate`."""
    folder = context.workspace.dataset(context.store.dataset(dataset_id).id)
    moved = cut_validation(folder)
    info = read_info(folder)
    if rows is None:
        gone = exclusions.left_out(exclusions.read(folder))
        rows = still_kept(named(findings.read(folder), finding), gone)
    else:  # named before an older dataset got its validation split
        rows = [moved.get(row, row) for row in rows]
    chosen = list(rows)
    if not chosen or not all(inside(info, split, row) for split, row in chosen):
        raise UserError("no_such_picture", "There is no such image in this dataset.", "Choose one from the list.")
    return exclusions.add(folder, finding or exclusions.CHOSEN, chosen)


def undo_exclusion(context: Context, dataset_id: str, id: str) -> exclusions.Entry:
    return exclusions.undo(context.workspace.dataset(context.store.dataset(dataset_id).id), id)


def curate(
    context: Context,
    dataset_id: str,
    *,
    exclude: Sequence[str] | None = None,
    background: str = "",
    keep_without_object: bool = True,
    name: str = "",
    token: str | None = None,
) -> Job:
    """Queue a new dataset made of one that is there. The job's subject is the new dataset's id.

    exclude: kinds of findings; None for the images that were left out so far. background: a colour that the cut-out objects
    are put on ('white', '#ff8800'), '' for the images as they are. keep_without_object: whether an image without an object
    stays as it is.
    """
    dataset = context.store.dataset(dataset_id)
    folder = context.workspace.dataset(dataset.id)
    cut_validation(folder)  # it moves rows, so it comes before any is named
    info = read_info(folder)
    if exclude is None:
        left_out = exclusions.by_finding(exclusions.read(folder))
    else:
        left_out = exclusions.by_finding(entries_of(findings.read(folder), exclude))
    # The file may come from another dataset: rows that do not exist here are ignored.
    left_out = {
        kind: kept for kind, rows in left_out.items() if (kept := [place for place in rows if inside(info, *place)])
    }
    if background:
        rgb(background)
    elif not left_out:
        raise UserError(
            "nothing_to_do",
            "The new dataset would be the same as this one.",
            "Leave images out first, or choose a background for the cut-out objects.",
        )
    if sum(split == "train" for rows in left_out.values() for split, _ in rows) >= sum(info.train_counts):
        raise UserError("nothing_left", "Without these images no training image is left.", "Exclude fewer images.")
    payload = {
        "parent": dataset.id,
        "left_out": left_out,
        "background": background,
        "keep_without_object": keep_without_object,
        "name": (name.strip() or f"{dataset.name}, {'cut out' if background else 'cleaned'}")[:100],
    }
    return context.submit("curate", new_id("dataset"), payload, token=token)


def entries_of(health: findings.Health | None, kinds: Sequence[str]) -> list[exclusions.Entry]:
    """The images that these findings leave out together; one of each group of copies stays."""
    gone, entries = set[tuple[str, int]](), []
    found = [named(health, kind, may_lack=True) for kind in kinds]
    for one in sorted(filter(None, found), key=lambda one: one.action == "keep_one"):
        rows = still_kept(one, gone)
        gone.update(rows)
        entries.append(exclusions.Entry("", one.kind, rows, 0.0))
    return entries


def still_kept(found: findings.Finding | None, gone: set[tuple[str, int]]) -> list[tuple[str, int]]:
    """Rows that a finding leaves out, except for copies of an image that is left out itself."""
    if found is None:
        return []
    if found.action != "keep_one" or len(found.keeps) != len(found.rows):
        return list(found.rows)
    return [row for row, stays in zip(found.rows, found.keeps, strict=True) if stays not in gone]


def named(health: findings.Health | None, kind: str, may_lack: bool = False) -> findings.Finding | None:
    """A finding of the newest check. may_lack: return None where there is none of this kind, instead of refusing."""
    if kind not in findings.EFFECTS:
        offered = ", ".join(name.replace("_", "-") for name in findings.EFFECTS)
        raise UserError("unknown_finding", no_such("finding", kind, findings.EFFECTS), f"Choose of {offered}.")
    if health is None:
        raise UserError("not_inspected", "This dataset was not checked yet.", "Check it first (inspect).")
    found = next((one for one in health.findings if one.kind == kind and one.rows), None)
    if found is None and not may_lack:
        raise UserError("unknown_finding", "There is no such finding in this dataset.", "Check it again (inspect).")
    return found


def inside(info: DatasetInfo, split: str, row: int) -> bool:
    return split in SPLITS and 0 <= row < sum(info.counts[split])
