"""The frame of every page: the navigation, the logo, and in the sidebar the runs that are training now."""

from pathlib import Path

import streamlit as st

import visitor
from gan_core.storage import full_disk
from pages.index_notice import show_rebuilt, tell_of_index
from pages.shared.context import get_context
from pages.shared.text import sentence
from pages.sidebar import show_active_runs

ASSETS = Path(__file__).parent.parent / "assets"

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

# What pupils see of a class room; the other pages only lead to changes.
PUPILS = ("home", "live", "samples", "evaluate", "runs", "learn")

is_pupil = visitor.is_pupil(st.context)

st.logo(str(ASSETS / "logo.svg"), icon_image=str(ASSETS / "icon.svg"), size="large")

# Before the navigation: else the browser fetches the page's icon as a picture for its tab from a font host.
st.set_page_config(page_icon=str(ASSETS / "icon.svg"), layout="wide")

page = st.navigation(
    [
        st.Page(
            f"{name}/page.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=None if name == "home" else name,
            default=name == "home",
            help=help,
            visibility="hidden" if is_pupil and name not in PUPILS else "visible",
        )
        for name, title, icon, help in PAGES
    ]
)

st.set_page_config(page_title="Ganvas" if page.title == "Home" else f"{page.title} · Ganvas")


with tell_of_index():
    context = get_context()
    with st.sidebar:
        if is_pupil:
            st.caption("You see everything here, and cannot change it: this is the pupils' link.")
        show_active_runs(context)
    if obstacle := full_disk.trouble(context.workspace):
        st.warning(sentence(obstacle), icon=":material/hard_drive:")
    show_rebuilt(context)
    if is_pupil and page.url_path and page.url_path not in PUPILS:
        st.info("This page is for your teacher.", icon=":material/school:")
    else:
        page.run()
