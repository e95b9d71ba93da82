"""The frame of every page: the navigation, the logo, and in the sidebar the runs that are training now."""

from pathlib import Path

import streamlit as st

from gan_core.actions import Context
from gan_core.storage import run_folder
from gan_core.text import duration
from pages.shared import refresh_rate
from pages.shared.context import get_context
from pages.shared.links import link
from pages.shared.status import state_of, state_text
from pages.shared.text import plain

ASSETS = Path(__file__).parent.parent / "assets"
MOST_ACTIVE = 3  # runs in the sidebar: the one that trains, then those next in the queue
SLOWER = 4  # the sidebar refreshes so many times less often than a page

# (folder and address, title, icon, help); the first page has no address of its own
PAGES = [
    ("home", "Home", "home", "Start here: the demo, and your runs."),
    ("data", "Data", "photo_library", "Import images in class folders and see what is in them."),
    ("train", "Train", "model_training", "Choose a recipe and start a run."),
    ("live", "Live", "monitoring", "Watch a run; pause, stop or resume it."),
    ("samples", "Samples", "grid_view", "Images from the same noise at every epoch, beside real images."),
    ("evaluate", "Evaluate", "straighten", "How far the generated images are from real ones."),
    ("export", "Export", "folder_zip", "Download a balanced dataset."),
    ("runs", "Runs", "table_rows", "All runs: compare, rename, delete."),
    ("learn", "Learn", "school", "See how GANs work: a laboratory, and lessons."),
    ("system", "System", "memory", "Devices, the queue, disk, optional parts."),
]

st.logo(str(ASSETS / "logo.svg"), icon_image=str(ASSETS / "icon.svg"), size="large")

page = st.navigation(
    [
        st.Page(
            f"{name}/page.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=None if name == "home" else name,
            default=name == "home",
            help=help,
        )
        for name, title, icon, help in PAGES
    ]
)

st.set_page_config(
    page_title="Ganvas" if page.title == "Home" else f"{page.title} · Ganvas",
    page_icon=str(ASSETS / "icon.svg"),
    layout="wide",
)


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


with st.sidebar:
    show_active_runs(get_context())

page.run()
