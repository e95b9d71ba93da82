"""The form that brings a dataset in (ready set, zip, folder), and the progress of an import."""

import streamlit as st

from gan_core import actions, recipes
from gan_core.actions import Desk
from gan_core.data.dataset import SIZES
from gan_core.data.demos import READY_SETS
from gan_core.errors import UserError
from pages.components.desk import click_token
from pages.components.status import job_progress
from pages.components.text import plain, sentence, size
from pages.components.upload import upload_zip

WAYS = ("Ready sets", "Upload a zip", "Folder on this computer")
MODES = {"auto": "As in the pictures", "RGB": "Colour", "L": "Grey"}
DRAWN = {side for recipe in recipes.RECIPES.values() for side in recipe.sizes}
FITS = {"crop": "Crop to a square", "pad": "Pad to a square", "stretch": "Stretch to a square"}


def choose_source() -> tuple[str, str] | None:
    """(source for actions.import_dataset, name to suggest), or None as long as nothing is chosen."""
    way = st.segmented_control("Where are your images?", WAYS, default=WAYS[0], required=True, key="import_way")
    if way == WAYS[0]:
        name = st.radio(
            "Ready set",
            list(READY_SETS),
            format_func=lambda key: plain(READY_SETS[key].title),
            key="import_ready",
            captions=[
                plain(ready.summary) + (" Needs a network." if ready.needs_network else "")
                for ready in READY_SETS.values()
            ],
        )
        st.caption(plain(f"Source: {READY_SETS[name].source}."))
        return f"demo:{name}", READY_SETS[name].title
    if way == WAYS[1]:
        if arrived := upload_zip("import_upload"):
            st.session_state["import_arrived"] = arrived
        held = st.session_state.get("import_arrived")
        if held is None:
            return None
        st.success(
            f"{plain(held.name)} ({size(held.bytes)}) is uploaded. Choose a size below and import it.",
            icon=":material/check_circle:",
        )
        return f"upload:{held.id}", held.name.removesuffix(".zip")
    path = st.text_input(
        "Path of a folder or a zip",
        key="import_path",
        placeholder="/home/me/pictures/birds",
        help="On the computer that Ganvas runs on. The folder holds one folder per class.",
    )
    return (path, "") if path else None


def import_form(desk: Desk) -> None:
    source = choose_source()
    named, sized, colour, fit = st.columns(4)
    name = named.text_input(
        "Name", key="import_name", max_chars=100, placeholder=source[1] or "its own name" if source else ""
    )
    side = sized.selectbox(
        "Size",
        SIZES,
        index=SIZES.index(32),
        format_func=lambda side: f"{side} × {side} px" + ("" if side in DRAWN else " (no recipe draws it yet)"),
        key="import_size",
        help="Smaller trains faster: 28 or 32 px in minutes, 64 px from a quarter of an hour on a CPU.",
    )
    mode = colour.selectbox("Colour", list(MODES), format_func=MODES.__getitem__, key="import_mode")
    fitted = fit.selectbox("Fit", list(FITS), format_func=FITS.__getitem__, key="import_fit")
    if st.button("Import", type="primary", key="import_start", icon=":material/download:", disabled=source is None):
        name = name or source[1]
        token = click_token("import", source[0], name, side, mode, fitted)
        try:
            job = actions.import_dataset(desk, source[0], name=name, size=side, mode=mode, fit=fitted, token=token)
        except UserError as refused:
            st.error(sentence(refused))
        else:
            st.session_state.pop("import_arrived", None)
            st.query_params.from_dict({"job": job.id})
            st.rerun()
    if source is None:
        st.caption("Import lights up when there is something to import.")


def show_import(desk: Desk, job_id: str) -> bool:
    """Progress of the import in ?job=; a finished one becomes ?ds=. Is it still under way?"""
    try:
        job = desk.store.job(job_id)
    except UserError as refused:
        st.error(sentence(refused))
        return False
    if job.state == "finished":
        st.toast("Imported.", icon=":material/check_circle:")
        st.query_params.from_dict({"ds": job.subject})
        st.rerun()
    job_progress(desk, job, "Import", "import")
    return job.live
