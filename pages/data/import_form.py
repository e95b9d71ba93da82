"""The form that brings a dataset in (ready set, zip, folder, an earlier one again), and the progress of an import."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import SIZES
from gan_core.data.ready_sets import READY_SETS
from gan_core.errors import UserError
from gan_core.requests.import_dataset import Choices, ImportRequest
from gan_core.settings import recipes
from gan_core.text import size
from pages.data.import_again import OTHER, choose_again, choose_unfinished, unfinished
from pages.data.import_preview import KEYS, look
from pages.data.upload import upload_zip
from pages.shared.context import click_token
from pages.shared.status import job_progress
from pages.shared.text import plain, sentence

WAYS = ("Ready sets", "Upload a zip", "Folder on this computer")
MODES = {"auto": "As in the pictures", "RGB": "Colour", "L": "Grey"}
FITS = {"crop": "Crop to a square", "pad": "Pad to a square", "stretch": "Stretch to a square"}
BACKGROUND_WORDS = {"white": "White", "black": "Black", "grey": "Grey", OTHER: "Another colour"}


def choose_source(context: Context) -> tuple[str, str] | None:
    """(source for actions.import_dataset, name to suggest), or None as long as nothing is chosen."""
    if again := st.query_params.get("again"):
        return choose_again(context, again)
    if (job := unfinished(context)) is not None:
        return choose_unfinished(job)
    if st.session_state.pop("import_filled", None):
        st.session_state.pop("import_size_chosen", None)
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
            before = st.session_state.get("import_arrived")
            if before is not None and before.id != arrived.id:
                actions.discard_upload(context, f"upload:{before.id}")
            st.session_state["import_arrived"] = arrived
            st.session_state.pop("import_refused", None)
        if refused := st.session_state.get("import_refused"):
            st.error(refused)
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


def look_or_refuse(context: Context, source: str) -> tuple[Choices, int | None] | None:
    """The choices, below what they lead to, and the pictures' side; None where the source would be refused.

    A refused upload is not kept.
    """
    try:
        if actions.locate(context, source).startswith("demo:"):
            return Choices(), None
        return look(context, source)
    except UserError as refused:
        chosen = any(st.session_state.pop(KEYS[field], default) != default for field, default in Choices())
        if (
            source.startswith("upload:") and not chosen and "job" not in st.query_params
        ):  # else it is the choice that does not fit, and goes back by itself, or the upload of an earlier import
            actions.discard_upload(context, source)
            st.session_state.pop("import_arrived", None)
            st.session_state["import_refused"] = sentence(refused)
            st.rerun()
        st.error(sentence(refused))
    except OSError:
        st.error("It cannot be looked into: check that it is still there and may be read.")
    return None


def import_form(context: Context) -> None:
    drawn = {side for recipe in recipes.RECIPES.values() for side in recipe.sizes}
    source = choose_source(context)
    looked = look_or_refuse(context, source[0]) if source else None
    choices, usual = looked or (None, None)
    named, sized, colour, fit, behind = st.columns(5)
    name = named.text_input(
        "Name", key="import_name", max_chars=100, placeholder=source[1] or "its own name" if source else ""
    )
    if "import_size" not in st.session_state:  # the page was left: what was chosen there is gone
        st.session_state.pop("import_size_chosen", None)
    if not st.session_state.get("import_size_chosen"):
        st.session_state["import_size"] = fitting_side(usual)
    side = sized.selectbox(
        "Size",
        SIZES,
        format_func=lambda side: f"{side} × {side} px" + ("" if side in drawn else " (no recipe draws it yet)"),
        key="import_size",
        on_change=lambda: st.session_state.update(import_size_chosen=True),
        help="Smaller trains faster: 28 or 32 px in minutes, 64 px from a quarter of an hour on a CPU.",
    )
    mode = colour.selectbox("Colour", list(MODES), format_func=MODES.__getitem__, key="import_mode")
    fitted = fit.selectbox("Fit", list(FITS), format_func=FITS.__getitem__, key="import_fit")
    with behind:
        background = choose_background()
    if usual and not st.session_state.get("import_size_chosen"):
        st.caption(f"{side} px are proposed, as the shorter side of these pictures is usually {usual} px.")
    ready = source is not None and choices is not None
    if st.button("Import", type="primary", key="import_start", icon=":material/download:", disabled=not ready):
        name = name or source[1]
        token = click_token(
            "import", source[0], name, side, mode, fitted, background, choices.payload() if choices else None
        )
        try:
            job = actions.import_dataset(
                context,
                ImportRequest(
                    source=source[0],
                    name=name,
                    size=side,
                    mode=mode,
                    fit=fitted,
                    background=background,
                    choices=choices,
                ),
                token=token,
            )
        except UserError as refused:
            st.error(sentence(refused))
        else:
            for key in ("import_arrived", "import_filled", "import_size_chosen"):
                st.session_state.pop(key, None)
            st.query_params.from_dict({"job": job.id})
            st.rerun()
    if not ready:
        st.caption("Import lights up when there is something to import.")


def fitting_side(usual: int | None) -> int:
    """The size that is proposed for pictures whose shorter side is usually so many px; photographs need 64 to be recognised."""
    return 32 if usual is None or 28 < usual <= 48 else 28 if usual <= 28 else 64


def choose_background() -> str:
    """What lies behind transparent pictures and beside padded ones: a name or '#rrggbb'."""
    chosen = st.selectbox(
        "Background",
        list(BACKGROUND_WORDS),
        format_func=BACKGROUND_WORDS.__getitem__,
        key="import_background",
        help="Behind transparent pictures, and beside pictures that are padded to a square.",
    )
    return st.color_picker("Colour of it", "#ffffff", key="import_background_colour") if chosen == OTHER else chosen


def show_import(context: Context, job_id: str) -> bool:
    """Progress of the import in ?job=; a finished one becomes ?ds=. Is it still under way?"""
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
