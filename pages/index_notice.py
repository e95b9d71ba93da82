"""What every page says of the index: that it was rebuilt, that it does not answer now, or that it cannot be opened."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.jobs import open_index
from gan_core.storage.index_file import gives_no_answer
from pages.shared.text import plain, sentence


@contextmanager
def tell_of_index() -> Iterator[None]:
    """Inside, an index that cannot be opened or does not answer is told in a sentence, and the page ends there."""
    try:
        yield
    except UserError as refused:
        if refused.code not in ("newer_workspace", "index_busy"):
            raise
        st.error(sentence(refused), icon=":material/database:")
        st.stop()
    except sqlite3.DatabaseError as error:
        if not gives_no_answer(error):
            raise
        st.warning(
            "The index of this workspace does not answer: it is locked, or is being rebuilt. A training goes on meanwhile. "
            "Reload the page in ten seconds.",
            icon=":material/database:",
        )
        st.stop()


def show_rebuilt(context: Context) -> None:
    """That the index was rebuilt, until somebody has read it."""
    said = open_index.notice(context.workspace)
    if said is None:
        return
    with st.container(border=True, key="index_rebuilt"):
        st.warning(plain(said), icon=":material/database:")
        if not context.only_reads:
            st.button("I have read this", key="index_dismiss", on_click=open_index.dismiss, args=(context.workspace,))
