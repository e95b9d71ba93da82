"""Every live job, by lane: what it is, how far it is, whether its process lives, and the button that ends it."""

import time

import streamlit as st

from gan_core.actions import Context
from gan_core.jobs import queue
from gan_core.storage.store import LIVE, Job
from gan_core.text import count, duration
from pages.shared.status import ask, state_of, state_text
from pages.shared.text import plain

POLL_SECONDS = 2.0
LANES = {"train": "Training", "light": "Short jobs", "heavy": "Long jobs"}
KINDS = {
    "train": "Training",
    "import": "Import",
    "probe": "Trial of a few steps",
    "system": "Look at the devices",
    "inspect": "Closer look at a dataset",
    "curate": "Making a dataset",
    "evaluate": "Measurement",
    "utility": "Comparison with classifiers",
    "detect": "Real or generated",
    "timelapse": "Timelapse",
    "explore": "New images",
    "walk": "Latent walk",
    "fuse": "Variants of real images",
    "export": "Export",
    "share": "Packing a generator",
    "preview": "Preview of an export",
}


def show(context: Context) -> None:
    """The queue, polled while anything is in it."""
    st.header("Queue")
    any_live = bool(context.store.jobs(states=LIVE, limit=1))

    @st.fragment(run_every=POLL_SECONDS if any_live else None)
    def poll() -> None:
        live = context.store.jobs(states=LIVE)[::-1]
        if not live:
            if any_live:
                st.rerun()
            st.caption("Nothing runs and nothing waits.")
            return
        names = {thing.id: thing.name for thing in (*context.store.runs(), *context.store.datasets())}
        for lane, title in LANES.items():
            mine = [job for job in live if job.lane == lane and job.state == "running"]
            mine += [job for job in context.store.waiting(lane)]
            if mine:
                st.subheader(title)
            for place, job in enumerate(mine):
                line(context, job, names, place)

    poll()


def line(context: Context, job: Job, names: dict[str, str], place: int) -> None:
    """One job in a box that wraps on a narrow screen."""
    about = names.get(job.subject) or names.get(str(job.payload.get("run"))) or job.payload.get("name") or ""
    title = KINDS.get(job.kind, job.kind)
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
                on_click=ask,
                args=(context, job.id, "stop"),
                help=f"{title}{f' · {plain(about)}' if about else ''}",
            )
        if job.state == "running":
            st.progress(job.progress, text=f"{job.progress:.0%} {plain(job.message)}")
        st.caption(sign_of_life(context, job, place))


def sign_of_life(context: Context, job: Job, place: int) -> str:
    """What is known of the process that carries it out, or of its place in the line."""
    if job.state == "queued":
        ahead = f"{count(place, 'job')} ahead of it" if place else "it is next"
        return f"Has waited {duration(time.time() - job.created_at)}; {ahead}."
    if not queue.alive(job.pid, job.pid_started_at):
        return "Its process is gone; it will be marked as interrupted within seconds."
    if job.control == "stop":
        return f"Asked to end; process {job.pid} is alive."
    try:
        written = (context.workspace.run(job.subject) / "status.json").stat().st_mtime if job.kind == "train" else None
    except OSError:
        written = None
    heard = f", wrote {duration(time.time() - written)} ago" if written else ""
    return f"Process {job.pid} is alive{heard}."
