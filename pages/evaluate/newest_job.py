"""The newest job of a kind on a run: the progress of one that is live, and the newest that has finished."""

from gan_core.actions import Context
from gan_core.storage.store import Job, Run
from pages.shared.status import job_progress


def newest_finished(context: Context, run: Run, kind: str, what: str) -> Job | None:
    """The newest finished job, below the progress of the newest one. what: what the job does, for its progress."""
    jobs = context.store.jobs(kind=kind, subject=run.id)
    if jobs:
        job_progress(context, jobs[0], what, kind)
    return next((job for job in jobs if job.state == "finished" and job.result), None)
