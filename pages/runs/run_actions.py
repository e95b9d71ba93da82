"""The buttons for the selected runs: open, clone, rename, delete."""

from functools import partial

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.storage.store import Run
from pages.runs.table import select
from pages.shared.links import link
from pages.shared.text import plain
from pages.shared.trash import attempt


def buttons(context: Context, runs: list[Run]) -> None:
    """For the selected runs, at least one."""

    def delete() -> None:
        left = [run.id for run in runs if not attempt("runs", partial(actions.delete, context, run.id))]
        select(left)

    st.markdown(f"Selected: {', '.join(f'**{plain(run.name)}**' for run in runs)}")
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs_buttons"):
        if len(runs) == 1:
            (run,) = runs
            link("live", "Open", icon="monitoring", width="content", run=run.id)
            link("train", "Clone", icon="content_copy", width="content", clone=run.id)
            key = f"runs_name_{run.id}_{run.name}"

            def rename() -> None:
                attempt("runs", lambda: actions.rename(context, run.id, st.session_state[key]))

            st.text_input("New name", value=run.name, key=key, max_chars=actions.LONGEST_NAME, width=320)
            st.button("Rename", key="runs_rename", icon=":material/edit:", on_click=rename)
        what = "Delete" if len(runs) == 1 else f"Delete {len(runs)} runs"
        st.button(what, key="runs_delete", icon=":material/delete:", on_click=delete, help="You can restore it below.")
