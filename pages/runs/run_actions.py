"""The buttons for the selected runs: open, clone, rename, delete; and the deleted runs, which can be restored."""

import time
from collections.abc import Callable
from functools import partial

import streamlit as st

from gan_core import actions
from gan_core.actions import Context, Deleted
from gan_core.errors import UserError
from gan_core.storage.store import Run
from gan_core.text import ago, and_more, count
from pages.runs.table import select
from pages.shared.links import link
from pages.shared.text import plain, sentence

UNDO_SECONDS = 600  # after a deletion, in which its Undo is shown above the table


def attempt(act: Callable[[], object]) -> bool:
    """Carry out a button; whether it was accepted. A refusal stays on the page until the next click."""
    try:
        act()
    except UserError as refused:
        st.session_state.setdefault("runs_refused", []).append(sentence(refused))
        return False
    return True


def show_refusals() -> None:
    for text in st.session_state.pop("runs_refused", []):
        st.error(text, icon=":material/error:")


def buttons(context: Context, runs: list[Run]) -> None:
    """For the selected runs, at least one."""

    def delete() -> None:
        left = [run.id for run in runs if not attempt(partial(actions.delete, context, run.id))]
        select(left)

    st.markdown(f"Selected: {', '.join(f'**{plain(run.name)}**' for run in runs)}")
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs_buttons"):
        if len(runs) == 1:
            (run,) = runs
            link("live", "Open", icon="monitoring", width="content", run=run.id)
            link("train", "Clone", icon="content_copy", width="content", clone=run.id)
            key = f"runs_name_{run.id}_{run.name}"

            def rename() -> None:
                attempt(lambda: actions.rename(context, run.id, st.session_state[key]))

            st.text_input("New name", value=run.name, key=key, max_chars=actions.LONGEST_NAME, width=320)
            st.button("Rename", key="runs_rename", icon=":material/edit:", on_click=rename)
        what = "Delete" if len(runs) == 1 else f"Delete {len(runs)} runs"
        st.button(what, key="runs_delete", icon=":material/delete:", on_click=delete, help="You can restore it below.")


def restore(context: Context, runs: list[Deleted]) -> None:
    for run in runs:
        attempt(partial(actions.undelete, context, run.id))


def show_last_deletion(context: Context, trash: list[Deleted]) -> None:
    """The deletions of the last minutes, with one Undo for all."""
    fresh = [run for run in trash if time.time() - run.deleted_at < UNDO_SECONDS]
    if not fresh:
        return
    names = plain(and_more([repr(run.name) for run in fresh], 3))
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="runs_undo"):
        st.markdown(f":material/delete: Deleted {names}.", width="content")
        st.button("Undo", key="runs_undelete", icon=":material/undo:", on_click=restore, args=(context, fresh))


def show_trash(context: Context, trash: list[Deleted]) -> None:
    """All deleted runs, each with a button that restores it."""
    if not trash:
        return
    with st.expander(count(len(trash), "deleted run"), icon=":material/delete:", key="runs_trash"):
        st.caption(
            "Deleted runs stay complete until the trash is emptied on the System page. Exports, datasets and scores are kept."
        )
        for run in trash:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(run.name), width="content")
                st.caption(f"deleted {ago(run.deleted_at)}", width="content")
                st.button(
                    "Restore",
                    key=f"runs_back_{run.id}",
                    icon=":material/undo:",
                    on_click=restore,
                    args=(context, [run]),
                    help=f"Restore {plain(run.name)}",
                )
