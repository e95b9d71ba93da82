"""What was left out of a dataset so far, with Undo, and the form that makes a new one: cleaned, or cut out on a flat background."""

from pathlib import Path

import streamlit as st
from PIL import ImageColor

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.dataset_health import exclusions, findings
from gan_core.errors import UserError
from gan_core.text import ago, count
from pages.shared import cutout_preview
from pages.shared.context import click_token
from pages.shared.status import job_progress
from pages.shared.text import plain, sentence

GROUNDS = {"as it is": "As it is", "white": "White", "grey": "Grey", "black": "Black", "own": "A colour"}
WITHOUT = {True: "Keep as they are", False: "Leave out"}


def show_cleaning(context: Context, id: str, info: DatasetInfo) -> None:
    folder = context.workspace.dataset(id)
    entries = exclusions.read(folder)
    show_left_out(context, id, entries)
    with st.expander(
        "Make a cleaned dataset",
        expanded=bool(entries),
        icon=":material/cleaning_services:",
        key=f"clean_form_{id}_{bool(entries):d}",
    ):
        form(context, id, folder, info, entries)
    show_made(context, id)


def show_left_out(context: Context, id: str, entries: list[exclusions.Entry]) -> None:
    if not entries:
        return
    st.subheader("Left out so far")
    for entry in entries:
        with st.container(horizontal=True, vertical_alignment="center", key=f"left_out_{entry.id}"):
            what = plain(findings.NAMES.get(entry.finding, entry.finding))
            st.markdown(f"{count(len(entry.rows), 'picture')}: {what}, {ago(entry.when)}", width="content")
            if st.button("Undo", key=f"undo_{entry.id}", icon=":material/undo:", type="tertiary"):
                try:
                    actions.undo_exclusion(context, id, entry.id)
                except UserError as refused:
                    st.toast(sentence(refused), icon=":material/info:")
                st.rerun()


def form(context: Context, id: str, folder: Path, info: DatasetInfo, entries: list[exclusions.Entry]) -> None:
    """A name, a background with a preview, and the button."""
    st.caption(
        "A new dataset without what is left out. This one stays as it is, and so do its runs and their scores; the training part "
        "and the test part are treated alike."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ground = st.segmented_control(
            "Background",
            list(GROUNDS),
            format_func=GROUNDS.__getitem__,
            default="as it is",
            required=True,
            key=f"clean_ground_{id}",
        )
        background = "" if ground == "as it is" else str(ground)
        if ground == "own":
            background = st.color_picker("Colour", "#2f79c4", key=f"clean_colour_{id}")
        name = st.text_input("Name", key=f"clean_name_{id}", max_chars=100, placeholder="its own name", width=280)
    keep = True
    if background:
        st.caption(
            "Objects are cut out and laid on that colour. On cluttered grounds that takes minutes for a few thousand pictures."
        )
        cutout_preview.show(folder, info.classes, ImageColor.getrgb(background)[:3], key=f"clean_cutouts_{id}")
        keep = bool(
            st.segmented_control(
                "Pictures without an object",
                list(WITHOUT),
                format_func=WITHOUT.__getitem__,
                default=True,
                required=True,
                key=f"clean_without_{id}",
            )
        )
    ready = bool(entries or background)
    if st.button(
        "Make the cleaned dataset",
        type="primary",
        key="curate_start",
        icon=":material/cleaning_services:",
        disabled=not ready,
    ):
        token = click_token("curate", id, [entry.id for entry in entries], background, keep, name)
        try:
            actions.curate(context, id, background=background, keep_without_object=keep, name=name, token=token)
        except UserError as refused:
            st.error(sentence(refused))
    if not ready:
        st.caption("Leave pictures out above, or choose a background.")


def show_made(context: Context, id: str) -> None:
    """The jobs that made, or make, a dataset of this one."""
    made = [job for job in context.store.jobs(kind="curate", limit=50) if job.payload.get("parent") == id]
    names = {dataset.id: dataset.name for dataset in context.store.datasets()}
    for number, job in enumerate(made):
        if job.live or (number == 0 and job.state != "finished"):
            job_progress(context, job, "Cleaned dataset", f"curate_{job.id}")
        elif job.subject in names:
            label = f"Made of this: {plain(names[job.subject])}"
            if st.button(label, key=f"open_{job.subject}", icon=":material/arrow_forward:", type="tertiary"):
                st.query_params.from_dict({"ds": job.subject})
                st.rerun()
