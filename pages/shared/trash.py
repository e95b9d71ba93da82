"""What was deleted on a page: one Undo for the last minutes, and a list with a button that restores each."""

import time
from collections.abc import Callable
from functools import partial

import streamlit as st

from gan_core import actions
from gan_core.actions import Context, Deleted
from gan_core.errors import UserError
from gan_core.text import ago, and_more, count
from pages.shared.text import plain, sentence

UNDO_SECONDS = 600  # after a deletion, in which its Undo is shown


def attempt(page: str, act: Callable[[], object]) -> bool:
    """Carry out a button; whether it was accepted. A refusal stays on the page until the next click. page: prefix of its keys."""
    try:
        act()
    except UserError as refused:
        st.session_state.setdefault(f"{page}_refused", []).append(sentence(refused))
        return False
    return True


def tried(page: str, act: Callable[[], object]) -> None:
    """attempt() as what a button does."""
    attempt(page, act)


def show_refusals(page: str) -> None:
    for text in st.session_state.pop(f"{page}_refused", []):
        st.error(text, icon=":material/error:")


def restore(page: str, context: Context, things: list[Deleted]) -> None:
    for one in things:
        attempt(page, partial(actions.undelete, context, one.id))


def show_last_deletion(page: str, context: Context, trash: list[Deleted]) -> None:
    """The deletions of the last minutes, with one Undo for all."""
    fresh = [one for one in trash if time.time() - one.deleted_at < UNDO_SECONDS]
    if not fresh:
        return
    names = plain(and_more([repr(one.name) for one in fresh], 3))
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"{page}_undo"):
        st.markdown(f":material/delete: Deleted {names}.", width="content")
        undo = partial(restore, page, context, fresh)
        st.button("Undo", key=f"{page}_undelete", icon=":material/undo:", on_click=undo)


def show_trash(page: str, context: Context, trash: list[Deleted], kind: str) -> None:
    """All that is deleted of a kind ("run", "dataset", "export"), each with a button that restores it."""
    if not trash:
        return
    with st.expander(count(len(trash), f"deleted {kind}"), icon=":material/delete:", key=f"{page}_trash"):
        st.caption("What is deleted stays complete until the trash is emptied, as on the System page.")
        for one in trash:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(one.name), width="content")
                st.caption(f"deleted {ago(one.deleted_at)}", width="content")
                st.button(
                    "Restore",
                    key=f"{page}_back_{one.id}",
                    icon=":material/undo:",
                    on_click=partial(restore, page, context, [one]),
                    help=f"Restore {plain(one.name)}",
                )
