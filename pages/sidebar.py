"""The runs that are training now, in the sidebar of every page."""

import streamlit as st

from gan_core.actions import Context
from gan_core.storage import run_folder
from gan_core.text import duration
from pages.shared import refresh_rate
from pages.shared.links import link
from pages.shared.status import state_of, state_text
from pages.shared.text import plain

MOST_ACTIVE = 3  # runs in the sidebar: the one that trains, then those next in the queue
SLOWER = 4  # the sidebar refreshes so many times less often than a page


def show_active_runs(context: Context) -> None:
    """The sidebar: for each active run its name as a link to Live, its state, how much is done, and the time left."""
    active = [job for job in context.store.jobs(kind="train", states=("queued", "running"))][-MOST_ACTIVE:]
    if not active:
        return
    names = {run.id: run.name for run in context.store.runs()}
    every = SLOWER * refresh_rate.seconds()

    @st.fragment(run_every=every)
    def refresh() -> None:
        if refresh_rate.seconds() > refresh_rate.SLACK * every / SLOWER:
            st.rerun()  # many more tabs are open than when the timer was set
        for job in active:
            now, status = context.store.job(job.id), run_folder.read_status(context.workspace.run(job.subject))
            with st.container(border=True, key=f"chip_{job.subject}"):
                link("live", plain(names.get(job.subject, "Run")), icon="", run=job.subject)
                moving = state_of(now) == "running" and status.get("eta_seconds")
                left = f", {duration(status['eta_seconds'])} left" if moving else ""
                st.caption(f"{state_text(state_of(now))}: {now.progress:.0%}{left}")

    refresh()
