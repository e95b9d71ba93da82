"""The exports of a run or a dataset: progress, download, and what the quality filter kept."""

from functools import partial
from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.storage.store import Job, Run
from gan_core.text import ago, count, size
from pages.shared import urls
from pages.shared.status import job_progress, state_of, state_text
from pages.shared.text import plain
from pages.shared.trash import show_last_deletion, show_refusals, show_trash, tried


def show_exports(context: Context, run: Run | None, dataset_id: str) -> None:
    """Those of the run; without a run, those of the dataset that no run drew for, or a run that was deleted since."""
    run_ids = {one.id for one in context.store.runs()}

    def belongs(job: Job) -> bool:
        source = job.payload.get("run")
        return source == run.id if run else job.payload.get("dataset") == dataset_id and source not in run_ids

    jobs = [job for job in context.store.jobs(kind="export") if belongs(job)]
    for job in jobs:
        if job.live or job.id == st.session_state.get("export_job"):
            job_progress(context, job, "Export", f"export_{job.id}")
    trash = [one for one in actions.deleted(context, "export") if one.id in {job.subject for job in jobs}]
    show_refusals("export")
    show_last_deletion("export", context, trash)
    gone = {one.id for one in trash}
    done = [job for job in jobs if job.state == "finished" and job.result and job.subject not in gone]
    if not done:
        st.caption("No export yet.")
        show_trash("export", context, trash, "export")
        return
    st.header("Exports of this run" if run else "Exports of this dataset")
    for job in done:
        with st.container(border=True, key=f"export_done_{job.subject}"):
            show_export(context, job)
            if job.payload.get("run") not in (None, *run_ids):
                st.caption("The run that drew its images was deleted; the file is complete.")
    show_trash("export", context, trash, "export")


def show_export(context: Context, job: Job) -> None:
    result = job.result or {}
    generated = sum(entry["synthetic"] for entry in result.get("per_class", {}).values())
    when = ago(job.finished_at or job.created_at)
    st.caption(f"{state_text(state_of(job))}, {when}: {count(generated, 'generated image')}")
    if show_download(context, job):
        for note in result.get("notes", ()):
            st.caption(plain(note))
        show_quality_filter(result)
        delete = partial(tried, "export", partial(actions.delete, context, job.subject))
        key, why = f"export_delete_{job.subject}", "You can restore it on this page."
        st.button("Delete", key=key, icon=":material/delete:", on_click=delete, help=why)


def show_download(context: Context, job: Job) -> bool:
    """The link to an export's file with its size and checksum; False, and a sentence, where the file was removed."""
    result = job.result or {}
    file = str(result["file"])
    if not (context.workspace.export(job.subject) / file).is_file():
        st.caption("The file was removed from the workspace. Build it again.")
        return False
    st.html(urls.download_link(urls.export(job.subject, file), file, f"Download {file} ({size(result['bytes'])})"))
    st.caption(f"SHA-256 `{str(result['sha256'])[:64]}`")
    return True


def show_quality_filter(result: dict[str, Any]) -> None:
    """What the quality filter kept; a warning where a class has too few images."""
    summary = plain(f"Drawn images: {result.get('gate_said') or result.get('label_check_said') or 'not checked'}")
    classes = ((result.get("gate") or {}).get("classes") or {}).values()
    if any(row["missing"] for row in classes):
        st.warning(summary, icon=":material/warning:")
    else:
        st.caption(summary)
