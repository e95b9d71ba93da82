"""What is done to chosen runs: open, clone, rename, delete; and the trash, from which they come back."""

import time
from collections.abc import Callable

import streamlit as st

from gan_core import actions
from gan_core.actions import Context, Deleted
from gan_core.errors import UserError
from gan_core.storage.store import Run
from gan_core.text import ago, and_more, count
from pages.runs.table import choose
from pages.shared.text import plain, sentence

FRESH_SECONDS = 600  # so long the undo stands above the table


def attempt(act: Callable[[], object]) -> bool:
    """Carry out a button. A refusal stays on the page until the next click."""
    try:
        act()
    except UserError as refused:
        st.session_state.setdefault("runs_refused", []).append(sentence(refused))
        return False
    return True


def say_refusals() -> None:
    for text in st.session_state.pop("runs_refused", []):
        st.error(text, icon=":material/error:")


def buttons(context: Context, runs: list[Run]) -> None:
    """For the chosen runs, at least one."""

    def delete() -> None:
        left = [run.id for run in runs if not attempt(lambda run=run: actions.delete(context, run.id))]
        choose(left)

    st.markdown(f"Chosen: {', '.join(f'**{plain(run.name)}**' for run in runs)}")
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs_buttons"):
        if len(runs) == 1:
            (run,) = runs
            st.page_link(
                "live/page.py",
                label="Open",
                icon=":material/monitoring:",
                query_params={"run": run.id},
                width="content",
            )
            st.page_link(
                "train/page.py",
                label="Clone",
                icon=":material/content_copy:",
                query_params={"clone": run.id},
                width="content",
            )
            key = f"runs_name_{run.id}_{run.name}"

            def rename() -> None:
                attempt(lambda: actions.rename(context, run.id, st.session_state[key]))

            st.text_input("New name", value=run.name, key=key, max_chars=actions.LONGEST_NAME, width=320)
            st.button("Rename", key="runs_rename", icon=":material/edit:", on_click=rename)
        what = "Delete" if len(runs) == 1 else f"Delete {len(runs)} runs"
        st.button(what, key="runs_delete", icon=":material/delete:", on_click=delete, help="It can be undone below.")


def undo(context: Context, runs: list[Deleted]) -> None:
    for run in runs:
        attempt(lambda run=run: actions.undelete(context, run.id))


def just_deleted(context: Context, trash: list[Deleted]) -> None:
    """The last deletion, with its undo at hand."""
    fresh = [run for run in trash if time.time() - run.deleted_at < FRESH_SECONDS]
    if not fresh:
        return
    names = plain(and_more([repr(run.name) for run in fresh], 3))
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="runs_undo"):
        st.markdown(f":material/delete: Deleted {names}.", width="content")
        st.button("Undo", key="runs_undelete", icon=":material/undo:", on_click=undo, args=(context, fresh))


def trash_list(context: Context, trash: list[Deleted]) -> None:
    """Everything that can come back."""
    if not trash:
        return
    with st.expander(count(len(trash), "deleted run"), icon=":material/delete:", key="runs_trash"):
        st.caption(
            "Kept whole until the trash is cleaned on System. Exports, datasets and measurements' numbers are not touched."
        )
        for run in trash:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(run.name), width="content")
                st.caption(f"deleted {ago(run.deleted_at)}", width="content")
                st.button(
                    "Bring back",
                    key=f"runs_back_{run.id}",
                    icon=":material/undo:",
                    on_click=undo,
                    args=(context, [run]),
                    help=f"Bring back {plain(run.name)}",
                )
