"""The frame around every page: the navigation, the logo, and the run that is training now."""

from pathlib import Path

import streamlit as st

from gan_core.actions import Context
from gan_core.storage import run_folder
from gan_core.text import duration
from pages.shared import refresh_rate
from pages.shared.context import get_context
from pages.shared.status import state_of, state_text
from pages.shared.text import plain

ASSETS = Path(__file__).parent.parent / "assets"
MOST_CHIPS = 3  # the oldest: the one that trains, then those next in line
CHIP_TIMES = 4  # the pace of a tab: the chip is looked at less than the page

st.logo(str(ASSETS / "logo.svg"), icon_image=str(ASSETS / "icon.svg"), size="large")

page = st.navigation(
    [
        st.Page(
            "home/page.py",
            title="Home",
            icon=":material/home:",
            default=True,
            help="Start here: the demo, and your runs.",
        ),
        st.Page(
            "data/page.py",
            title="Data",
            icon=":material/photo_library:",
            url_path="dataset",
            help="Bring in class folders and see what is in them.",
        ),
        st.Page(
            "train/page.py",
            title="Train",
            icon=":material/model_training:",
            url_path="train",
            help="Pick a recipe and start a run.",
        ),
        st.Page(
            "live/page.py",
            title="Live",
            icon=":material/monitoring:",
            url_path="live",
            help="Watch a run, pause or stop it.",
        ),
        st.Page(
            "samples/page.py",
            title="Samples",
            icon=":material/grid_view:",
            url_path="samples",
            help="The same noise at every epoch, beside real images.",
        ),
        st.Page(
            "evaluate/page.py",
            title="Measure",
            icon=":material/straighten:",
            url_path="evaluate",
            help="How far the generated images are from real ones.",
        ),
        st.Page(
            "export/page.py",
            title="Export",
            icon=":material/folder_zip:",
            url_path="export",
            help="Download a balanced dataset.",
        ),
        st.Page(
            "runs/page.py",
            title="Runs",
            icon=":material/table_rows:",
            url_path="runs",
            help="All runs: compare, rename, delete.",
        ),
        st.Page(
            "learn/page.py",
            title="Learn",
            icon=":material/school:",
            url_path="learn",
            help="See how GANs work: a laboratory, and lessons.",
        ),
        st.Page(
            "system/page.py",
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


def running_now(context: Context) -> None:
    """The chip: name, percent, time left, and the way to Live."""
    active = [job for job in context.store.jobs(kind="train", states=("queued", "running"))][-MOST_CHIPS:]
    names = {run.id: run.name for run in context.store.runs()} if active else {}

    every = CHIP_TIMES * refresh_rate.seconds() if active else None

    @st.fragment(run_every=every)
    def chip() -> None:
        if every and refresh_rate.seconds() > refresh_rate.SLACK * every / CHIP_TIMES:
            st.rerun()  # many came to watch
        for job in active:
            now, status = context.store.job(job.id), run_folder.read_status(context.workspace.run(job.subject))
            with st.container(border=True, key=f"chip_{job.subject}"):
                st.page_link(
                    "live/page.py", label=plain(names.get(job.subject, "Run")), query_params={"run": job.subject}
                )
                moving = state_of(now) == "running" and status.get("eta_seconds")
                left = f", {duration(status['eta_seconds'])} left" if moving else ""
                st.caption(f"{state_text(state_of(now))}: {now.progress:.0%}{left}")

    if active:
        chip()


with st.sidebar:
    running_now(get_context())

page.run()
