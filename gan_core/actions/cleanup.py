"""Find the devices of this computer, free disk space, and limit what is used of it."""

from gan_core.actions.context import Context
from gan_core.errors import UserError
from gan_core.storage import cleanup, limits
from gan_core.storage.store import Job

SUBJECT = "system"  # in the place of the id of a run or a dataset


def refresh_system_info(context: Context, token: str | None = None) -> Job:
    """Queue a job that finds torch and the GPUs. One that is queued or running already is returned instead."""
    for job in context.store.jobs(kind="system", states=("queued", "running"), limit=1):
        return job
    return context.submit("system", SUBJECT, {}, token=token)


def clean(
    context: Context, kinds: list[str], *, days: float = cleanup.EXPORT_DAYS, dry_run: bool = False
) -> dict[str, cleanup.Freed]:
    """Free disk space, or say what would be freed. kinds: of cleanup.KINDS. days: exports of at least this age are removed."""
    if not kinds:
        raise UserError("nothing_named", "Nothing was named to remove.", f"Choose among {', '.join(cleanup.KINDS)}.")
    if not 0 <= days <= 36_500:  # NaN too
        raise UserError("bad_days", f"An export cannot be {days:g} days old.", "Choose 0 or more.")
    do = cleanup.look if dry_run else cleanup.clean
    return {kind: do(context.store, context.workspace, kind, days) for kind in cleanup.check_kinds(kinds)}


def set_limits(context: Context, wanted: limits.Limits) -> None:
    """Raises UserError bad_limit."""
    limits.write(context.workspace, wanted)
