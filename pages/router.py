"""The frame around every page: the navigation, the logo, and the run that is training now."""

from pathlib import Path

import streamlit as st

from gan_core import runfolder
from gan_core.actions import Desk
from pages.components import pace
from pages.components.desk import get_desk
from pages.components.status import state_of, state_text
from pages.components.text import duration, plain

ASSETS = Path(__file__).parent.parent / "assets"
MOST_CHIPS = 3  # the oldest: the one that trains, then those next in line
CHIP_TIMES = 4  # the pace of a tab: the chip is looked at less than the page

st.logo(str(ASSETS / "logo.svg"), icon_image=str(ASSETS / "icon.svg"), size="large")

page = st.navigation(
    [
        st.Page(
            "home.py", title="Home", icon=":material/home:", default=True, help="Start here: the demo, and your runs."
        ),
        st.Page(
            "dataset.py",
            title="Data",
            icon=":material/photo_library:",
            url_path="dataset",
            help="Bring in class folders and see what is in them.",
        ),
        st.Page(
            "train.py",
            title="Train",
            icon=":material/model_training:",
            url_path="train",
            help="Pick a recipe and start a run.",
        ),
        st.Page(
            "live.py",
            title="Live",
            icon=":material/monitoring:",
            url_path="live",
            help="Watch a run, pause or stop it.",
        ),
        st.Page(
            "samples.py",
            title="Samples",
            icon=":material/grid_view:",
            url_path="samples",
            help="The same noise at every epoch, beside real images.",
        ),
        st.Page(
            "evaluate.py",
            title="Measure",
            icon=":material/straighten:",
            url_path="evaluate",
            help="How far the generated images are from real ones.",
        ),
        st.Page(
            "export.py",
            title="Export",
            icon=":material/folder_zip:",
            url_path="export",
            help="Download a balanced dataset.",
        ),
        st.Page(
            "runs.py",
            title="Runs",
            icon=":material/table_rows:",
            url_path="runs",
            help="All runs: compare, rename, delete.",
        ),
        st.Page(
            "learn.py",
            title="Learn",
            icon=":material/school:",
            url_path="learn",
            help="See how GANs work: a laboratory, and lessons.",
        ),
        st.Page(
            "system.py",
            title="System",
            icon=":material/memory:",
            url_path="system",
            help="Devices, the queue, disk, optional parts.",
        ),
    ]
)


st.set_page_config(
    page_title="Ganvas" if page.title == "Home" else f"{page.title} · Ganvas",
    page_icon=str(ASSETS / "icon.svg"),
    layout="wide",
)


def running_now(desk: Desk) -> None:
    """The chip: name, percent, time left, and the way to Live."""
    active = [job for job in desk.store.jobs(kind="train", states=("queued", "running"))][-MOST_CHIPS:]
    names = {run.id: run.name for run in desk.store.runs()} if active else {}

    every = CHIP_TIMES * pace.seconds() if active else None

    @st.fragment(run_every=every)
    def chip() -> None:
        if every and pace.seconds() > pace.SLACK * every / CHIP_TIMES:
            st.rerun()  # many came to watch
        for job in active:
            now, status = desk.store.job(job.id), runfolder.read_status(desk.workspace.run(job.subject))
            with st.container(border=True, key=f"chip_{job.subject}"):
                st.page_link("live.py", label=plain(names.get(job.subject, "Run")), query_params={"run": job.subject})
                moving = state_of(now) == "running" and status.get("eta_seconds")
                left = f", {duration(status['eta_seconds'])} left" if moving else ""
                st.caption(f"{state_text(state_of(now))}: {now.progress:.0%}{left}")

    if active:
        chip()


with st.sidebar:
    running_now(get_desk())

page.run()
