"""Requests about the computer and its disk: look at the devices, free space."""

from gan_core.actions.context import Context
from gan_core.errors import UserError
from gan_core.storage import cleanup
from gan_core.storage.store import Job

SUBJECT = "system"  # a job's subject is the id of what it works on; this one works on the computer


def look_again(context: Context, token: str | None = None) -> Job:
    """Queue a look at torch and the GPUs; one that waits or runs already is returned instead."""
    for job in context.store.jobs(kind="system", states=("queued", "running"), limit=1):
        return job
    return context.submit("system", SUBJECT, {}, token=token)


def clean(
    context: Context, kinds: list[str], *, days: float = cleanup.EXPORT_DAYS, dry_run: bool = False
) -> dict[str, cleanup.Freed]:
    """Remove what is not needed any more, or tell what that would be. kinds: of cleaning.KINDS. days: age of an export to go."""
    if not kinds:
        raise UserError("nothing_named", "Nothing to clean was named.", f"Choose of {', '.join(cleanup.KINDS)}.")
    if not 0 <= days <= 36_500:  # NaN too
        raise UserError("bad_days", f"An export cannot be {days:g} days old.", "Choose 0 or more.")
    do = cleanup.look if dry_run else cleanup.clean
    return {kind: do(context.store, context.workspace, kind, days) for kind in cleanup.check_kinds(kinds)}
