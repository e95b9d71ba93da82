"""Which device trains which run, and which are free."""

import streamlit as st

from gan_core.actions import Context
from gan_core.jobs import cluster, devices
from gan_core.storage.store import Job
from gan_core.text import count
from pages.shared.text import plain


def show_work(context: Context, names: dict[str, str]) -> None:
    """A row for each device of this computer and each job on the cluster. names: {id of a run: its name}."""
    running = context.store.jobs(kind="train", states=("running",))
    if cluster.chosen():
        st.caption(f"Trainings go to the cluster ({plain(cluster.chosen() or '')}).")
        rows = [("cluster", plain(job.host or ""), work(job, names)) for job in running if job.cluster_job]
    else:
        known, busy = devices.known(context.workspace), devices.busy(context.store)
        rows = [(device, "this computer", work(busy.get(device), names)) for device in known]
    if rows:
        st.dataframe(
            [{"device": device, "host": host, "training": what} for device, host, what in rows],
            hide_index=True,
            key="devices_work",
            alt="What each device trains, or that it is free",
        )
        free = sum(what == "free" for _, _, what in rows)
        if len(rows) > 1:
            st.caption(f"{count(free, 'device is', 'devices are')} free. A waiting run takes the next that it may use.")


def work(job: Job | None, names: dict[str, str]) -> str:
    """'Birds, 43 %', or 'free'."""
    if job is None:
        return "free"
    paused = ", paused" if job.control == "pause" else ""
    return f"{names.get(job.subject, 'a run')}, {job.progress:.0%}{paused}"
