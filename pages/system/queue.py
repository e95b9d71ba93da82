"""Every waiting or running job by lane: what it is, how far it is, whether its process is alive, and a button that ends it."""

import time

import streamlit as st

from gan_core.actions import Context
from gan_core.jobs import queue, supervisor
from gan_core.storage.store import LIVE, Job
from gan_core.text import count, duration
from pages.shared.status import state_of, state_text, try_to
from pages.shared.text import plain
from pages.system.devices import show_work

POLL_SECONDS = 2.0
LANES = {"train": "Training", "light": "Short jobs", "heavy": "Long jobs"}
JOB_TITLES = {
    "train": "Training",
    "import": "Import",
    "probe": "Measuring a recipe's speed",
    "system": "Detecting devices",
    "inspect": "Dataset health",
    "curate": "Curating a dataset",
    "evaluate": "Evaluation",
    "utility": "Utility",
    "improve": "Find what helps",
    "detect": "Detector",
    "timelapse": "Timelapse",
    "explore": "New images",
    "walk": "Latent walk",
    "variants": "Variants of real images",
    "export": "Export",
    "export_model": "Model export",
    "preview": "Export preview",
}


def show_queue(context: Context) -> None:
    """The queue, refreshed while anything is in it."""
    st.header("Queue")
    any_live = bool(context.store.jobs(states=LIVE, limit=1))

    @st.fragment(run_every=POLL_SECONDS if any_live else None)
    def poll() -> None:
        live = context.store.jobs(states=LIVE)[::-1]
        names = {run.id: run.name for run in context.store.runs()}
        show_work(context, names)
        if not live:
            if any_live:
                st.rerun()
            st.caption("No job is running or waiting.")
            return
        names |= {dataset.id: dataset.name for dataset in context.store.datasets()}
        for lane, title in LANES.items():
            jobs = [job for job in live if job.lane == lane and job.state == "running"]
            jobs += context.store.waiting(lane)
            if jobs:
                st.subheader(title)
            for place, job in enumerate(jobs):
                show_job(context, job, names, place)

    poll()


def show_job(context: Context, job: Job, names: dict[str, str], place: int) -> None:
    """One job in a box that wraps on a narrow screen."""
    about = names.get(job.subject) or names.get(str(job.payload.get("run"))) or job.payload.get("name") or ""
    title = JOB_TITLES.get(job.kind, job.kind)
    with st.container(border=True, key=f"job_{job.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{title}**{f' · {plain(about)}' if about else ''}", width="content")
            st.markdown(state_text(state_of(job)), width="content")
            st.space("stretch")
            st.button(
                "Stop and keep" if job.kind == "train" else "Cancel",
                key=f"job_cancel_{job.id}",
                icon=":material/close:",
                disabled=job.control == "stop",
                on_click=try_to,
                args=(lambda: queue.control(context.store, job.id, "stop"),),
                help=f"{title}{f' · {plain(about)}' if about else ''}",
            )
        if job.state == "running":
            st.progress(job.progress, text=f"{job.progress:.0%} {plain(job.message)}")
        st.caption(process_state(context, job, place))


def process_state(context: Context, job: Job, place: int) -> str:
    """Whether the process of a running job is alive, or how many jobs a waiting one has before it."""
    if job.state == "queued":
        ahead = f"{count(place, 'job')} before it" if place else "it is next"
        wanted = f" It waits for {job.device_wanted}." if job.device_wanted not in ("auto", "") else ""
        handed = f" The cluster has it as job {job.cluster_job}." if job.cluster_job else ""
        return plain(f"Waiting for {duration(time.time() - job.created_at)}; {ahead}.{wanted}{handed}")
    where = f" on {job.device}" if job.device else ""
    where += f" of {job.host}" if job.host not in (None, queue.HOST) else ""
    if not supervisor.has_process(job, context.workspace.root):
        return "Its process has died; the job will be marked as interrupted within seconds."
    if job.control == "stop":
        return plain(f"Was asked to stop; process {job.pid}{where} is alive.")
    try:
        written = (context.workspace.run(job.subject) / "status.json").stat().st_mtime if job.kind == "train" else None
    except OSError:
        written = None
    progress = f", last progress {duration(time.time() - written)} ago" if written else ""
    return plain(f"Process {job.pid}{where} is alive{progress}.")
