"""How much the workspace may hold, and how long it keeps exports and what was deleted."""

from typing import NamedTuple

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.storage import limits
from gan_core.storage.limits import Limits
from pages.shared.text import sentence

SAID = "limits_said"


class Field(NamedTuple):
    title: str
    help: str
    most: float


FIELDS = {
    "datasets_gb": Field("Datasets (GB)", "An import is refused while all datasets take so much.", 1e6),
    "runs_gb": Field("Runs (GB)", "A training or an evaluation is refused while all runs take so much.", 1e6),
    "exports_gb": Field("Exports (GB)", "An export is refused while all exports take so much.", 1e6),
    "free_gb": Field("Leave free on the disk (GB)", "What adds to the workspace is refused below this.", 1e6),
    "queued_runs": Field("Waiting runs", "Another run is refused while so many wait.", 10_000),
    "export_days": Field("Remove exports after (days)", "Their zips are removed for good.", 3650),
    "trash_days": Field("Empty the trash after (days)", "What was deleted is removed for good.", 3650),
}


def show_limits(context: Context) -> None:
    st.subheader("Limits")
    st.caption(
        "0 means no limit. A limit on space refuses new work and removes nothing. What is too old is removed once an hour."
    )
    if said := st.session_state.pop(SAID, None):
        st.success(said, icon=":material/check_circle:")
    now = limits.read(context.workspace)
    with st.form("limits", border=True), st.container(horizontal=True, vertical_alignment="bottom"):
        for name, field in FIELDS.items():
            number = type(Limits._field_defaults[name])  # Streamlit wants all of one type
            low, most, value, step = (number(one) for one in (0, field.most, min(getattr(now, name), field.most), 1))
            st.number_input(field.title, low, most, value, step, key=f"limit_{name}", help=field.help, width=230)
        st.form_submit_button("Save limits", icon=":material/save:", on_click=save, args=(context,), key="limits_save")


def save(context: Context) -> None:
    try:
        actions.set_limits(context, Limits(**{name: st.session_state[f"limit_{name}"] for name in FIELDS}))
    except UserError as refused:
        st.session_state[SAID] = sentence(refused)
        return
    st.session_state[SAID] = "The limits are saved."
