"""Where the images of an import come from: a ready set, an uploaded zip, a folder, or the source of an earlier import."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.ready_sets import READY_SETS
from gan_core.text import size
from pages.data.import_again import choose_again, choose_unfinished, unfinished
from pages.data.upload import upload_zip
from pages.shared.text import plain

READY, UPLOAD, FOLDER = WAYS = ("Ready sets", "Upload a zip", "Folder on this computer")


def choose_source(context: Context) -> tuple[str, str] | None:
    """(source of an ImportRequest, suggested name), or None as long as nothing is chosen."""
    if again := st.query_params.get("again"):
        return choose_again(context, again)
    if (job := unfinished(context)) is not None:
        return choose_unfinished(job)
    if st.session_state.pop("import_filled", None):
        st.session_state.pop("import_size_chosen", None)
    way = st.segmented_control("Where are your images?", WAYS, default=READY, required=True, key="import_way")
    return {READY: choose_ready_set, UPLOAD: lambda: choose_upload(context), FOLDER: choose_path}[way]()


def choose_ready_set() -> tuple[str, str]:
    name = st.radio(
        "Ready set",
        list(READY_SETS),
        format_func=lambda key: plain(READY_SETS[key].title),
        key="import_ready",
        captions=[
            plain(ready.summary + (" Needs a network." if ready.needs_network else "")) for ready in READY_SETS.values()
        ],
    )
    st.caption(plain(f"Source: {READY_SETS[name].source}."))
    return f"demo:{name}", READY_SETS[name].title


def choose_upload(context: Context) -> tuple[str, str] | None:
    """The uploaded zip of this tab. A newer upload replaces it, and it is deleted."""
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


def choose_path() -> tuple[str, str] | None:
    path = st.text_input(
        "Path of a folder or a zip",
        key="import_path",
        placeholder="/home/me/images/birds",
        help="A path on the computer that runs Ganvas. The folder holds one folder per class.",
    )
    return (path, "") if path else None
