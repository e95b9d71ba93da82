"""The images that are excluded from a dataset so far, and the form that makes a curated dataset: without them, or with the
objects cut out on a plain background."""

from functools import partial
from pathlib import Path

import streamlit as st
from PIL import ImageColor

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.dataset_health import exclusions, findings
from gan_core.text import ago, count
from pages.shared import cutout_preview
from pages.shared.double_click import click_token
from pages.shared.status import job_progress, show_refusal, try_to
from pages.shared.text import plain

BACKGROUNDS = {"": "As it is", "white": "White", "grey": "Grey", "black": "Black", "own": "A colour"}
WITHOUT_OBJECT = {True: "Keep as they are", False: "Leave out"}


def show_curation(context: Context, id: str, info: DatasetInfo) -> None:
    """The excluded images with their Undo, the form, and the datasets that were made with it."""
    folder = context.workspace.dataset(id)
    entries = exclusions.read(folder)
    show_excluded(context, id, entries)
    with st.expander(
        "Make a curated dataset",
        expanded=bool(entries),
        icon=":material/cleaning_services:",
        key=f"curate_form_{id}_{bool(entries):d}",
    ):
        curate_form(context, id, folder, info, entries)
    show_curated(context, id)


def show_excluded(context: Context, id: str, entries: list[exclusions.Entry]) -> None:
    """Each exclusion with its Undo."""
    if not entries:
        return
    st.subheader("Excluded so far")
    for entry in entries:
        with st.container(horizontal=True, vertical_alignment="center", key=f"excluded_{entry.id}"):
            what = plain(findings.NAMES.get(entry.finding, entry.finding))
            st.markdown(f"{count(len(entry.rows), 'image')}: {what}, {ago(entry.when)}", width="content")
            if st.button("Undo", key=f"undo_{entry.id}", icon=":material/undo:", type="tertiary"):
                try_to(partial(actions.undo_exclusion, context, id, entry.id))
                st.rerun()


def curate_form(context: Context, id: str, folder: Path, info: DatasetInfo, entries: list[exclusions.Entry]) -> None:
    """A background with a preview, a name, and the button."""
    st.caption(
        "A new dataset without the excluded images. This dataset stays as it is, and so do its runs and their scores. The images "
        "of all three splits are treated alike."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        background = choose_background(id)
        name = st.text_input("Name", key=f"curate_name_{id}", max_chars=100, placeholder="its own name", width=280)
    keep = True
    if background:
        st.caption(
            "The object of each image is cut out and laid on that colour. This can take minutes for a few thousand images."
        )
        cutout_preview.show(folder, info.classes, ImageColor.getrgb(background)[:3], key=f"curate_cutouts_{id}")
        keep = bool(
            st.segmented_control(
                "Images without an object",
                list(WITHOUT_OBJECT),
                format_func=WITHOUT_OBJECT.__getitem__,
                default=True,
                required=True,
                key=f"curate_without_{id}",
            )
        )
    ready = bool(entries or background)
    if st.button(
        "Make the curated dataset",
        type="primary",
        key="curate_start",
        icon=":material/cleaning_services:",
        disabled=not ready,
    ):
        token = click_token("curate", id, [entry.id for entry in entries], background, keep, name)
        with show_refusal():
            actions.curate(context, id, background=background, keep_without_object=keep, name=name, token=token)
    if not ready:
        st.caption("Exclude images above, or choose a background.")


def choose_background(id: str) -> str:
    """A name or '#rrggbb'; '' for the images as they are."""
    chosen = st.segmented_control(
        "Background",
        list(BACKGROUNDS),
        format_func=BACKGROUNDS.__getitem__,
        default="",
        required=True,
        key=f"curate_background_{id}",
    )
    return st.color_picker("Colour", "#2f79c4", key=f"curate_colour_{id}") if chosen == "own" else str(chosen)


def show_curated(context: Context, id: str) -> None:
    """The curated datasets that were made, or are being made, from this one."""
    jobs = [job for job in context.store.jobs(kind="curate", limit=50) if job.payload.get("parent") == id]
    names = {dataset.id: dataset.name for dataset in context.store.datasets()}
    for number, job in enumerate(jobs):
        if job.live or (number == 0 and job.state != "finished"):
            job_progress(context, job, "Curated dataset", f"curate_{job.id}")
        elif job.subject in names:
            label = f"Made from this dataset: {plain(names[job.subject])}"
            if st.button(label, key=f"open_{job.subject}", icon=":material/arrow_forward:", type="tertiary"):
                st.query_params.from_dict({"ds": job.subject})
                st.rerun()
