"""The form that imports a dataset from a ready set, a zip, a folder or an earlier import, and the progress of an import."""

from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.requests import Choices, ImportRequest
from gan_core.settings import recipes
from gan_core.settings.families import SIZES
from pages.data.choose_source import choose_source
from pages.data.import_again import OTHER, SHARES
from pages.data.import_preview import KEYS, show_preview
from pages.shared import request_form
from pages.shared.double_click import click_token
from pages.shared.status import job_progress
from pages.shared.text import sentence

MODES = {"auto": "As in the images", "RGB": "Colour", "L": "Grey"}
FITS = {"crop": "Crop to a square", "pad": "Pad to a square", "stretch": "Stretch to a square"}
BACKGROUNDS = {"white": "White", "black": "Black", "grey": "Grey", OTHER: "Another colour"}


def import_form(context: Context) -> None:
    """The source, a preview of it, how its images are changed, and the button."""
    source, suggested = choose_source(context) or ("", "")
    previewed = preview_or_refusal(context, source) if source else None
    choices, usual_side = previewed or (None, None)
    request = show_options(source, suggested, usual_side)
    if st.button("Import", type="primary", key="import_start", icon=":material/download:", disabled=choices is None):
        start_import(context, request.replace(choices=choices))
    if choices is None:
        st.caption("Choose a source above to enable Import.")


def preview_or_refusal(context: Context, source: str) -> tuple[Choices, int | None] | None:
    """The choices that suit the source, and the usual shorter side of its images in px; None where it is refused.

    A refused upload is deleted.
    """
    try:
        if actions.locate(context, source).startswith("demo:"):
            return Choices(), None
        return show_preview(context, source)
    except UserError as refused:
        defaults = Choices()
        changed = [
            key
            for field, key in KEYS.items()
            if st.session_state.pop(key, None) not in (None, getattr(defaults, field))
        ]
        # Where a choice was changed, the choice is refused and not the upload; that of an earlier import stays in any case.
        if source.startswith("upload:") and not changed and "job" not in st.query_params:
            actions.discard_upload(context, source)
            st.session_state.pop("import_arrived", None)
            st.session_state["import_refused"] = sentence(refused)
            st.rerun()
        st.error(sentence(refused))
    except OSError:
        st.error("The source cannot be read. Check that it is still there and that you may read it.")
    return None


def show_options(source: str, suggested: str, usual_side: int | None) -> ImportRequest:
    """Name, size, colour, fit and background. suggested: a name; usual_side: of the images of the source, in px."""
    named, sized, coloured, fitted, behind = st.columns(5)
    name = named.text_input(
        "Name", key="import_name", max_chars=100, placeholder=suggested or "its own name" if source else ""
    )
    if "import_size" not in st.session_state:  # the user has left the page, and with it the size that was chosen
        st.session_state.pop("import_size_chosen", None)
    if not st.session_state.get("import_size_chosen"):
        st.session_state["import_size"] = fitting_side(usual_side)
    has_recipe = {side for recipe in recipes.RECIPES.values() for side in recipe.sizes}
    words = {side: f"{side} × {side} px" + ("" if side in has_recipe else " (no recipe for it yet)") for side in SIZES}
    side = request_form.select(
        ImportRequest,
        "size",
        "import_size",
        words,
        sized,
        index=0,
        on_change=lambda: st.session_state.update(import_size_chosen=True),
        help="Smaller trains faster: 28 or 32 px in minutes, 64 px from a quarter of an hour on a CPU.",
    )
    mode = request_form.select(ImportRequest, "mode", "import_mode", MODES, coloured)
    fit = request_form.select(ImportRequest, "fit", "import_fit", FITS, fitted)
    with behind:
        background = choose_background()
    if usual_side and not st.session_state.get("import_size_chosen"):
        st.caption(f"{side} px is suggested because the shorter side of these images is usually {usual_side} px.")
    return ImportRequest(
        source=source, name=name or suggested, size=side, mode=mode, fit=fit, background=background, **choose_shares()
    )


def choose_shares() -> dict[str, Any]:
    """How much is cut for validation and for test where a source brings no folder of them."""
    with st.expander("Validation and test"):
        columns = st.columns(2)
        return {
            name: request_form.slider(ImportRequest, name, f"import_{name}", column)
            for name, column in zip(SHARES, columns, strict=True)
        }


def fitting_side(usual: int | None) -> int:
    """The suggested size for images whose shorter side is usually so many px: photographs need 64 px to be recognisable."""
    return 32 if usual is None or 28 < usual <= 48 else 28 if usual <= 28 else 64


def choose_background() -> str:
    """The color behind transparent images and beside padded ones: a name or '#rrggbb'."""
    chosen = st.selectbox(
        "Background",
        BACKGROUNDS,
        format_func=BACKGROUNDS.__getitem__,
        key="import_background",
        help="Behind transparent images, and beside images that are padded to a square.",
    )
    return st.color_picker("Colour of it", "#ffffff", key="import_background_colour") if chosen == OTHER else chosen


def start_import(context: Context, request: ImportRequest) -> None:
    """Queue the import; the address then names its job."""
    try:
        token = click_token("import", request.payload())
        job = actions.import_dataset(context, request, token=token)
    except UserError as refused:
        st.error(sentence(refused))
        return
    for key in ("import_arrived", "import_filled", "import_size_chosen"):
        st.session_state.pop(key, None)
    st.query_params.from_dict({"job": job.id})
    st.rerun()


def show_import(context: Context, job_id: str) -> bool:
    """The progress of the import in ?job=; a finished one becomes ?ds=. Returns whether it is still under way."""
    try:
        job = context.store.job(job_id)
    except UserError as refused:
        st.error(sentence(refused))
        return False
    if job.state == "finished":
        st.toast("Imported.", icon=":material/check_circle:")
        st.query_params.from_dict({"ds": job.subject})
        st.rerun()
    job_progress(context, job, "Import", "import")
    return job.live
