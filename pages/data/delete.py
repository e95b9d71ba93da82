"""Delete a dataset: first what was made from it is listed, which stays or goes with it; then one Undo for all."""

from functools import partial

import streamlit as st

from gan_core import actions
from gan_core.actions import Context, Thing
from gan_core.storage.store import Dataset
from gan_core.text import all_of, count
from pages.shared.text import plain
from pages.shared.trash import tried

MOST_LISTED = 12
STAYS = "Leave them"
GOES = "Delete them too"


def show_delete(context: Context, dataset: Dataset) -> None:
    """The last part of the page of a dataset."""
    with st.expander("Delete this dataset", icon=":material/delete:", key=f"data_delete_{dataset.id}"):
        made = actions.derived(context, dataset.id)
        if made:
            st.markdown(f"Made from it: {counted(made)}.")
            for thing in made[:MOST_LISTED]:
                st.caption(f"{thing.kind}: {plain(thing.name)}")
            if len(made) > MOST_LISTED:
                st.caption(f"and {len(made) - MOST_LISTED:,} more")
            st.caption(
                "Runs without their dataset keep their curves, samples and scores, but cannot be resumed, evaluated or exported. "
                "Exported zips and curated datasets hold images of it."
            )
            choice = st.radio("What was made from it", (STAYS, GOES), key=f"data_derived_{dataset.id}", horizontal=True)
        else:
            st.caption("Nothing was made from it.")
            choice = STAYS
        delete = partial(actions.delete, context, dataset.id, with_derived=choice == GOES)
        st.button(
            f"Delete {plain(dataset.name)}" + (f" and {counted(made)}" if choice == GOES else ""),
            key="data_delete",
            icon=":material/delete:",
            on_click=partial(tried, "data", delete),
            help="You can restore it on this page.",
        )


def counted(things: list[Thing]) -> str:
    """'2 runs and 1 export'."""
    numbers = {kind: sum(thing.kind == kind for thing in things) for kind in ("run", "dataset", "export")}
    return all_of([count(number, kind) for kind, number in numbers.items() if number])
